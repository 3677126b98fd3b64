#!/usr/bin/perl
# Makes the changes of a lesson's exercises ("Change one line") in a copy, and runs the copy. An exercise is
#
#     (2) Prose.
#
#         - a line, or a part of one, that stands once in the program
#         + what replaces it
#
# with any number of such pairs.
#
#     tutorial/try.pl 03.2 BUILD OUT            shows exercise 2 of lesson 03 (make try03.2), and whether it came out
#     tutorial/try.pl check BUILD OUT NN...     makes every exercise of these lessons: each must come out as tut_exercise
#                                               declares, and must not without the change
#
# BUILD is the compiler with its flags, OUT the folder that has sgm.o.
use strict;
use warnings;

my ($what, $build, $out, @lessons) = @ARGV;
die "usage: tutorial/try.pl NN.K|check BUILD OUT [NN...]\n" unless defined $out;
mkdir "$out/try";

sub slurp { my ($f) = @_; open my $h, '<', $f or die "error: $f: $!\n"; local $/; <$h> }

# lesson("03"): its path, its text without the exercises, and the exercises
sub lesson {
    my ($number) = @_;
    my ($file) = glob "tutorial/${number}_*.c";
    die "error: there is no lesson $number\n" unless $file;
    my $text = slurp($file);
    my $at = rindex $text, "\nChange one line";
    die "error: $file has no exercises (\"Change one line\")\n" if $at < 0;
    my $end = index $text, '*/', $at;
    my $exercises = substr $text, $at, $end - $at;
    my $begin = rindex $text, '/*', $at;
    my $program = substr($text, 0, $begin) . substr($text, $end + 2);
    my (%pairs, $k);
    for (split /\n/, $exercises) {
        if (/^\((\d)\) /) { $k = $1; $pairs{$k} ||= [] }
        elsif (/^ {4}- (.*?)\s*$/) { die "error: $file: a change before its number\n" unless $k; push @{$pairs{$k}}, [$1, undef] }
        elsif (/^ {4}\+ ?(.*?)\s*$/) {
            die "error: $file ($k): a + without its -\n" unless $k && @{$pairs{$k}} && !defined $pairs{$k}[-1][1];
            $pairs{$k}[-1][1] = $1;
        }
    }
    for my $number (keys %pairs) {
        die "error: $file ($number): no change\n" unless @{$pairs{$number}};
        die "error: $file ($number): a - without its +\n" if grep { !defined $_->[1] } @{$pairs{$number}};
    }
    return ($file, $program, \%pairs);
}

# changed(FILE, PROGRAM, K, PAIRS): the copy, with the change made; without K as it stands
sub changed {
    my ($file, $program, $k, $pairs) = @_;
    for (@$pairs) {
        my ($old, $new) = @$_;
        my $n = () = $program =~ /\Q$old\E/g;
        die "error: $file ($k): \"$old\" stands $n times in the program\n" unless $n == 1;
        $program =~ s/\Q$old\E/$new/;
    }
    my ($topic) = $file =~ m{([^/]+)\.c$};
    my $copy = "$out/try/$topic" . (defined $k ? "_$k" : '');
    open my $h, '>', "$copy.c" or die "error: $copy.c: $!\n";
    print $h $program;
    close $h;
    my $linked = $program =~ /"tutorial\.h"/ ? "-DSGM_LINKED -Itutorial $copy.c $out/sgm.o" : "$copy.c";
    $linked = "-Wno-unused-function $linked"; # a change may leave a function without a caller
    system("$build $linked -o $copy -lm") == 0 or die "error: $file ($k) does not compile with its change\n";
    return ($copy, $topic);
}

if ($what eq 'check') {
    my ($good, $bad) = (0, 0);
    for my $number (@lessons) {
        my ($file, $program, $pairs) = lesson($number);
        my ($plain) = changed($file, $program, undef, []);
        my $shared = $program =~ /"tutorial\.h"/; # then one run without a change tells of each
        my $before = $shared ? `SGM_EXERCISE=each SGM_OUT=$out/try $plain 2>&1 </dev/null` : '';
        for my $k (sort keys %$pairs) {
            my ($copy) = changed($file, $program, $k, $pairs->{$k});
            local $ENV{SGM_EXERCISE} = $k;
            local $ENV{SGM_OUT} = "$out/try/$k";
            mkdir $ENV{SGM_OUT};
            my $said = `$copy 2>&1 </dev/null`;
            my $made = $? == 0 && $said =~ /^exercise $k: as declared$/m;
            $before = `$plain 2>&1 </dev/null` unless $shared;
            my $told = ($shared || $? != 0) && $before =~ /^exercise $k: NOT as declared$/m;
            print $said if !$made;
            print "$file ($k): what it declares comes out without the change, too\n$before" if !$told;
            printf "%s  %s (%s)\n", $made && $told ? 'ok    ' : 'FAILED', $file, $k;
            $made && $told ? $good++ : $bad++;
        }
        print("FAILED  $file has no exercise\n"), $bad++ unless %$pairs;
    }
    print "$good passed, $bad failed\n";
    exit($bad || !$good ? 1 : 0);
}
my ($number, $k) = $what =~ /^(\d\d)\.(\d)$/ or die "usage: make tryNN.K, as in make try03.1\n";
my ($file, $program, $pairs) = lesson($number);
die "error: $file has no exercise $k, but " . join(', ', sort keys %$pairs) . "\n" unless $pairs->{$k};
print "- $_->[0]\n+ $_->[1]\n" for @{$pairs->{$k}};
print "\n";
my ($copy, $topic) = changed($file, $program, $k, $pairs->{$k});
$ENV{SGM_OUT} = "$out/try/$k";
mkdir $ENV{SGM_OUT};
my $folder = "$ENV{SGM_OUT}/" . ($ENV{MODE} || 'study') . "/$topic";
my $shared = $program =~ /"tutorial\.h"/;
$ENV{SGM_EXERCISE} = $k;
my $good = system($shared ? $copy : "mkdir -p $folder && $copy $folder") == 0;
$good = verdict($k, "$folder/checks.tsv", slurp($file)) && $good unless $shared; # tut_done has said it of the others
system("plots/draw.sh $topic");
exit($good ? 0 : 1);

# verdict(K, TABLE, SOURCE): of a program without tutorial.h, whose exercise says: > row "name" = value ± tolerance
sub verdict {
    my ($k, $table, $source) = @_;
    my ($name, $value, $by) = $source =~ /^\($k\) (?:(?!^\(\d\) ).)*?^> row "(.*?)" = (\S+) ± (\S+)$/ms or die "error: exercise $k declares no row\n";
    my ($got) = slurp($table) =~ /^\Q$name\E\t(\S+)/m or die "error: there is no row \"$name\"\n";
    my $good = abs($got - $value) <= $by;
    print "\n  $name: got $got, declared $value ± $by\nexercise $k: ", $good ? '' : 'NOT ', "as declared\n";
    return $good;
}
