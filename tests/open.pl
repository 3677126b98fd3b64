#!/usr/bin/perl
# sgm.h opened, so that its implementation is compiled once for all tests that look inside:
#
#     tests/open.pl FOLDER      writes FOLDER/open.c, in which no function and no variable is static,
#                               and FOLDER/open.h, all declarations of both parts without a body
#
# A test is compiled with -include FOLDER/open.h, which has sgm.h's guards, and linked with open.o. Memory comes from
# open_malloc and its two companions; a test may define its own (check.h does). A function begins in column 0 and ends with
# a } there, or on its line. The kernels of §B.8 stay private: whoever wants them compiles all of sgm.h.
use strict;
use warnings;

my ($to) = @ARGV or die "usage: tests/open.pl FOLDER\n";
sub spew { my ($f, @s) = @_; open my $h, '>', $f or die "error: $f: $!\n"; print $h @s; close $h or die "error: $f: $!\n" }
open my $in, '<', 'sgm.h' or die "error: sgm.h: $!\n";
my $text = do { local $/; <$in> };
$text =~ s{/\*.*?\*/}{ ' ' . $& =~ s/[^\n]//gr }gse; # lines keep their numbers
my $at = index $text, "\n#if defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED)\n";
die "error: no implementation in sgm.h\n" if $at < 0;
my ($public, $private) = (substr($text, 0, $at), substr $text, $at);

my $function = qr/^(?!static inline)(?:static |SGM_API )[^\n;={}()]*\(/m; # its first line, up to a parenthesis
my $variable = qr/^static (?!const |inline)[^\n;={}()]*(?:;|=)/m;
(my $open = $private) =~ s/(?:$function|$variable)/ $& =~ s{^static }{}r /ge;
my $memory = <<'END';
#define _XOPEN_SOURCE 700
#include <stddef.h>
extern void *open_malloc(size_t n);
extern void *open_realloc(void *p, size_t n);
extern void open_free(void *p);
#define SGM_MALLOC(n) open_malloc(n)
#define SGM_REALLOC(p, n) open_realloc(p, n)
#define SGM_FREE(p) open_free(p)
#define SGM_IMPLEMENTATION
END
spew("$to/open_all.h", $public, $open);
spew("$to/open.c", $memory, <<'END');
#include "open_all.h"
__attribute__((weak)) void *open_malloc(size_t n) { return malloc(n); }
__attribute__((weak)) void *open_realloc(void *p, size_t n) { return realloc(p, n); }
__attribute__((weak)) void open_free(void *p) { free(p); }
END

# of the kernels' text nothing, of a function its head, of a variable that changes its name
$private =~ s/^#if defined\(SGM__X86\)\n#define SGM__ISA .*?(?=^#endif\s*\n\s*#ifdef SGM__ISA\n)/ $& =~ s{[^\n]}{}gr /mse or die;
$private =~ s/^#ifdef SGM__ISA\n.*?^#elif (?=defined\(SGM__IMPLEMENTING\))/ $& =~ s{[^\n]}{}gr . '#if ' /mse or die;
my $body = qr/ \{(?:[^\n]*\}[ ]*\n|[^\n]*\n.*?^\}[ ]*\n)/ms;
my $bodies = $private =~ s/($function[^;{}]*?\))$body/ my ($head, $all) = ($1, $&); ($head =~ s{^static }{}r) . ';' . $all =~ s{[^\n]}{}gr =~ s{\n{@{[$head =~ tr|\n||]}}}{}r /ge;
die "error: $bodies functions found in sgm.h\n" if $bodies < 500;
$private =~ s/$function/ $& =~ s{^static }{}r /ge;
$private =~ s/^static ((?!const |inline)[^\n;={}()]*?)\s*(?:;|=[^;]*;)/extern $1;/mg;
spew("$to/open.h", "#pragma GCC system_header\n", $memory, "#define SGM_OPEN\n", $public, $private);
