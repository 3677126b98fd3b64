load 'plots/style.gp'

# alt: Left: by noise level, the floor of the loss lies far above the excess. Right: the error
# relative to the score falls from a tenth at little noise to a hundredth at much.

# Where the loss looks, and where it does not.

set output dir.'/15_ncsn_levels.png'
eval canvas(1200, 540)
set multiplot layout 1, 2 margins 0.075, 0.985, 0.14, 0.80 spacing 0.1, 0 \
    title "{/:Bold=19 The error by noise level: small in the loss is not small in the score}"
set logscale xy
set xrange [0.007:14]
set xlabel 'noise level σ'
set format x '10^{%T}'; set format y '10^{%T}'
set title "{/:Bold in the loss}"
set ylabel 'loss per dimension'
set yrange [1e-7:1]
set key bottom center
plot dir.'/levels.dat' using 1:2 with linespoints linecolor rgb black dashtype 2 pointtype 5 pointsize 0.8 title 'floor', \
     '' using 1:3 with linespoints linetype 1 title 'excess  ¼σ^2 E‖s_θ − s‖^2'
set title "{/:Bold in the score}"
set ylabel 'root mean square, error / score'
set yrange [0.01:3]
set ytics add ('0.1' 0.1, '1' 1)
set key top right
plot dir.'/levels.dat' using 1:5 with linespoints linetype 2 title '‖s_θ − s‖ / ‖s‖', \
     1 with lines linecolor rgb grey dashtype 3 linewidth 2 title 'a network that says nothing'
unset multiplot
