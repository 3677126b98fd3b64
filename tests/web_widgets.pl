#!/usr/bin/perl
# The book's widgets in a real browser: the same numbers as natively, to the last bit, and a page
# that pointer, keys and addresses work.
#
#     perl tests/web_widgets.pl FOLDER NATIVE
#
# FOLDER has what tutorial/web/widgets/build.sh makes; NATIVE is widgets.c compiled with -DNATIVE.
# Without a browser it says "skipped: ...", and all is well.
use strict;
use warnings;
use utf8;
use FindBin;
require "$FindBin::Bin/browser.pl";
binmode STDOUT, ':utf8';

my ($folder, $native) = @ARGV;
defined $native or die "use: perl tests/web_widgets.pl FOLDER NATIVE\n";
my $bad = 0;
sub ok {
    my ($good, $what) = @_;
    print $good ? 'ok  ' : 'NO  ', "$what\n";
    $bad++ if !$good;
}

# name => value, as 16 hexadecimal digits, of the native program
my (%bits, @names);
open(my $run, '-|', $native) or die "$native: $!\n";
while (<$run>) { /^([0-9a-f]{16}) (.*)$/ and $bits{$2} = $1, push @names, $2 }
close $run or die "$native ended with status $?\n";
my $size = -s "$folder/widgets.js";
ok($size <= 700_000, "widgets.js has $size bytes, of 700000");

my $b = Browser->new(width => 1000, height => 900) or do {
    no warnings 'once';
    print "skipped: $Browser::why\n";
    exit 0;
};
my $page = "$folder/widgets.html";
my %shown = (
    'path:beta=20,step=.01,t=.3,key=1' => {mean => 'path: mean of the crowd',
        std => 'path: its std', 'euler-std' => "path: Euler's std"},
    'arrows:sigma=.4,std=.3,x1=-1,y1=.5,x2=1,y2=.8,x3=.2,y3=-1,px=.5,py=.25,key=1' => {
        'score-x' => 'arrows: score', 'quotient-x' => 'arrows: quotient',
        stein => 'arrows: mean of x.s'},
    'loss:width=16,lr=.004,batch=64,steps=500,key=1' => {loss => 'loss: loss',
        floor => 'loss: floor', excess => 'loss: excess'},
    'reverse:steps=12,key=1' => {'em-std' => 'reverse: std of (5.4)',
        'rd-std' => 'reverse: std of (5.5)', 'anc-std' => 'reverse: std of (5.8)',
        'anc-far' => 'reverse: distance'},
    'ula:gamma=.4,key=1' => {ula => 'ula: variance', mala => "ula: MALA's variance",
        acceptance => 'ula: acceptance'},
    'heun:nfe=32,key=1' => {euler => 'heun: Euler, 32 evaluations',
        heun => 'heun: Heun, 32 evaluations'},
    'likelihood:method=1,steps=8,key=1' => {nats => 'likelihood: mean of log p',
        change => 'likelihood: change'},
    'gamma:gamma=2,c=.5,key=1' => {sde => 'gamma: variance of the SDE',
        flow => 'gamma: of the flow'});

# 1. The list of numbers.
$b->still(1);
$b->open($page . '#' . join(';', sort keys %shown));
my $list = $b->js('return await sgmWidgetTest()');
my %web = map { $_->{name} => $_->{bits} } @$list;
my @off = grep { ($web{$_} // '') ne $bits{$_} } @names;
ok(@names > 30 && @$list == @names && !@off,
    scalar(@names) . ' numbers have the native bits' . join('', map { "; not: $_" } @off));

# 2. The same numbers in the tables, by settings from the address; each widget in view in its turn.
for my $set (sort keys %shown) {
    my ($name) = $set =~ /^(\w+)/;
    my $done = $b->until("const f = document.querySelector('[data-widget=$name]');
        if (f.dataset.state !== 'done') f.scrollIntoView({block: 'center'});
        return f.dataset.state === 'done' || f.dataset.state === 'error'", 30);
    my $values = $b->js("return Object.fromEntries([...document.querySelectorAll(
        '[data-widget=$name] [data-name]')].map(c => [c.dataset.name, c.dataset.value]))");
    my @wrong = grep { unpack('H16', pack 'd>', $values->{$_} // 0) ne $bits{$shown{$set}{$_}} }
        sort keys %{$shown{$set}};
    ok($done && !@wrong, "$name shows the native numbers" . join '', map { "; not: $_" } @wrong);
}

# 3. Keys on a slider, a number typed, a mean dragged and moved by keys: all of it in the address.
$b->js('document.querySelector("[data-widget=ula]").scrollIntoView({block: "center"})');
$b->focus('[data-widget=ula] [data-setting=gamma]');
$b->key('ArrowRight', 2);
ok($b->until('return /ula:gamma=\.5,key=1/.test(location.hash)', 5), 'keys move a slider');
ok($b->until('const f = document.querySelector("[data-widget=ula]");
    return f.dataset.state === "done" && Math.abs(f.querySelector("[data-name=ula-truth]")
        .dataset.value - 4 / 3) < 1e-12', 20), 'and the widget follows');
$b->js('document.querySelector("[data-widget=arrows]").scrollIntoView({block: "center"})');
my $far = $b->js('const a = document.querySelector("[data-handle=x1]").getBoundingClientRect(),
    c = document.querySelector("[data-widget=arrows] canvas").getBoundingClientRect();
    return [(a.x + a.width / 2 - c.x) / c.width, (a.y + a.height / 2 - c.y) / c.height]');
$b->drag('[data-widget=arrows] canvas', @$far, $far->[0] + .1, $far->[1]);
ok($b->until('return /arrows:.*x1=-\.5,y1=\.5,/.test(location.hash)', 5), 'a mean is dragged');
$b->focus('[data-handle=x1]');
$b->key('ArrowUp', 2);
ok($b->until('return /x1=-\.5,y1=\.6,/.test(location.hash)', 5), 'and moved by keys');

# An address that makes no sense is passed over, or brought to the nearest that does.
$b->js("location.hash = '%ff:x=1'");
$b->js("location.hash = 'ula:gamma=99,key=-4,x=;nothing:y=2;ula'");
ok($b->until('const f = document.querySelector("[data-widget=ula]"); return ["gamma", "key"]
    .map(s => f.querySelector(`[data-setting=${s}]`).value).join() === "1.6,1"', 3),
    'of an address only what makes sense is taken');

# 4. On a narrow page, in the dark: nothing sticks out, no control without a name, no complaint.
for my $width (320, 1400) {
    $b->size($width, 800);
    ok($b->until('return document.documentElement.scrollWidth <= innerWidth', 3),
        "$width pixels are wide enough");
}
# the theme: the corner of a picture is as dark as the page of that theme
my $corner = 'const c = document.querySelector("[data-widget=arrows] canvas");
    c.scrollIntoView({block: "center"});
    return c.getContext("2d").getImageData(c.width - 5, 5, 1, 1).data[2]';
$b->js('document.documentElement.dataset.theme = "light"');
ok($b->until("$corner > 220", 5), 'the light theme is drawn');
$b->js('document.documentElement.dataset.theme = "dark"');
ok($b->until("$corner < 60", 5), 'and the dark one');
my @nodes = grep { $_->{role} =~ /slider|button|spinbutton|combobox|image/i } $b->tree;
my @mute = grep { !length($_->{name} // '') } @nodes;
ok(@nodes > 40 && !@mute, scalar(@nodes) . ' controls and pictures have names');
my @said = $b->errors;
ok(!@said, 'no error in the console' . join '', map { "; $_->{text}" } @said);
my @asked = $b->requests;
ok(!@asked, 'no request to the network');
printf "%d failed; the browser took %.1f s of the processor\n", $bad, $b->seconds;
exit($bad != 0);
