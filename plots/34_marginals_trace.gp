load 'plots/style.gp'

# alt: Left: the error of a random estimate of the trace grows with the dimension, least for four
# sign vectors. Right: the exact trace's cost grows with the dimension, that of one direction
# hardly.

# The trace: what an estimate saves, and what it costs.

set output dir.'/34_marginals_trace.png'
eval canvas(1250, 520)
set multiplot layout 1, 2 margins 0.08, 0.98, 0.16, 0.84 spacing 0.1, 0 \
    title "{/:Bold=19 Exact trace against Hutchinson's}"
set logscale xy
set xrange [1.7:150]
set xtics (2, 4, 8, 16, 32, 64, 128)
set xlabel 'dimension D'
set title "{/:Bold error of log p, root mean square}"
set ylabel 'nats'
set yrange [0.3:500]
set key top left
plot dir.'/trace.dat' using 1:7 with lines linecolor rgb black title 'closed form', \
     '' using 1:5 with lines linecolor rgb black notitle, '' using 1:6 with lines linecolor rgb black notitle, \
     '' using 1:4 with points linetype 2 title '1 Gaussian direction', '' using 1:2 with points linetype 1 title '1 sign vector', \
     '' using 1:3 with points linetype 3 title '4 sign vectors'
set title "{/:Bold cost, on a network}"
set ylabel 'processor ms per point'
set yrange [*:*]
plot dir.'/trace.dat' using 1:8 with linespoints linetype 4 title 'exact: D tangents', \
     '' using 1:9 with linespoints linetype 1 title '1 direction'
unset multiplot
