#!/usr/bin/perl
# task.pl check [COURSE]: is each assignment's task.md whole? COURSE is tutorial/course.
# task.pl update [COURSE]: course.tsv's titles and minutes into course.md and teacher.md.
#
# The page of an assignment has one form, which the book relies on: a title, seven sections in
# order, at least one question to predict with its answer folded, three hints and no more. weave.pl
# reads the pages through this file; alone it says, file by file, what is missing, and holds the
# citations of equations, sections, lessons and proofs to what is there.
package Task;
use strict;
use warnings;
use utf8;

our @sections = ('The idea', 'Predict', 'Task', 'What the checker measures', 'Picture', 'Hints',
    'Going on');

sub slurp {
    my $f = shift;
    open my $in, '<:encoding(UTF-8)', $f or return;
    local $/;
    return scalar <$in>;
}
sub rows { # of course.tsv: {name, number, nn, title, sections, lesson, minutes, names}
    my $course = shift;
    my @rows;
    for my $line (split /\n/, slurp("$course/course.tsv") // '') {
        next if $line !~ /^((\d\d)_\w+)\t/;
        my ($name, $nn, @f) = ($1, $2, split /\t/, $line);
        push @rows, {name => $name, nn => $nn, number => $nn + 0, title => $f[1] // '',
            sections => [sections($f[2] // '')],
            chapters => [($f[2] // '') =~ /\b([1-9])\b(?!\.\d)(?<!\.\d)/g],
            lesson => ($f[3] // '') =~ /(\d\d)/ ? $1 : '', minutes => $f[4] // '',
            names => ($f[5] // '-') eq '-' ? '' : $f[5] // ''};
    }
    return @rows;
}
sub sections { # "1.1, 4.3–4.6": each of them
    my @all;
    while ($_[0] =~ /\b((?:10|[1-9A-H]))\.(\d+)(?:\s*(?:–|-|to)\s*§?(?:\1\.)?(\d+))?\b/g) {
        push @all, map { "$1.$_" } $2 .. ($3 // $2) }
    return @all;
}
sub folds { # lines -> parts: {line, text} or {open => summary, line} or {close => 1, line}
    my ($line, @lines) = @_;
    my @parts;
    for my $i (0 .. $#lines) {
        if ($lines[$i] !~ /\S/) { # ends a paragraph
            push @{$parts[-1]{text}}, '' if @parts && $parts[-1]{text};
            next;
        }
        for my $s (split m{(<details>\s*<summary>.*?</summary>|</?details>|<summary>.*?</summary>)},
            $lines[$i], -1) {
            if ($s =~ m{<summary>\s*(.*?)\s*</summary>}) {
                if (@parts && ($parts[-1]{open} // '') eq ' ') { $parts[-1]{open} = $1 }
                else { push @parts, {open => $1, line => $line + $i} }
            } elsif ($s eq '<details>') { push @parts, {open => ' ', line => $line + $i} }
            elsif ($s eq '</details>') { push @parts, {close => 1, line => $line + $i} }
            elsif ($s =~ /\S/) {
                push @parts, {line => $line + $i, text => []} if !@parts || !$parts[-1]{text};
                push @{$parts[-1]{text}}, $s;
            }
        }
    }
    return grep { !$_->{text} || grep { /\S/ } @{$_->{text}} } @parts;
}
sub numbered { # a list "1. …": [line, lines] for each item; what stands before or after is left
    my ($line, @lines) = @_;
    my (@items, @rest);
    for my $i (0 .. $#lines) {
        if ($lines[$i] =~ /^ {0,2}(\d+)\. +(.*)$/) {
            push @items, {number => $1, line => $line + $i, text => [$2]};
        } elsif (@items && ($lines[$i] !~ /\S/ || $lines[$i] =~ /^\s/
            || $lines[$i - 1] =~ /\S/)) {
            push @{$items[-1]{text}}, $lines[$i] =~ s/^ {1,4}//r;
        } elsif ($lines[$i] =~ /\S/) { push @rest, $line + $i }
    }
    return (\@items, \@rest);
}
sub read_task { # {title, parts by section, hints, faults}
    my ($path, $number) = @_;
    my $text = slurp($path);
    my %t = (path => $path, faults => [], section => {}, order => [], intro => []);
    my $fault = sub { push @{$t{faults}}, join '', @_ };
    if (!defined $text) { $fault->("$path: is not there"); return \%t }
    my @l = split /\n/, $text;
    $fault->("$path: ", scalar @l, ' lines; 150 are allowed') if @l > 150;
    for my $i (0 .. $#l) { $fault->("$path:", $i + 1, ': ', length $l[$i], ' columns')
        if length $l[$i] > 100 }
    if (($l[0] // '') =~ /^# Assignment (\d+): (\S.*)$/) {
        $t{title} = $2;
        $fault->("$path:1: is called assignment $1") if $1 != $number;
    } else { $fault->("$path:1: no title \"# Assignment $number: …\""); $t{title} = '' }
    my ($now, $fence) = ('', 0);
    my %at = ('' => 2);
    for my $i (1 .. $#l) {
        $fence = !$fence if $l[$i] =~ /^\s*```/;
        if (!$fence && $l[$i] =~ /^## (.*\S)\s*$/) {
            $now = $1;
            $fault->("$path:", $i + 1, ": \"$now\" stands there twice") if $t{section}{$now};
            push @{$t{order}}, $now;
            $t{section}{$now} = {line => $i + 2, text => []};
        } elsif ($now eq '') { push @{$t{intro}}, $l[$i] }
        else { push @{$t{section}{$now}{text}}, $l[$i] }
    }
    my $want = join ' | ', @sections;
    $fault->("$path: its sections are ", join(' | ', @{$t{order}}), ", not $want")
        if join(' | ', @{$t{order}}) ne $want;
    $fault->("$path: says nothing before its first section") if !grep { /\S/ } @{$t{intro}};
    for my $s (@{$t{order}}) {
        my $sec = $t{section}{$s};
        $fault->("$path:$sec->{line}: \"$s\" is empty") if !grep { /\S/ } @{$sec->{text}};
        my @parts = folds($sec->{line}, @{$sec->{text}});
        my ($open, $boxes, $asked, $said) = (0, 0, 0, 0);
        for my $p (@parts) {
            if (defined $p->{open}) {
                $fault->("$path:$p->{line}: a fold within a fold") if $open++;
                $fault->("$path:$p->{line}: a fold without a summary") if $p->{open} !~ /\S/;
                $boxes++;
                $fault->("$path:$p->{line}: an answer without a question") if !$asked;
                $said = 0;
            } elsif ($p->{close}) {
                $fault->("$path:$p->{line}: </details> without its beginning") if !$open;
                $fault->("$path:$p->{line}: an empty fold") if $open && !$said;
                ($open, $asked) = (0, 0);
            } elsif ($open) { $said = 1 } else { $asked = 1 }
        }
        $fault->("$path:$sec->{line}: a fold of \"$s\" has no end") if $open;
        $fault->("$path:$sec->{line}: no predict box (<details><summary>Answer</summary> … ",
            '</details>)') if $s eq 'Predict' && !$boxes;
        $sec->{parts} = \@parts;
    }
    if (my $h = $t{section}{Hints}) {
        my ($items, $rest) = numbered($h->{line}, @{$h->{text}});
        my $n = join ' ', map { $_->{number} } @$items;
        $fault->("$path:$h->{line}: hints \"$n\"; there must be three: \"1 2 3\"")
            if $n ne '1 2 3';
        $fault->("$path:$_: not one of the three hints") for @$rest;
        for my $i (@$items) { $fault->("$path:$i->{line}: an empty hint")
            if !grep { /\S/ } @{$i->{text}} }
        $t{hints} = $items;
    }
    return \%t;
}
sub alt_of { # the text of a picture, from its script's first lines
    my $text = slurp(shift) // return;
    return $text =~ /\A# alt: ([^\n]*(?:\n#  ?(?!alt:)[^\n]+)*)/ ? $1 =~ s/\n#\s*/ /gr : undef;
}
sub variants { # of variants.txt: {kind, id, pairs [[before, after], …], note}
    my @v;
    my $text = slurp(shift) // return;
    my $side = '';
    for my $line (split /\n/, $text) {
        if ($line =~ /^(wrong|valid|equal)\s+(\S.*?)\s*$/) {
            push @v, {kind => $1, id => $2, pairs => []};
            $side = '';
        } elsif (@v && $line =~ /^\s*([-+])(?: (.*)|)$/) {
            my ($sign, $s) = ($1, $2 // '');
            if ($sign eq '-') { push @{$v[-1]{pairs}}, [[], []] if $side ne '-';
                push @{$v[-1]{pairs}[-1][0]}, $s }
            elsif (@{$v[-1]{pairs}}) { push @{$v[-1]{pairs}[-1][1]}, $s }
            $side = $sign;
        }
    }
    return @v;
}
sub causes { # what check.c says of each id; one mistake may be seen by several rows
    my $text = slurp(shift) // return {};
    my %cause;
    my $string = qr/"(?:\\.|[^"\\])*"/;
    my $unquote = sub { my $s = join '', map { /^"(.*)"$/s ? $1 : () } $_[0] =~ /$string/g;
        $s =~ s/\\x([0-9a-fA-F]{2})/chr hex $1/ge; $s =~ s/\\(["\\])/$1/g; $s =~ s/%%/%/g; $s };
    my %named; # const char *sign = "…"; or #define SIGN "…"
    $text =~ s/\\\n/\n/g;
    while ($text =~ /\b(\w+)(?:\[\])?\s*=\s*((?:$string\s*)+)(?=[;,])/g) {
        $named{$1} = $unquote->($2) }
    while ($text =~ /^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t\n]+((?:$string\s*)+)/mg) {
        $named{$1} = $unquote->($2) }
    while ($text =~ /"(=?[a-z0-9][\w-]*)"\s*,((?:$string|[^";{}])*?)(?=[}]|\)\s*[;,:?&|)])/g) {
        my ($id, $rest) = ($1, $2);
        my @said = grep { /\s/ } $rest =~ /$string/ ? $unquote->($rest)
            : map { $named{$_} // () } $rest =~ /\b(\w+)\b/g;
        $cause{$id} //= $said[-1] if @said;
    }
    return \%cause;
}

sub updated { # course.md or teacher.md with the titles and minutes of course.tsv
    my ($text, @rows) = @_;
    my %minutes = map { $_->{number} => $_->{minutes} } @rows;
    my $table = join '', "| assignment | you need | minutes |\n|---|---|---|\n", map {
        "| [$_->{number} $_->{title}]($_->{name}/task.md) | " . join(', ',
            ($_->{lesson} ? "lesson $_->{lesson}" : ()), map { "§$_" } @{$_->{sections}})
            . " | $_->{minutes} |\n" } @rows;
    $text =~ s/^(<!-- begin table -->\n).*?^(<!-- end -->)$/$1$table$2/ms;
    $text =~ s{^(\| \d+ \|.*\| )((?:A\d+ ?)+)( \| )\d+( \+ \d+ \|)}{
        my ($a, $of, $b, $c) = ($1, $2, $3, $4); my $n = 0;
        $n += $minutes{$_} // 0 for $of =~ /\d+/g; "$a$of$b$n$c"}gme;
    my $all = 0;
    $all += $minutes{$_} // 0 for 1 .. 12;
    $text =~ s/(All twelve\s+together\s+are\s+)\d+(\s+minutes)/$1$all$2/;
    return $text;
}

# ---- alone: the check ----

sub check {
    my ($course, @faults) = @_;
    my $header = slurp('sgm.h') // die "sgm.h: not here; run this in its folder\n";
    my %equation = map { $_ => 1 } $header =~ /\\qquad\s*\(((?:10|[1-9A-H])\.\d+)\)/g;
    my %section = map { $_ => 1 } $header =~ /^#+ §((?:10|[1-9A-H])\.\d+) /mg;
    my %topic = map { m{/(\d\d)_} ? ($1 => 1) : () } glob 'tutorial/[0-9][0-9]_*.c';
    my @rows = rows($course);
    my %number = map { $_->{number} => 1 } @rows;
    push @faults, "$course/course.tsv: no assignment" if !@rows;
    my $last = 0;
    for my $r (@rows) {
        my $dir = "$course/$r->{name}";
        push @faults, "$course/course.tsv: $r->{name} after assignment $last"
            if $r->{number} <= $last;
        $last = $r->{number};
        my $t = read_task("$dir/task.md", $r->{number});
        push @faults, @{$t->{faults}};
        push @faults, "$course/course.tsv: $r->{name} is called \"$t->{title}\" on its page"
            if length $t->{title} && $t->{title} ne $r->{title};
        push @faults, "$course/course.tsv: $r->{name}: minutes \"$r->{minutes}\""
            if $r->{minutes} !~ /^[1-9]\d*$/;
        push @faults, "$course/course.tsv: $r->{name}: no section §$_"
            for grep { !$section{$_} } @{$r->{sections}};
        push @faults, "$course/course.tsv: $r->{name}: no lesson $r->{lesson}"
            if length $r->{lesson} && !$topic{$r->{lesson}};
        for my $f (qw(start.c check.c answer.c variants.txt)) { push @faults, "$dir/$f: not there"
            if !-s "$dir/$f" }
        push @faults, "$dir/picture.gp: no text for who cannot see the picture (first line: "
            . '# alt: one or two sentences)' if !length(alt_of("$dir/picture.gp") // '');
        my $task = join "\n", @{($t->{section}{Task} // {text => []})->{text}};
        push @faults, "$dir/task.md: its task does not name make lab$r->{nn}"
            if $t->{section}{Task} && $task !~ /\bmake lab$r->{nn}\b/;
        push @faults, cites("$dir/$_", \%equation, \%section, \%topic, \%number)
            for grep { -f "$dir/$_" } qw(task.md start.c check.c answer.c);
    }
    push @faults, cites("$course/$_", \%equation, \%section, \%topic, \%number)
        for grep { -f "$course/$_" } qw(course.md teacher.md);
    for my $f (map { "$course/$_" } qw(course.md teacher.md)) {
        my $text = slurp($f) // next;
        push @faults, "$f: not the titles and minutes of course.tsv (task.pl update writes them)"
            if $text ne updated($text, @rows);
    }
    my $n = @rows;
    print "$_\n" for @faults;
    printf "%d assignments, %d faults\n", $n, scalar @faults;
    return !@faults;
}
sub cites { # what a file cites and is not there
    my ($path, $equation, $section, $topic, $number) = @_;
    my (@faults, $n);
    for my $line (split /\n/, slurp($path)) {
        $n++;
        while ($line =~ /(?<!\w)\(E?((?:10|[1-9A-H])\.[1-9]\d?)\)/g) {
            push @faults, "$path:$n: cites ($1), which is not defined" if !$equation->{$1} }
        while ($line =~ /§((?:10|[1-9A-H])\.\d+)/g) {
            push @faults, "$path:$n: cites §$1, which is not there" if !$section->{$1} }
        while ($line =~ /\b(?:lessons?|proofs?) ((?:\d\d(?:, | and | or | to )?)+)\b/gi) {
            push @faults, "$path:$n: names lesson or proof $_, which is not there"
                for grep { !$topic->{$_} } $1 =~ /\d\d/g }
        while ($line =~ /\bassignments? (\d+(?:(?:, | and | or | to )\d+)*)\b/gi) {
            push @faults, "$path:$n: names assignment $_, which is not there"
                for grep { !$number->{$_ + 0} } $1 =~ /\d+/g }
        push @faults, "$path:$n: names make lab$1, which is not there"
            if $line =~ /\bmake lab(\d\d)\b/ && !$number->{$1 + 0};
    }
    return @faults;
}
if (!caller) {
    binmode $_, ':utf8' for *STDOUT, *STDERR;
    my ($what, $course) = ($ARGV[0] // '', $ARGV[1] // 'tutorial/course');
    if ($what eq 'update') {
        for my $f (grep { -f } map { "$course/$_" } qw(course.md teacher.md)) {
            my $text = updated(slurp($f), rows($course));
            open my $o, '>:encoding(UTF-8)', $f or die "$f: $!\n";
            print $o $text;
        }
        exit;
    }
    if ($what ne 'check') { print STDERR "task.pl check|update [COURSE]\n"; exit 2 }
    exit(check($course) ? 0 : 1);
}
1;
