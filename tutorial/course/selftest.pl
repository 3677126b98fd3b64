#!/usr/bin/perl
# Tests the assignments themselves: the blank scores 0; the library's functions and the model answer, with several keys,
# 100; each wrong answer of variants.txt gets its own diagnosis and none gets another's; each valid one passes with its
# comment; and of at least 50 generated mutants of the model answer 98 in 100 fail.
#
#     tutorial/course/selftest.pl CC DIR [NN...]     DIR as made by cut.pl build; ends with "N passed, N failed"
#
# LAB_CLOCK=1: an answer that is right and slow must be told by the clock; without, no clock is asked, so that nothing here
# depends on what else the machine does.
# LAB_HASTY=1: a wrong answer is read up to its diagnosis; without, also that no later row gives it another's name.
#
# All answers of an assignment stand in one program, each with its names changed, so that little is compiled.
use strict;
use warnings;
use utf8;
use open qw(:std :utf8);

my ($cc, $dir, @only) = @ARGV;
die "usage: tutorial/course/selftest.pl CC DIR [NN...]\n" unless defined $dir;
my ($here) = $0 =~ m{(.*)/} or die;
my ($passed, $failed) = (0, 0);
use constant { MUTANTS => 60, LEAST => 50 };

sub slurp { my ($f) = @_; open my $h, '<', $f or die "error: $f: $!\n"; local $/; <$h> }
sub spew { my ($f, $s) = @_; open my $h, '>', $f or die "error: $f: $!\n"; print $h $s; close $h }
sub check {
    my ($good, $name, @more) = @_;
    if ($good) { $passed++; return }
    $failed++;
    print "FAILED  $name\n", map { "        $_\n" } @more;
}

# The functions that begin in column 0: name => [return type, arguments, is it static]
sub functions {
    my ($text) = @_;
    my %f;
    while ($text =~ /^(static )?((?:const |unsigned |struct )*\w+ \*?)(\w+)\(([^;{}]*?)\)\s*\{/mg) {
        $f{$3} = [$2, join(' ', split ' ', $4), defined $1];
    }
    return \%f;
}

# All names in column 0 that two copies may not share.
sub names {
    my ($text) = @_;
    my %n = map { $_ => 1 } keys %{functions($text)};
    (my $code = $text) =~ s{/\*.*?\*/}{}gs;
    $n{$1} = 1 while $code =~ /^(?:static |const )[^\n;(){}=]*?\b(\w+)(?:\[[^\n=]*?\])*\s*(?:=|;)/mg;
    $n{$1} = 1 while $code =~ /^\} (\w+);/mg;                  # typedef struct { ... } name;
    $n{$1} = 1 while $code =~ /^typedef struct (\w+)/mg;
    $n{$1} = 1 while $code =~ /^static [^\n;{}]*\b(\w+)\([^;{}]*\);/mg;
    while ($code =~ /^enum (?:\w+ )?\{([^}]*)\}/mg) { my $l = $1; $n{$1} = 1 while $l =~ /(\w+)\s*(?:=|,|$)/mg }
    delete $n{$_} for qw(static const double float int long char void);
    return sort keys %n;
}

# variants.txt: [kind, id, [[old, new], ...]]
sub variants {
    my ($file) = @_;
    my (@all, $last);
    return () unless -f $file;
    for (split /\n/, slurp($file)) {
        if (/^(wrong|valid|equal) (.*?)\s*$/) { push @all, [$1, $2, []]; $last = '' }
        elsif (/^- ?(.*?)\s*$/) {
            die "error: $file: a change before its name\n" unless @all;
            if ($last eq '-') { $all[-1][2][-1][0] .= "\n$1" } else { push @{$all[-1][2]}, [$1, undef] }
            $last = '-';
        } elsif (/^\+ ?(.*?)\s*$/) {
            die "error: $file: $all[-1][1]: a + without its -\n" unless @all && @{$all[-1][2]};
            $all[-1][2][-1][1] = defined $all[-1][2][-1][1] ? "$all[-1][2][-1][1]\n$1" : $1;
            $last = '+';
        } else { $last = '', $all[-1][3] ||= /^\s*\(by the clock\)/ if @all }
    }
    return @all;
}

sub changed {
    my ($text, $variant, $file) = @_;
    for (@{$variant->[2]}) {
        my ($old, $new) = @$_;
        my $pattern = join '\s*\n\s*', map { s/^\s+|\s+$//gr =~ s/([^\w\s])/\\$1/gr =~ s/\s+/\\s+/gr } split /\n/, $old;
        my $n = () = $text =~ /$pattern/g;
        die "error: $file: $variant->[1]: \"$old\" stands $n times in the model answer\n" unless $n == 1;
        $new = '' unless defined $new;
        $text =~ s/$pattern/$new/;
    }
    return $text;
}

# Mutants of the code of all functions: [text, "line as changed"]
sub mutants {
    my ($text) = @_;
    my @out;
    (my $code = $text) =~ s{(/\*.*?\*/)}{ $1 =~ s/[^\n]/ /gr }gse;
    while ($code =~ /^(?:static )?(?:const |unsigned |struct )*\w+ \*?\w+\(([^;{}]*?)\)\s*\{/mg) {
        my ($args, $begin) = ($1, $+[0]);
        my $line_end = index $code, "\n", $begin;
        my $line = substr $code, $begin, $line_end - $begin;
        my $end = ($line =~ tr/{//) < ($line =~ tr/}//) ? $line_end : index $code, "\n}", $begin;
        my $body = substr $code, $begin, $end - $begin;
        my ($whole, %number) = ("$args\n$body");              # names of numbers, by kind
        $number{$1} = 'real' while $whole =~ /\b(?:double|float) (\w+)\b(?!\s*[\[(])/g;
        $number{$1} = 'whole' while $whole =~ /\b(?:int|long|size_t) (\w+)\b(?!\s*[\[(])/g;
        $number{$1} = 'array' while $whole =~ /\b(?:double|float) \*(\w+)\b/g;
        while ($body =~ /\b(?:double|float)\s+(\w+(?:\s*=[^;,]*)?(?:,\s*\w+(?:\s*=[^;,]*)?)+);/g) {
            $number{$_} = 'real' for map { /^\s*(\w+)/ } split /,/, $1;
        }
        my $put = sub {
            my ($at, $length, $new, $shown) = @_;
            my $all = $text;
            substr($all, $begin + $at, $length) = $new;
            my $from = rindex($all, "\n", $begin + $at) + 1;
            $shown //= substr $all, $from, index($all, "\n", $begin + $at) - $from;
            push @out, [$all, join ' ', split ' ', $shown];
        };
        my %swap = ('+' => ['-'], '-' => ['+'], '*' => ['/', '+'], '/' => ['*'], '+=' => ['-=', '='], '-=' => ['+=', '='],
            '*=' => ['/='], '/=' => ['*='], '<' => ['<=', '>'], '<=' => ['<'], '>' => ['>=', '<'], '>=' => ['>'],
            '==' => ['!='], '!=' => ['=='], '&&' => ['||'], '||' => ['&&']);
        my %call = (sqrt => ['', 'fabs'], exp => ['', 'expm1', 'exp2'], expm1 => ['exp'], log => ['', 'log1p', 'log2'], sqrtf => [''],
            expf => ['expm1f'], log1p => ['log'], cos => ['sin'], sin => ['cos'], fabs => [''], fmin => ['fmax'], fmax => ['fmin'],
            sgm_sde_f => ['sgm_sde_g2'], sgm_sde_g2 => ['sgm_sde_f', 'sgm_sde_s'], sgm_sde_m => ['sgm_sde_s'],
            sgm_sde_s => ['sgm_sde_m']);
        while ($body =~ /(->|\+\+|--|<<|>>|[-+*\/<>=!]=|&&|\|\||[-+*\/<>]|(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?f?|[A-Za-z_]\w*)/g) {
            my ($token, $at) = ($1, $-[0]);
            my $n = length $token;
            if ($swap{$token}) {
                next if $token =~ /^[-+*]$/ && substr($body, 0, $at) !~ /[\w)\].]\s*$/; # a sign, or a pointer
                next if $token eq '*' && substr($body, 0, $at) =~ /\b(?:double|float|int|long|char|void)\s*$/;
                $put->($at, $n, $_) for @{$swap{$token}};
            } elsif ($token =~ /^[\d.]/) {
                next if substr($body, $at + $n) =~ /^\s*\]/ && substr($body, 0, $at) =~ /\b(?:double|float|int|long)\s+\w+\[$/; # a size
                my $suffix = $token =~ s/f$// ? 'f' : '';
                my $new = $token + 1;
                $put->($at, $n, $new . ($suffix && "$new" !~ /\./ ? '.' : '') . $suffix);
                $put->($at, $n, $token =~ /[.e]/ ? 2 * $token . ($suffix && 2 * $token !~ /\./ ? '.' : '') . $suffix : 0) if $token != 0;
            } elsif ($call{$token} && substr($body, $at + $n) =~ /^\(/) {
                $put->($at, $n, $_) for @{$call{$token}};
            } elsif ($number{$token} && substr($body, $at + $n) !~ /^\s*=[^=]/
                && substr($body, 0, $at) !~ /(?:\b(?:double|float|int|long|size_t)\s+\*?|->|\.)$/) {
                for my $other (sort keys %number) {
                    $put->($at, $n, $other) if $other ne $token && $number{$other} eq $number{$token};
                }
            }
        }
        while ($body =~ /(?<=[;{}\n])(\s+)([\w\[\]>.*-]+(?: [-+*\/]?= |\([^;{}]*\))[^;{}]*;)/g) { # a statement left out
            next if $2 =~ /^(?:return|double|float|int|long|const|if|for|while|else)\b/;
            $put->($-[2], length $2, ';', "left out: $2");
        }
        while ($body =~ /\breturn ([^;]+);/g) { $put->($-[1], length $1, "-($1)") }
    }
    # a fixed choice, spread over the text
    my %seen;
    @out = grep { !$seen{$_->[0]}++ } @out;
    my $hash = sub { my $h = 5381; $h = ($h * 33 + ord) % 4294967291 for split //, $_[0]; $h };
    return map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [$hash->($_->[0]), $_] } @out;
}

# program(LAB, CUTS, COPIES): one program of all copies ([kind, name, text]); those that do not compile are taken out
sub program {
    my ($lab, $blank, $copies, $full, $at) = @_;
    my $public = functions($blank);
    for (;;) {
        my $text = "#include \"lab.h\"\n#include \"own.h\"\n#include <stdio.h>\n#include <float.h>\n#include <stdint.h>\n";
        my (%table, @why);
        for my $k (0 .. $#$copies) {
            my $source = $copies->[$k][2];
            my @names = names($source);
            push @names, 'lab_why' unless grep { $_ eq 'lab_why' } @names;
            my @macros;
            $source =~ s/^(#define (\w+).*(?:\\\n.*)*\n)/push @macros, $2; $1/gme;
            $text .= "#define $_ ${_}__$k\n" for @names;
            $text .= "#line 1 \"copy$k\"\n$source\n#line 1 \"between\"\n";
            $text .= "#undef $_\n" for @names, @macros;
            my %has = map { $_ => 1 } @names;
            push @{$table{$_}}, $has{$_} ? "${_}__$k" : "${_}__own" for keys %$public;
            push @why, "lab_why__$k";
        }
        $text .= "int lab_copy;\nconst int lab_copies = " . @$copies . ", lab_full = $full;\n";
        $text .= "const char *const lab_whys[] = {" . join(', ', @why) . "};\n";
        for my $f (sort keys %$public) {
            my ($type, $args) = @{$public->{$f}};
            my $list = $args eq 'void' ? '' : join ', ', map { /(\w+)(?:\[\w*\])*$/; $1 } split /, ?/, $args;
            my $return = $type =~ /^void $/ ? '' : 'return ';
            $text .= "$type$f($args) {\n    static ${type}(*const copy[])($args) = {" . join(', ', @{$table{$f}}) . "};\n    ${return}copy[lab_copy]($list);\n}\n";
        }
        spew("$at/many.c", $text);
        my $level = $lab =~ /performance/ ? '-O1' : '-O0';     # speed is judged as a student compiles
        system("$cc -std=c99 -w $level -I$dir -Itutorial/course -c $at/many.c -o $at/many.o 2>$at/many.log");
        return 1 if $? == 0;
        my %bad;
        my $log = slurp("$at/many.log");
        $bad{$1} = 1 while $log =~ /\bcopy(\d+):\d+[^\n]*error/g;
        if (!%bad || grep { $_ < $full } keys %bad) {
            check(0, "$lab: its answers compile", grep { /error/ } split /\n/, $log);
            return 0;
        }
        @$copies = map { $copies->[$_] } grep { !$bad{$_} } 0 .. $#$copies;
    }
}

sub compile { my ($what) = @_; system($what) == 0 or die "error: $what\n" }

system("$here/cut.pl", 'build', $dir) == 0 or exit 1;
compile("$cc -std=c99 -O2 -I$dir -c $dir/library.c -o $dir/library.o")
    unless -f "$dir/library.o" && -M "$dir/library.o" < -M "$dir/own.inc" && -M "$dir/library.o" < -M "$dir/sgm.h" && -M "$dir/library.o" < -M "$dir/library.c";
my ($all_killed, $all_mutants, $all_wrong) = (0, 0, 0);
for (split /\n/, slurp("$here/course.tsv")) {
    next if /^#/ || !/\S/;
    my ($lab, undef, undef, undef, undef, $cuts) = split /\t/;
    my $number = substr $lab, 0, 2;
    next if @only && !grep { $_ eq $number } @only;
    my ($at, $folder) = ("$dir/$lab", "$here/$lab");
    if (my @lost = grep { !-f "$folder/$_" } qw(task.md start.c check.c answer.c variants.txt picture.gp)) {
        check(0, "$lab: it has @lost");
        next;
    }
    system("$here/cut.pl", 'answer', $number, $dir) == 0 or do { check(0, "$lab: its model answer"); next };
    my ($blank, $answer, $model) = (slurp("$folder/start.c"), slurp("$folder/answer.c"), slurp("$at/answer.c"));
    my @variants = variants("$folder/variants.txt");
    my %equal = map { join(' ', split ' ', $_->[1]) => 1 } grep { $_->[0] eq 'equal' } @variants;
    my @copies = (['blank', 'the blank', $blank], ['right', "the library's own", $answer], ['right', 'the model answer', $model]);
    for (grep { $_->[0] ne 'equal' } @variants) {
        my $text = eval { changed($model, $_, "$folder/variants.txt") };
        if (defined $text) { push @copies, [$_->[0], $_->[1], $text] } else { check(0, "$lab: $_->[1]", $@) }
    }
    my $full = @copies;
    my @mutants = mutants($model);
    my @chosen = @mutants > MUTANTS * 1.4 ? @mutants[0 .. int(MUTANTS * 1.4)] : @mutants; # a third may not compile
    push @copies, ['mutant', $_->[1], $_->[0]] for @chosen;
    program($lab, $blank, \@copies, $full, $at) or next;
    splice @copies, $full + MUTANTS if @copies > $full + MUTANTS;
    compile("$cc -std=c99 -w -O1 -DLAB_MANY -I$dir -Itutorial/course -c $folder/check.c -o $at/check_many.o");
    compile("$cc -std=c99 -w -O0 -DLAB_$number -I$dir -c $dir/forward.c -o $at/forward.o");
    compile("$cc $at/check_many.o $at/many.o $at/forward.o $dir/library.o -o $at/many -lm");
    my (%rows, %done, %fate);
    my $read = sub {
        my ($command, $as) = @_;
        open my $pipe, '-|', $command or die "error: $command: $!\n";
        while (<$pipe>) {
            chomp;
            my ($k, $type, @f) = split /\t/;
            $k = $as if defined $as;
            if ($type eq 'row') { push @{$rows{$k}}, {kind => $f[0], status => $f[1], got => $f[2], truth => $f[3], id => $f[5], name => $f[6],
                text => $f[7] // ''} }
            elsif ($type eq 'done') { $done{$k} = 1 }
            elsif ($type ne 'say') { $fate{$k} = $type }
        }
        close $pipe;
    };
    $read->("$at/many 0 $#copies 2>&1");
    for my $name (1, 2) { # other numbers
        push @copies, ['right', "the model answer with the name $name", $model];
        $read->("$at/many 2 2 $name 2>&1", $#copies);
    }
    my %clocked = map { $_->[1] => 1 } grep { $_->[3] } @variants;
    my %cause; # what would be said of them
    for my $name (keys %clocked) {
        my ($strings) = slurp("$folder/check.c") =~ /"\Q$name\E",\s*((?:"(?:\\.|[^"\\])*"\s*)+)/ or next;
        $cause{$name} = join '', $strings =~ /"((?:\\.|[^"\\])*)"/g;
    }
    # what is seen and said of each answer, for the page for teachers: id, row, got, truth, words
    spew("$at/causes.tsv", join '', map {
        my ($kind, $name) = @{$copies[$_]};
        my $id = $kind eq 'valid' ? "=$name" : $name;
        my ($r) = grep { $_->{id} eq $id } @{$rows{$_} || []};
        $kind =~ /^(?:wrong|valid)$/ && $r ? join("\t", $id, @$r{qw(name got truth text)}) . "\n"
            : $clocked{$name} && $cause{$name} ? "$id\tby the clock\t\t\t$cause{$name}\n" : ();
    } 0 .. $#copies);
    my %wrong_ids = map { $_->[1] => 1 } grep { $_->[0] eq 'wrong' } @copies;
    my ($n_valid, $killed, $n_mutants, @survivors) = (0, 0, 0);
    for my $k (0 .. $#copies) {
        my ($kind, $name) = @{$copies[$k]};
        if ($kind eq 'mutant') {
            next if $equal{$name};
            $n_mutants++;
            if (($fate{$k} // '') eq 'killed') { $killed++ } else { push @survivors, $name }
            next;
        }
        my @r = @{$rows{$k} || []};
        my (%n, %good);
        for (@r) { $n{$_->{kind}}++; $good{$_->{kind}}++ if $_->{status} ne 'wrong' }
        my $score = 0;
        my %weight = (unit => 50, law => 40, why => 10);
        $score += $weight{$_} * ($good{$_} || 0) / $n{$_} for keys %n;
        $score = int($score + 1e-9);
        $score = 0 unless $done{$k};
        my @bad = map { sprintf '%s %s: got %s, truth %s, %s', $_->{kind}, $_->{name}, $_->{got}, $_->{truth}, $_->{id} } grep { $_->{status} eq 'wrong' } @r;
        my ($id) = map { $_->{id} } grep { $_->{status} eq 'wrong' && $_->{kind} ne 'why' && $_->{id} ne '-' } @r;
        if ($kind eq 'blank') {
            check($score == 0 && $done{$k} && ($n{unit} || 0) > 0 && ($n{law} || 0) > 0, "$lab: the blank scores 0 (got $score)",
                map { "$_->{kind} $_->{name}: $_->{status}" } grep { $_->{status} ne 'wrong' } @r);
        } elsif ($kind eq 'right') {
            check($score == 100, "$lab: $name scores 100 (got $score)", @bad, $done{$k} ? () : 'it did not come to its end');
        } elsif ($clocked{$name} && !$ENV{LAB_CLOCK}) {
            check($score == 100, "$lab: $name has no wrong value (got $score)", @bad);
            check($cause{$name}, "$lab: the checker knows $name");
        } elsif ($kind eq 'valid') {
            my ($comment) = map { $_->{id} } grep { $_->{status} eq 'valid' } @r;
            check($score == 100 && ($comment // '') eq "=$name", "$lab: $name is valid, and commented (score $score, " . ($comment // 'no comment') . ')', @bad);
            $n_valid++;
        } else {
            my @others = grep { $_ ne $name && $wrong_ids{$_} } map { $_->{id} } grep { $_->{status} eq 'wrong' } @r;
            check($score < 100 && ($id // '') eq $name && !@others, "$lab: $name is told by its number (told: " . ($id // 'nothing') . ')',
                @others ? "another's name: @others" : (), @bad);
        }
    }
    check(keys %wrong_ids >= 6, "$lab: at least 6 wrong answers (" . keys(%wrong_ids) . ')');
    check($n_valid >= 1, "$lab: a valid but different answer");
    check($n_mutants >= LEAST && $killed >= .98 * $n_mutants, "$lab: mutants: $killed of $n_mutants killed, of " . scalar @mutants . ' generated', map { "survives: $_" } @survivors);
    printf "%-16s blank 0, answers 100; %d wrong, %d valid; mutants %d of %d%s\n", $lab, scalar keys %wrong_ids, $n_valid, $killed, $n_mutants,
        @survivors ? ' (survivors: ' . join('; ', @survivors) . ')' : '';
    $all_killed += $killed, $all_mutants += $n_mutants, $all_wrong += keys %wrong_ids;
}
check(@only || $all_wrong >= 72, "at least 72 wrong answers ($all_wrong)");
printf "all: %d wrong answers, mutants %d of %d killed (%.1f %%)\n", $all_wrong, $all_killed, $all_mutants, 100 * $all_killed / ($all_mutants || 1);
print "$passed passed, $failed failed\n";
exit($failed > 0);
