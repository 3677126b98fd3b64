#!/usr/bin/perl
# convert.pl prairielearn|classroom FILE: what lab grade -f gradescope has written, as another
# platform reads it. prairielearn: results.json of an external grader. classroom: the table that
# GitHub Classroom's reporter takes, in base64, on one line. Perl alone, no modules beside its own.
use strict;
use warnings;
use JSON::PP ();
use MIME::Base64 'encode_base64';

my ($to, $file) = @ARGV;
die "usage: convert.pl prairielearn|classroom FILE\n"
    if @ARGV != 2 || $to !~ /^(?:prairielearn|classroom)$/;
my $json = JSON::PP->new->utf8->canonical;
open my $in, '<:raw', $file or die "$file: $!\n";
my $r = $json->decode(do { local $/; <$in> });
my @tests = @{$r->{tests} || []};

# points in parts of 100, also where several assignments were graded together
my $all = 0;
$all += $_->{max_score} for @tests;
my $scale = $all > 0 ? 100 / $all : 0;

if ($to eq 'prairielearn') {
    # what does not compile costs no attempt
    my @refused = grep { $_->{output} =~ /^(?:Refused:|The\ compiler\ does\ not\ take\ it
        |There\ is\ no\ file|It\ does\ not\ link|\S+\ does\ not\ define\ )/x } @tests;
    my %out = (gradable => $json->true, score => $r->{score} / 100, message => $r->{output} // '',
        output => '', tests => [map { {name => "$_->{number} $_->{name}", description => '',
            points => $_->{score} + 0, max_points => $_->{max_score} + 0,
            message => $_->{output} // '', output => ''} } @tests]);
    if (@refused && @refused == @tests) {
        $out{gradable} = $json->false;
        $out{format_errors} = [map { $_->{output} } @refused];
    }
    print $json->encode(\%out), "\n";
} else {
    my %out = (version => 1, max_score => 100, status => $r->{score} >= 100 ? 'pass' : 'fail',
        tests => [map { {name => "$_->{number} $_->{name}", score => $_->{score} * $scale,
            status => $_->{status} eq 'passed' ? 'pass' : 'fail', message => $_->{output} // '',
            test_code => $_->{name}, filename => '', line_no => 0, execution_time => 0} } @tests]);
    print encode_base64($json->encode(\%out), ''), "\n";
}
