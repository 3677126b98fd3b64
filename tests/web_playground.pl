#!/usr/bin/perl
# playground.html in a real browser, as tests/web_playground.sh has built it: it trains and samples
# with the bits of the C program that it shows, compiled natively; keeps its settings in the link;
# shows the library's own words where it refuses; draws, walks and maps; and tells its frames a second.
#     perl tests/web_playground.pl PAGE FOLDER     (CC, and FOLDER/sgm.o, serve the native program)
use strict;
use warnings;
use Time::HiRes qw(time sleep);
require './tests/browser.pl';

my ($page, $dir) = @ARGV;
my $b = Browser->new or do {
    no warnings 'once';
    print "skipped: $Browser::why\n";
    exit 0;
};
my ($good, $lost) = (0, 0);
sub check ($$;$) { # scalars, so that a match that fails is a false, and not nothing
    my ($name, $ok, $more) = @_;
    $ok ? $good++ : $lost++;
    printf "%-7s %s%s\n", $ok ? 'ok' : 'FAILED', $name, !$ok && defined $more ? ": $more" : '';
}
sub state_of { $b->js('return sgmPlay.state()') }
sub choose { # as a person would: the field's new value, and its event
    $b->js('const f = document.getElementById("settings").elements[arguments[0]];
        if (f.type === "checkbox") f.checked = arguments[1] > 0; else f.value = arguments[1];
        f.dispatchEvent(new Event("change", { bubbles: true }))', @_);
}
# What the page computes, and what its program prints when compiled here, number by number.
sub compare {
    my ($name, %set) = @_;
    $b->js('window.last = await sgmPlay.run(arguments[0])', \%set);
    my $error = $b->js('return last.error || ""');
    return check($name, 0, $error) if $error;
    open(my $out, '>:utf8', "$dir/shown.c") or die "$dir/shown.c: $!\n";
    print $out $b->js('return sgmPlay.c()');
    close $out;
    my $cc = $ENV{CC} || 'cc';
    system("$cc -std=c99 -O1 -Wall -Wextra -Wpedantic -Wshadow -Werror -I. -fopenmp -DSGM_LINKED "
        . "-include stdio.h -include stdlib.h -include string.h -include math.h $dir/shown.c "
        . "$dir/sgm.o -o $dir/shown -lm 2>$dir/shown.log") == 0
        or return check("$name: the program compiles", 0, `head -20 $dir/shown.log`);
    my $told = `OMP_NUM_THREADS=1 ./$dir/shown 2>&1`;
    my $same = $b->js('const [told] = arguments, r = last, j = r.judged;
        const number = word => Number(told.match(new RegExp(word + " (\\\\S+)"))[1]);
        const at = told.indexOf("\nloss"), told2 = told.slice(at);
        const judged = word => Number(told2.match(new RegExp(word + " (\\\\S+)"))[1]);
        const line = (who, i) => told.includes("\n" + who + " " + r.hash[i] + " first " + r.first[i].join(" "));
        return [["loss of training", number("loss") === r.loss],
            ["loss, floor and excess", judged("loss") === j.loss && judged("floor") === j.floor &&
                judged("excess") === j.excess],
            ["samples by the learnt score", line("learnt", 0)], ["by the exact one", line("exact", 1)]]
            .filter(x => !x[1]).map(x => x[0]).join(", ")', $told);
    my $ms = $b->js('return last.ms');
    check($name, $same eq '', "other bits in $same; the native program says: $told");
    return ($told, $ms);
}

$b->size(1000, 900);
$b->open($page);
$b->until('return sgmPlay.step() > 20', 30);
sleep 1.2; # a whole second of frames
printf "        %.0f frames a second while it trains, %.0f steps a second (no pass, no fail)\n",
    $b->js('return sgmPlay.fps()'), $b->js('return Number(document.getElementById("n-speed").textContent)');
check('it trains from the first moment', state_of() eq 'train', state_of());

my ($told) = compare('VP, MLP: the bits of the native program', key => 5, steps => 120, points => 200);
compare('EDM, two classes, guided, residual, churn: the same bits', data => 'letters', sde => 5, a => .02,
    b => 20, net => 1, width => 48, depth => 2, steps => 40, batch => 64, method => 5, evals => 12,
    points => 100, classes => 1, label => 1, gamma => 2, key => 7);
compare('cosine, points, explicit score, v, RK45: the same bits', data => 'ring', blur => 0, k => 8,
    sde => 2, output => 4, objective => 1, steps => 40, method => 10, evals => 2, points => 50, key => 9,
    activation => 4, times => 2);
compare('ring, two classes, churn with what DDIM alone takes: the same bits', data => 'ring', k => 8,
    classes => 1, label => 0, steps => 20, batch => 32, method => 5, eta => 1, evals => 8, points => 20);
# a fault that must be seen: another key
$b->js('window.last = await sgmPlay.run({key: 6, steps: 120, points: 200})');
check('another key has other bits', defined $told && $told !~ $b->js('return last.hash[0]'));

my $link = $b->js('return location.hash');
$b->open('about:blank');
$b->open("$page$link");
check('a link restores its settings', $b->js('return sgmPlay.set().key === 6 && sgmPlay.set().steps === 120'),
    $link);
$b->until('return sgmPlay.state() === "idle" && sgmPlay.step() === 120', 30);
$b->click('#sample');
$b->until('return sgmPlay.state() === "idle"', 20);
check('it samples', $b->js('return document.getElementById("learnt-says").textContent') =~ /^200 points, t = 0/,
    $b->js('return document.getElementById("learnt-says").textContent'));
$b->click('#map');
$b->until('return sgmPlay.state() === "idle"', 30);
choose(walk => 1);
$b->click('#walk');
$b->until('return document.getElementById("error").textContent !== ""', 10);
my $says = $b->js('return document.getElementById("error").textContent');
check('MALA without a density: refused in the library\'s words', $says =~ /MALA needs a log density/, $says);
check('while the exact score walks', state_of() eq 'walk', state_of());
choose(b => -3);
$b->until('return /beta_min <= beta_max/.test(document.getElementById("error").textContent)', 10);
check('a process that is none: refused in the library\'s words', 1);
choose(b => 20), choose(data => 'drawn');
$b->drag('#exact', .2, .5, .7, .3);
$b->until('return sgmPlay.step() > 5', 20);
check('drawn points are learnt', $b->js('return sgmPlay.set().k > 5 && /points_drawn=/.test(location.hash)'));
$b->click('#clear');
choose(data => 'moons'), choose(points => 2000), choose(evals => 100), choose(steps => 5);
$b->until('return sgmPlay.step() === 5 && sgmPlay.state() === "idle"', 20);
$b->click('#sample');
$b->until('return /^2000 points/.test(document.getElementById("learnt-says").textContent)', 20);
choose(points => 3000), sleep .6;
my $now = $b->js('return sgmPlay.state() + ", " + document.getElementById("learnt-says").textContent');
check('points that are wished for while others move wait for the next time', $now =~ /^sample, 2000 points/, $now);
choose(steps => 0), $b->click('#train');
check('no steps: refused in the library\'s words',
    $b->until('return /steps >= 1/.test(document.getElementById("error").textContent)', 10));
choose(steps => 3000);
$b->until('return sgmPlay.step() > 0', 20);
$b->click('#again'), choose(lr => .001), $b->click('#train'), sleep .6;
check('Train, pressed while a setting is taken over, trains', state_of() eq 'train', state_of());
choose(blur => -1);
check('a negative width: refused', $b->until('return /width/.test(document.getElementById("error").textContent)', 10));
for my $odd ('data=%', 'x=%zz&data=constructor', 'activation=-7&net=.5&label=5&classes=1&output=99') {
    $b->open('about:blank');
    $b->open("$page#$odd");
    check("of #$odd what makes no sense is passed over", $b->until('return sgmPlay.step() > 5', 20));
}
my @errors = map { ref $_ ? "$_->{level}: $_->{text}" : $_ } $b->errors;
check('no error in the console', !@errors, "@errors");
my @asked = $b->requests;
check('nothing is asked of a network', !@asked, "@asked");
$b->size(360, 700);
check('no line is wider than a phone', $b->js('return document.documentElement.scrollWidth <= innerWidth'));
my @nameless = grep { $_->{focusable} && ($_->{name} // '') eq '' && $_->{role} ne 'RootWebArea' } $b->tree;
check('all that can be focused has a name', !@nameless, join ' ', map { $_->{role} } @nameless);
printf "        %.1f s of the processor in the browser\n", $b->seconds;
print "$good passed, $lost failed\n";
exit($lost > 0);
