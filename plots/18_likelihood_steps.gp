load 'plots/style.gp'

# alt: Left: with few Euler steps the negative log likelihood is far below the truth, down to −50,
# and is marked as suspect; from 128 steps on it is right. Right: the trace's error falls with the
# number of probes.

# Left: few steps flatter. Right: what Hutchinson's estimate leaves, and what it says of that.

set output dir.'/18_likelihood_steps.png'
eval canvas(1200, 520)
set multiplot layout 1, 2 margins 0.075, 0.985, 0.15, 0.80 spacing 0.1, 0 \
    title "{/:Bold=19 How a likelihood goes wrong: too few steps, too few probes}"
set logscale x 2
set xrange [3:700]
set xlabel "steps of Euler's method, even in t"
set ylabel 'NLL of the exact score, nats' offset 1, 0
set title "{/:Bold below the truth is impossible, and flagged}"
set key bottom right
plot dir.'/steps.dat' using 1:5 with lines linecolor rgb black title 'truth', \
     '' using 1:2 with linespoints linetype 1 title 'what Euler says', \
     '' using ($4 > 0 ? $1 : NaN):2 with points pointtype 6 pointsize 2 linecolor rgb vermilion title 'suspect'
set logscale y
set xrange [1.5:50]
set yrange [*:*]
set xlabel 'probes per point'
set ylabel 'error of one point, nats' offset 1, 0
set title "{/:Bold Hutchinson's trace against the exact one}"
set key top right
plot dir.'/hutchinson.dat' every ::0::2 using 1:2 with points linetype 1 pointsize 1.6 title 'random signs, rms error', \
     '' every ::0::2 using 1:3 with lines linecolor rgb blue title 'what it says of itself', \
     '' every ::3::3 using 1:2 with points linetype 2 pointsize 1.6 title 'Gaussian directions'
unset multiplot
