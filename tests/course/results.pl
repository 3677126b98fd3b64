#!/usr/bin/perl
# results.pl DIR <LIST: of each line of the list, "LABEL <tab> NAME <tab> SCORE <tab> STATUS <tab> SAYS", the four files
# DIR/NAME.text, .tap, .gradescope and .exercism are whole, agree on the score, name each row, and say what is asked for (a
# pattern). A label that begins with "seen: " is of a grader with a planted fault: something must be missed.
use strict;
use warnings;
use JSON::PP;
use TAP::Parser;

my ($dir) = @ARGV;
my ($name, @missed);
sub miss { push @missed, "$name: @_" }
sub slurp { my ($f) = @_; open my $h, '<:raw', $f or do { miss("no $f"); return '' }; local $/; scalar <$h> }
sub decoded { my ($f) = @_; my $d = eval { JSON::PP->new->utf8->decode(slurp($f)) }; miss("$f is no JSON: $@") unless $d; $d || {tests => []} }
my $all = sub { join ' ', split ' ', shift };

while (<STDIN>) {
    chomp;
    (my ($label, $score, $status, $says), @missed) = ();
    ($label, $name, $score, $status, $says) = split /\t/;
    $name = "$dir/$name";
    miss("exit status $status") unless $status == ($score < 100);
    look($score, $says);
    my $good = $label =~ /^seen: / ? @missed > 0 : !@missed;
    print $good ? "ok      $label\n" : "FAILED  $label\n", map { "        $_\n" } $good ? () : @missed;
}

sub look {
    my ($score, $says) = @_;
    my $text = slurp("$name.text");
    utf8::decode(my $wide = $text) or miss('the text is no UTF-8');
    my @lines = split /\n/, $wide, -1;
    miss('the text has ' . (@lines - 1) . ' lines') if @lines - 1 > 24 && $text !~ /^All: /m;
    miss("the text has a line of more than 80 columns: $_") for grep { length > 80 } $text =~ /^The compiler does not/m ? () : @lines;
    miss('the text has a control character') if $wide =~ /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
    miss("the text says no $score") unless $text =~ /\b$score of 100/;
    miss("the text does not say /$says/") unless $all->($text) =~ /$says/;

    my ($tests, $points) = (0, 0);
    my $tap = TAP::Parser->new({tap => slurp("$name.tap")});
    my ($ok, $yaml) = (0, 0);
    while (my $r = $tap->next) {
        $ok += $r->is_ok && !$r->has_directive, $tests++ if $r->is_test;
        miss('TAP: a directive') if $r->is_test && $r->has_directive;
        $yaml++ if $r->is_yaml;
        miss('TAP: ' . $r->raw) if $r->is_unknown;
    }
    miss('TAP: ' . join ', ', $tap->parse_errors) if $tap->parse_errors;
    miss("TAP: $yaml diagnostics of $tests tests") unless $yaml == $tests && $tests > 0;
    miss("TAP says no $score") unless slurp("$name.tap") =~ /^# $score of 100 points/m;
    miss('TAP: all tests pass') if $score < 100 && $ok == $tests;
    miss('TAP: a test fails') if $score == 100 && $ok < $tests;

    my $g = decoded("$name.gradescope");
    miss("Gradescope's score is " . ($g->{score} // "none")) unless ($g->{score} // -1) == $score;
    $points += $_->{score} for @{$g->{tests}};
    my %groups = map { $_->{number} =~ /^(\d+)/ ? ($1 => 1) : () } @{$g->{tests}};
    miss("Gradescope's tests sum to $points") unless int($points / (keys(%groups) || 1) + 1e-3) == $score;
    miss('Gradescope has ' . @{$g->{tests}} . " tests, TAP $tests") unless @{$g->{tests}} == $tests;
    miss("Gradescope does not say /$says/") unless $all->(join ' ', $g->{output} // "", map { $_->{output} // "" } @{$g->{tests}}) =~ /$says/;

    my $e = decoded("$name.exercism");
    miss('exercism has ' . @{$e->{tests}} . " tests, TAP $tests") unless @{$e->{tests}} == $tests;
    my $want = $score == 100 ? 'pass' : $text =~ /^  exact answers/m ? 'fail|error' : 'error';
    miss("exercism's status is $e->{status}") unless ($e->{status} || '') =~ /^($want)$/;
    my %tasks = map { $_->{task_id} => 1 } @{$e->{tests}};
    miss('exercism has other tasks than Gradescope groups') unless join(' ', sort keys %tasks) eq join(' ', sort keys %groups);
}
