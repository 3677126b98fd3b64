#!/usr/bin/perl
# One file out of many: prints a page in which every line
#
#     <!-- pack style FILE -->      is the style sheet FILE,
#     <!-- pack script FILE -->     is the script FILE,
#     <!-- pack wasm NAME FILE -->  sets the constant NAME to the program FILE, compressed, as text
#
# Files are sought beside the page and in the folders behind it:  pack.pl page.html [folder ...]
use strict;
use warnings;
use File::Basename;
use IO::Compress::Gzip qw(gzip $GzipError);
use MIME::Base64;

sub slurp {
    my ($name) = @_;
    open(my $in, '<:raw', $name) or die "pack.pl: $name: $!\n";
    local $/;
    return <$in>;
}

@ARGV or die "use: pack.pl page.html [folder ...]\n";
my $page = shift @ARGV;
my @folders = (dirname($page), @ARGV);
sub find {
    my ($name) = @_;
    for (@folders) { return slurp("$_/$name") if -f "$_/$name" }
    die "pack.pl: $page names $name, which is in none of: @folders\n";
}
my $text = slurp($page);
$text =~ s{<!-- pack style (\S+) -->}{"<style>\n" . find($1) . "</style>"}ge;
$text =~ s{<!-- pack script (\S+) -->}{
    my $script = find($1);
    $script =~ m{</script}i and die "pack.pl: $1 holds the end of a script\n";
    "<script data-name=\"$1\">\n$script</script>"}ge;
$text =~ s{<!-- pack wasm (\w+) (\S+) -->}{
    my ($name, $raw, $small) = ($1, find($2));
    gzip(\$raw => \$small, -Level => 9, Minimal => 1) or die "pack.pl: $GzipError\n";
    "<script>const $name = '" . encode_base64($small, '') . "';</script>"}ge;
$text =~ /<!-- pack/ and die "pack.pl: $page has a line that this does not understand\n";
binmode STDOUT;
print $text;
