#!/usr/bin/perl
# examples/export/plain.c as lines of C, for sgm_export.h: writes examples/export/plain.h, or with
# `check` says whether that is what it would write.
use strict;
use warnings;
(my $here = $0) =~ s{[^/]*$}{};
$here = './' if $here eq '';
open my $in, '<', "${here}plain.c" or die "text.pl: ${here}plain.c: $!\n";
my $text = "/* Written by text.pl from plain.c: change that. */\nstatic const char *const export_text[] = {\n";
while (my $line = <$in>) {
    chomp $line;
    $line =~ s/([\\"])/\\$1/g;
    $text .= "\"$line\",\n";
}
$text .= "NULL};\n";
my $path = "${here}plain.h";
if (@ARGV && $ARGV[0] eq 'check') {
    open my $old, '<', $path or die "text.pl: $path: $!\n";
    local $/;
    exit(<$old> eq $text ? 0 : (print("$path is not what text.pl makes of plain.c\n"), 1)[1]);
}
open my $out, '>', $path or die "text.pl: $path: $!\n";
print $out $text;
close $out or die "text.pl: $path: $!\n";
