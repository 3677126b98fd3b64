#!/usr/bin/perl
# api.pl write [HEADER]: Part I of sgm.h as JSON, for who makes declarations in another language.
# api.pl check JSON: a C program that compiles, beside sgm.h, if each declaration in JSON is the
# header's. To write needs no module but those of perl-base; to check, JSON::PP, which comes with Perl.
#
# {"version", "chapters": [{"name", "title", "doc"}],
#  "functions": [{"name", "chapter", "returns", "args": [{"name", "type", "const", "shape"}],
#                 "variadic", "doc", "errors"}],          const: the call does not write there;
#                                                 shape: ["n", "D"] where the text says x(n,D), or null
#  "callbacks": [{"name", "returns", "args", "doc"}],     types that are pointers to functions
#  "enums": [{"name", "values": {"SGM_OK": 0, …}, "doc"}], name null: only constants
#  "structs": [{"name", "opaque", "fields": [{"name", "type", "array", "shape", "doc"}], "doc"}],
#                                                 array: how many of that type, null: it is one
#  "macros": [{"name", "value", "doc"}]}
#
# A type is written as C writes it without a name: "const float *", "void (*)(int, void *)".
use strict; use warnings; use utf8;
binmode $_, ':utf8' for *STDOUT, *STDERR;

my $token = qr{\.\.\.|[A-Za-z_]\w*|\d\w*|"[^"]*"|\S};
my %constant; # of enums and macros, for the sizes of arrays

sub slurp { my ($f) = @_; open my $h, '<:utf8', $f or die "$f: $!\n"; local $/; my $t = <$h>; $t }

sub plain { # a comment's words
    my ($text) = @_;
    $text =~ s{^/\*\s*|\s*\*/$}{}g;
    return $text =~ s/\s+/ /gr;
}

sub number { # of a constant expression
    my ($text, $of) = @_;
    $text =~ s/\b(SGM_\w+)\b/$constant{$1} \/\/ die "$of: $1 is not known here\n"/ge;
    $text =~ /^[\d\s()+*|<-]+$/ or die "$of: $text is no whole number\n";
    return eval($text) // die "$of: $text\n";
}

# Declarators. Each returns what it has read of the list of tokens: a function's arguments, or one
# name with its type.

sub parameters { # "(" has been taken; up to its ")"
    my ($t) = @_;
    my (@args, $variadic);
    if ($t->[0] eq 'void' && $t->[1] eq ')') { splice @$t, 0, 2; return ([], 0) }
    while (1) {
        if ($t->[0] eq '...') { shift @$t; $variadic = 1 }
        else {
            my $arg = declarator($t, specifiers($t));
            if (my $size = delete $arg->{array}) { @$arg{qw(type shape)} = (pointer_to($arg->{type}), [$size]) } # as C does
            push @args, $arg;
        }
        my $next = shift @$t;
        return (\@args, $variadic ? 1 : 0) if $next eq ')';
        die "\"$next\" where a comma should be\n" if $next ne ',';
    }
}

sub pointer_to { my ($type) = @_; return $type =~ /[* ]$/ ? "$type*" : "$type *" }

my %basic = map { $_ => 1 } qw(unsigned signed long short int char double);
sub specifiers { # "char const" becomes "const char"
    my ($t) = @_;
    my ($const, @words) = '';
    while ($t->[0] =~ /^[a-z]\w*$/) {
        if ($t->[0] eq 'const') { $const = 'const ' }
        elsif (!@words || $words[-1] =~ /^(?:struct|enum)$/ || ($basic{$words[-1]} && $basic{$t->[0]})) { push @words, $t->[0] }
        else { last }
        shift @$t;
    }
    die "no type before \"$t->[0]\"\n" unless @words;
    return $const . "@words";
}

sub declarator {
    my ($t, $type) = @_;
    while ($t->[0] =~ /^(?:\*|const)$/) {
        my $word = shift @$t;
        $type = $word eq '*' ? pointer_to($type) : "$type$word ";
    }
    $type =~ s/ $//;
    my %made = (type => $type, array => undef);
    if ($t->[0] eq '(') { # a pointer to a function
        (my $open, my $star, $made{name}, my @after) = splice @$t, 0, 5;
        "$open$star@after" eq '(*) (' or die "not the name of a pointer to a function: $made{name}\n";
        my ($args, $variadic) = parameters($t);
        $made{type} = ($type =~ /\*$/ ? $type : "$type ") . '(*)(' .
            (join(', ', (map { $_->{type} } @$args), $variadic ? '...' : ()) || 'void') . ')';
        @made{qw(returns args)} = ($type, $args);
        return \%made;
    }
    $made{name} = $t->[0] =~ /^[A-Za-z_]/ ? shift @$t : '';
    if ($t->[0] eq '[') {
        my ($size) = (splice @$t, 0, 3)[1];
        $made{array} = number($size, $made{name});
        die "$made{name}: an array of arrays\n" if $t->[0] eq '[';
    }
    return \%made;
}

# Texts between braces: pieces of code, each with the comment that follows it.

sub members {
    my ($body, $end) = @_;
    my @made;
    while ($body =~ m{\G\s*((?:[^/$end]|/(?!\*)|/\*.*?\*/)*?)\s*(?:[$end]|$)((?:[ \t]*/\*.*?\*/)?)}gs) {
        my ($code, $doc) = ($1, $2);
        $doc =~ s/^\s+//;
        my $before = $code =~ s{^\s*(/\*.*?\*/)\s*}{}s ? $1 : ''; # of the one before, or of this one
        my $within = join ' ', map { plain($_) } $code =~ m{/\*.*?\*/}gs;
        $code =~ s{/\*.*?\*/}{}gs;
        if ($before && @made && !$made[-1]{doc}) { $made[-1]{doc} = plain($before) }
        elsif ($before) { $within = plain($before) }
        push @made, {code => $code, doc => $doc ? plain($doc) : $within} if $code =~ /\S/;
        last if pos($body) >= length $body;
    }
    return @made;
}

sub enum_values {
    my ($body) = @_;
    my ($next, @values, %doc) = 0;
    for (members($body, ',')) {
        my ($name, $value) = $_->{code} =~ /^\s*(\w+)\s*(?:=\s*(.*?))?\s*$/s or die "enum: $_->{code}\n";
        $next = number($value, $name) if defined $value;
        push @values, $name, $next;
        $doc{$name} = $_->{doc} if $_->{doc};
        $constant{$name} = $next++;
    }
    return (\@values, \%doc);
}

sub struct_fields {
    my ($body) = @_;
    my @fields;
    for my $m (members($body, ';')) {
        my @t = ($m->{code} =~ /$token/g, ';');
        my $type = specifiers(\@t);
        while (1) {
            my $f = declarator(\@t, $type);
            my %any = map { $_ => 1 } $m->{doc} =~ /\b([a-z]\w*)\b/g;
            my $said = $f->{type} =~ /\*$/ && $f->{type} !~ /char \*$/ && $m->{doc} =~ /^\(([^()]+)\)/ ? $1 : undef;
            push @fields, {%$f, doc => $m->{doc}, shape => defined $said ? shape($said, %any) : undef};
            my $next = shift @t;
            last if $next eq ';';
            die "$f->{name}: \"$next\" where a comma should be\n" if $next ne ',';
        }
    }
    return \@fields;
}

# The interface: declarations, each with the comment on its line (inline) and the one below it. That
# below belongs to all that stand together before it and have none of their own.

sub items {
    my ($text) = @_;
    my (@items, @group, $chapter);
    pos($text) = 0;
    my ($remark, $slash) = (qr{/\*.*?\*/}s, qr{/(?!\*)});
    my $macro = qr{^\#(?:\\\n|$remark|[^\n])*}m;
    my $declaration = qr{(?:[^;\{/]|$slash|$remark|\{(?:[^\}/]|$slash|$remark)*\})+;};
    while ($text =~ m{\G(\s*)(?:($remark)|($macro)|($declaration))}gc) {
        my ($gap, $comment, $line, $code) = ($1, $2, $3, $4);
        my $breaks = $gap =~ tr/\n//;
        @group = () if $breaks > 1;
        if (defined $comment && $comment =~ m{^/\*\n(?:# Part.*?\n\n)?## (\w+)\. ([^\n]*)\n(.*)\*/}s) {
            my ($name, $title, $said) = ($1, $2, $3);
            $said =~ s/^\s+|\s+$//g;
            push @items, $chapter = {kind => 'chapter', name => $name, title => $title, doc => $said};
        }
        elsif (defined $comment && $breaks == 0 && @items) {
            $items[-1]{inline} = plain($comment);
        }
        elsif (defined $comment) {
            my $said = plain($comment);
            for (reverse 0 .. $#group) {
                last if $_ < $#group && ($group[$_]{inline} || $group[$_]{below} || $group[$_]{code} !~ /^SGM_API/ || $group[$_]{code} =~ /^[^(]*_free\(/);
                $group[$_]{below} = $said;
            }
        }
        elsif (defined $line) {
            next unless $line =~ m{^\#define[ ]+(SGM_(?!_)\w+)[ ]+(.*?)[ ]*(?:(/\*.*\*/))?$}s;
            my ($name, $value, $said) = ($1, $2, $3);
            push @items, {kind => 'macro', name => $name, value => $value, inline => $said ? plain($said) : ''};
            $constant{$name} = $value if $value =~ /^\(?-?\d+\)?$/;
        }
        else {
            push @items, my $item = {kind => 'code', code => $code, chapter => $chapter->{name}};
            @group = () if $code =~ /\{/;
            push @group, $item;
        }
    }
    my $rest = substr $text, pos($text) // 0;
    die "not understood: " . substr($rest, 0, 200) . "\n" if $rest =~ /\S/;
    return @items;
}

sub shape { # "n, h·w" if it speaks of sizes alone: these and D, d, C, K
    my ($text, %size) = @_;
    my @shape = split /\s*,\s*/, $text;
    for my $side (@shape) {
        return undef if $side !~ /^[\w.]+(?: ?[·+*-] ?[\w.]+)*$/ || grep { !/^(?:\d+|[DdCK]|\w+\.\w+)$/ && !$size{$_} } $side =~ /[\w.]+/g;
    }
    return \@shape;
}

my %several = (two => 2, three => 3, four => 4, five => 5, six => 6);
sub functions_doc { # "All four: SGM_NO_FILE …" is said of the last four
    my ($functions) = @_;
    for my $i (0 .. $#$functions) {
        next unless $functions->[$i]{doc} =~ /\bAll (two|three|four|five|six): (.*)/;
        my ($n, $said) = ($several{$1}, $2);
        for (@$functions[$i - $n + 1 .. $i - 1]) { $_->{doc} .= ($_->{doc} ? ' ' : '') . $said }
    }
    for my $f (@$functions) {
        my %seen;
        $f->{errors} = $f->{returns} eq 'sgm_status' ? [grep { !$seen{$_}++ && $_ ne 'SGM_OK' && exists $constant{$_} }
            $f->{doc} =~ /\b(SGM_(?:BAD|NO|MISMATCH|NOT)[A-Z_]*)\b/g] : [];
        for my $arg (@{$f->{args}}) {
            $arg->{const} = $arg->{type} =~ /^const .*\*$/ ? 1 : 0;
            $arg->{shape} //= undef;
            next unless $arg->{type} =~ /\*$/ && $arg->{type} !~ /\bsgm_|\bvoid\b/;
            my %size = map { $_->{name} => 1 } grep { $_->{type} =~ /^(?:int|long|size_t)$/ } @{$f->{args}};
            $arg->{shape} = shape($1, %size) if $f->{doc} =~ /(?<![\w(])\Q$arg->{name}\E ?\(([^()]+)\)/;
        }
    }
}

sub parse {
    my ($text) = @_;
    my ($version) = $text =~ /^#define SGM_VERSION "(.*)"/m or die "no SGM_VERSION\n";
    my ($part) = $text =~ m{^(/\*\n# Part I: the interface\n.*?)^#endif /\* SGM_H \*/}ms or die "no Part I\n";
    $part =~ s/^#if(?:def|ndef)? .*\n|^#endif.*\n|^#else.*\n//mg;
    $part =~ s/^\}\n\s*\z//m; # of extern "C"
    my %api = (version => $version, map { $_ => [] } qw(chapters functions callbacks enums structs macros));
    my %struct;
    for my $item (items($part)) {
        my $doc = join ' ', grep { $_ } $item->{inline}, $item->{below};
        if ($item->{kind} eq 'chapter') { push @{$api{chapters}}, $item; next }
        if ($item->{kind} eq 'macro') { push @{$api{macros}}, {%$item, doc => $doc}; next }
        local $_ = $item->{code};
        if (/^(?:typedef )?enum(?: \w+)? \{(.*)\}\s*(\w*);$/s) {
            my ($body, $name) = ($1, $2);
            my ($values, $said) = enum_values($body);
            push @{$api{enums}}, {name => $name || undef, values => $values, said => $said, doc => $doc};
        }
        elsif (/^(?:typedef )?struct (\w+) \{(.*)\}\s*\w*;$/s) {
            my ($name, $body) = ($1, $2);
            $struct{$name} //= do { push @{$api{structs}}, my $s = {name => $name, doc => ''}; $s };
            $struct{$name}{fields} = struct_fields($body);
            $struct{$name}{doc} = $doc;
        }
        elsif (/^typedef struct (\w+) \w+;$/) {
            push @{$api{structs}}, $struct{$1} = {name => $1, fields => [], doc => $doc};
        }
        else {
            s{/\*.*?\*/}{}gs;
            my $typedef = s/^typedef //;
            $typedef || s/^SGM_API // or die "neither a type nor SGM_API: $_\n";
            my @t = /$token/g;
            my $made = declarator(\@t, specifiers(\@t));
            if ($typedef) { # a type of functions is declared as a pointer
                die "typedef $made->{name}: not a pointer to a function\n" unless $made->{args};
                push @{$api{callbacks}}, {%$made, doc => $doc};
                next;
            }
            shift @t eq '(' or die "$made->{name}: not a function\n";
            my ($args, $variadic) = parameters(\@t);
            push @{$api{functions}}, {name => $made->{name}, chapter => $item->{chapter}, returns => $made->{type},
                args => $args, variadic => $variadic, doc => $doc};
        }
    }
    functions_doc($api{functions});
    return \%api;
}

# JSON, a line for each thing, in the header's order.

sub text { my ($t) = @_; return 'null' unless defined $t; $t =~ s/(["\\])/\\$1/g; $t =~ s/\n/\\n/g; return "\"$t\"" }
sub bool { return $_[0] ? 'true' : 'false' }
sub list { return '[' . join(', ', @_) . ']' }
sub shape_json { return $_[0] ? list(map { text($_) } @{$_[0]}) : 'null' }
sub args_json { # those of a callback have no shapes
    my ($args) = @_;
    return list(map { object(name => text($_->{name}), type => text($_->{type}),
        exists $_->{shape} ? (const => bool($_->{const}), shape => shape_json($_->{shape})) : ()) } @$args);
}
sub values_json { my @v = @{$_[0]}; my @made; push @made, text(shift @v) . ': ' . shift @v while @v; return '{' . join(', ', @made) . '}' }
sub said_json { my ($said, $values) = @_; return '{' . join(', ', map { text($_) . ': ' . text($said->{$_}) } grep { $said->{$_} } @$values) . '}' }

# object("name", "\"x\"", …): the values are JSON already
sub object { my @made; push @made, "\"" . shift(@_) . "\": " . shift @_ while @_; return '{' . join(', ', @made) . '}' }
sub field_json {
    my ($f) = @_;
    return object(name => text($f->{name}), type => text($f->{type}), array => $f->{array} // 'null',
        shape => shape_json($f->{shape}), doc => text($f->{doc}));
}
my %made = (
    chapters => sub { (name => text($_->{name}), title => text($_->{title}), doc => text($_->{doc})) },
    functions => sub {
        (name => text($_->{name}), chapter => text($_->{chapter}), returns => text($_->{returns}),
            args => args_json($_->{args}), variadic => bool($_->{variadic}),
            errors => list(map { text($_) } @{$_->{errors}}), doc => text($_->{doc}))
    },
    callbacks => sub { (name => text($_->{name}), returns => text($_->{returns}), args => args_json($_->{args}), doc => text($_->{doc})) },
    enums => sub {
        (name => text($_->{name}), values => values_json($_->{values}), values_doc => said_json($_->{said}, $_->{values}),
            doc => text($_->{doc}))
    },
    structs => sub {
        (name => text($_->{name}), opaque => bool(!@{$_->{fields}}), doc => text($_->{doc}),
            fields => '[' . join(',', map { "\n    " . field_json($_) } @{$_->{fields}}) . ']')
    },
    macros => sub { (name => text($_->{name}), value => text($_->{value}), doc => text($_->{doc})) },
);

sub json {
    my ($api) = @_;
    return "{\n \"version\": " . text($api->{version}) . join('', map { my $kind = $_;
        ",\n \"$kind\": [" . join(',', map { "\n  " . object($made{$kind}->()) } @{$api->{$kind}}) . "\n ]" }
        qw(chapters functions callbacks enums structs macros)) . "\n}\n";
}

# A C program from the JSON alone. A function that is declared twice has two times the same type, or
# the compiler refuses; a struct made of the JSON's fields has the header's offsets and sizes.

sub named { # a type with its name put in
    my ($type, $name, $array) = @_;
    return $type if $type =~ s/\(\*\)/(*$name)/;
    return ($type =~ /\*$/ ? $type : "$type ") . $name . (defined $array ? "[$array]" : '');
}

sub checks {
    my ($api) = @_;
    my $c = "#include \"sgm.h\"\n#include <string.h>\n#define HOLDS(name, what) typedef char name[(what) ? 1 : -1]\n";
    for my $f (@{$api->{functions}}) {
        $c .= 'SGM_API ' . named($f->{returns}, $f->{name}) . '(' .
            (join(', ', (map { named($_->{type}, $_->{name}) } @{$f->{args}}), $f->{variadic} ? '...' : ()) || 'void') . ");\n";
    }
    for my $f (@{$api->{callbacks}}) {
        $c .= "typedef " . named($f->{returns}, "(*json_$f->{name})") . '(' . (join(', ', map { $_->{type} } @{$f->{args}}) || 'void') . ");\n" .
            "int same_$f->{name}(json_$f->{name} *json, $f->{name} *header);\n" .
            "int same_$f->{name}(json_$f->{name} *json, $f->{name} *header) { return json == header; }\n";
    }
    for my $s (@{$api->{structs}}) {
        my $n = $s->{name};
        if ($s->{opaque}) { $c .= "extern struct $n *pointer_$n;\n"; next }
        $c .= "struct json_$n {\n" . join('', map { '    ' . named($_->{type}, $_->{name}, $_->{array}) . ";\n" } @{$s->{fields}}) . "};\n" .
            "HOLDS(size_$n, sizeof(struct json_$n) == sizeof(struct $n));\n" .
            "int same_$n(struct json_$n *json, struct $n *header);\n" .
            "int same_$n(struct json_$n *json, struct $n *header) {\n    int same = 1;\n";
        for (@{$s->{fields}}) {
            $c .= "    { HOLDS(place, offsetof(struct json_$n, $_->{name}) == offsetof(struct $n, $_->{name})); " .
                "same &= sizeof(place) == 1 && &json->$_->{name} == &header->$_->{name}; }\n";
        }
        $c .= "    return same;\n}\n";
    }
    my $i = 0;
    for my $e (@{$api->{enums}}) {
        my @names = sort { $e->{values}{$a} <=> $e->{values}{$b} || $a cmp $b } keys %{$e->{values}};
        for (@names) { $c .= "HOLDS(value_$_, $_ == $e->{values}{$_});\n" }
        next unless defined $e->{name};
        my %case; # of two names of one value one is enough
        $c .= "int all_$e->{name}($e->{name} e);\nint all_$e->{name}($e->{name} e) {\n    switch (e) {\n" .
            join('', map { $case{$e->{values}{$_}}++ ? '' : "    case $_:\n" } @names) . "        return 1;\n    }\n    return 0;\n}\n";
    }
    $c .= "int main(void) {\n    int got, same = strcmp(SGM_VERSION, \"$api->{version}\") == 0;\n";
    for (@{$api->{macros}}) { $c .= "    got = ($_->{name});\n    same &= got == ($_->{value});\n" }
    return $c . "    return !same;\n}\n";
}

my ($mode, $file) = @ARGV;
if (($mode // '') eq 'write') { print json(parse(slurp($file // 'sgm.h'))) }
elsif (($mode // '') eq 'check' && $file) {
    require JSON::PP;
    print checks(JSON::PP->new->decode(slurp($file)));
}
else { die "usage: api.pl write [HEADER], api.pl check JSON\n" }
