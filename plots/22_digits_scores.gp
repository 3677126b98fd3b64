load 'plots/style.gp'

# alt: Against training steps: the loss falls at once and then slowly; the share of samples that
# are read as their label rises to over .9; the Fréchet distance falls to a third.

# What the loss says of the run, and what the judge says: 200 samples without guidance, 10 evaluations each.

set output dir.'/22_digits_scores.png'
eval canvas(1300, 480)
set multiplot layout 1, 3 margins 0.055, 0.985, 0.16, 0.78 spacing 0.065, 0 \
    title "{/:Bold=19 Learning digits: the loss falls first, the label is learnt later}"
set xlabel 'optimiser steps'
set logscale x
set format x '10^{%T}'
set title "{/:Bold loss per pixel}"
set yrange [0:*]
plot dir.'/loss.dat' using 1:2 with linespoints linetype 1 pointsize 0.5
set title "{/:Bold samples read as their label}"
set yrange [0:1.05]
plot dir.'/scores.dat' using 1:3 with linespoints linetype 2, \
     1 with lines linecolor rgb grey dashtype 3 linewidth 2
set title "{/:Bold Fréchet distance to fresh digits}"
set logscale y
set yrange [*:*]
set ytics (10, 20, 50, 100, 200, 500, 1000)
plot dir.'/scores.dat' using 1:4 with linespoints linetype 3
unset multiplot
