load 'plots/style.gp'

# alt: Against the tolerance of RK45: the error of encoding and decoding falls in step with it,
# from a hundredth to some 10 to the −8, while the evaluations grow from 90 to 340.

# RK45 up to T and down again: what comes back, and what it costs.

set output dir.'/17_samplers_encode.png'
eval canvas(900, 560)
set title "{/:Bold=17 Encode and decode: the error follows the tolerance}"
set logscale xy
set xrange [2e-2:5e-7] reverse
set format xy '10^{%T}'
set xlabel 'tolerance of RK45'
set ylabel 'mean distance between a point and what comes back'
set y2label 'evaluations, up and down'
set y2tics nomirror
set y2range [0:400]
set border 11
set key top center
plot dir.'/encode.dat' using 1:2 with linespoints linetype 1 title 'error', x with lines linecolor rgb black dashtype 2 linewidth 1.5 title 'tolerance', \
     '' using 1:3 axes x1y2 with linespoints linetype 2 title 'evaluations (right)'
