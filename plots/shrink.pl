#!/usr/bin/perl
# shrink.pl FROM.png TO.png: the same picture with a palette of at most 128 colours, which takes a
# third of the bytes. Reads what gnuplot and picture.h write: 8 bits a channel, grey, RGB or RGBA,
# not interlaced. Its metadata is dropped, so the same picture gives the same bytes.
use strict;
use warnings;
use Compress::Zlib qw(compress uncompress crc32);

my ($from, $to) = @ARGV;
die "usage: plots/shrink.pl FROM.png TO.png\n" unless defined $to;
open my $in, '<:raw', $from or die "$from: $!\n";
my $png = do { local $/; <$in> };
die "$from is no PNG\n" unless substr($png, 0, 8) eq "\x89PNG\r\n\x1a\n";
my ($at, $data, $w, $h, $bits, $kind, $interlaced) = (8, '');
while ($at < length $png) {
    my ($bytes, $name) = unpack 'N a4', substr $png, $at, 8;
    my $chunk = substr $png, $at + 8, $bytes;
    ($w, $h, $bits, $kind, $interlaced) = (unpack 'N N C C x x C', $chunk) if $name eq 'IHDR';
    $data .= $chunk if $name eq 'IDAT';
    $at += $bytes + 12;
}
my %channels = (0 => 1, 2 => 3, 6 => 4);
my $c = $channels{$kind};
die "$from: a PNG of another kind than gnuplot's\n" unless $c && $bits == 8 && !$interlaced;
$data = uncompress($data) // die "$from is damaged\n";

# each row was predicted from its left and upper neighbours in one of five ways; take the prediction
# back
my (@before, @pixels, %count) = ();
@before = (0) x ($w * $c);
for my $y (0 .. $h - 1) {
    my ($filter, @row) = unpack 'C*', substr $data, $y * ($w * $c + 1), $w * $c + 1;
    for my $i ($filter ? 0 .. $#row : ()) {
        my ($left, $up, $both) = ($i >= $c ? $row[$i - $c] : 0, $before[$i], $i >= $c ? $before[$i - $c] : 0);
        my $guess = $filter == 1 ? $left : $filter == 2 ? $up : $filter == 3 ? ($left + $up) >> 1 : do {
            my ($a, $b, $d) = (abs($up - $both), abs($left - $both), abs($left + $up - 2 * $both));
            $a <= $b && $a <= $d ? $left : $b <= $d ? $up : $both
        };
        $row[$i] = ($row[$i] + $guess) & 255;
    }
    for (my $i = 0; $i < @row; $i += $c) { # over white, where it is transparent
        my ($r, $g, $b) = $c == 1 ? ($row[$i]) x 3 : @row[$i .. $i + 2];
        if ($c == 4 && $row[$i + 3] < 255) { $_ = 255 - int((255 - $_) * $row[$i + 3] / 255 + .5) for $r, $g, $b }
        my $colour = $r << 16 | $g << 8 | $b;
        $count{$colour}++, push @pixels, $colour;
    }
    @before = @row;
}

# the commonest colours, no two nearer than a few steps; every other goes to the nearest of them
my (@palette, %index);
sub apart { my ($p, $q) = @_; my $s = 0; $s += ((($p >> $_) & 255) - (($q >> $_) & 255)) ** 2 for 0, 8, 16; $s }
for my $close (900, 300, 100, 30, 0) {
    for my $colour (sort { $count{$b} <=> $count{$a} || $a <=> $b } keys %count) {
        last if @palette == 128;
        next if exists $index{$colour} || grep { apart($_, $colour) <= $close } @palette;
        $index{$colour} = @palette, push @palette, $colour;
    }
}
for my $colour (keys %count) {
    next if exists $index{$colour};
    my ($best, $least) = (0, 1e9);
    for (0 .. $#palette) { my $d = apart($palette[$_], $colour); ($best, $least) = ($_, $d) if $d < $least }
    $index{$colour} = $best;
}

sub chunk { my ($name, $body) = @_; pack('N', length $body) . $name . $body . pack 'N', crc32($name . $body) }
my $rows = join '', map { "\0" . pack 'C*', @index{@pixels[$_ * $w .. $_ * $w + $w - 1]} } 0 .. $h - 1;
open my $out, '>:raw', $to or die "$to: $!\n";
print $out "\x89PNG\r\n\x1a\n", chunk('IHDR', pack 'N N C5', $w, $h, 8, 3, 0, 0, 0),
    chunk('PLTE', join '', map { pack 'C3', $_ >> 16, $_ >> 8 & 255, $_ & 255 } @palette),
    chunk('IDAT', compress($rows, 9)), chunk('IEND', '');
close $out or die "$to: $!\n";
