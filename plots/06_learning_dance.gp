load 'plots/style.gp'

# alt: Above, the losses of single steps scatter widely around a mean that sinks close to a dashed
# floor. Below, the excess of the last parameters stays near .01 and jumps about, while that of
# their average sinks smoothly below it.

# The loss of single steps, its mean over 100, and the floor; below, what they hide: the excess of the last parameters and of their average.

set output dir.'/06_learning_dance.png'
eval canvas(900, 820)
stats dir.'/looks.dat' using 1 nooutput
set multiplot
set lmargin at screen 0.12
set rmargin at screen 0.95
set xrange [0:STATS_max]
set bmargin at screen 0.55
set tmargin at screen 0.92
set title "{/:Bold=17 The loss shows noise; the excess shows what is learnt}"
set ylabel 'loss'
set yrange [0.15:0.62]
set ytics 0.1
set format x ''
set key top right Left reverse
plot dir.'/hundreds.dat' using 1:3 with points pointtype 7 pointsize 0.6 linecolor rgb '#a8a8a8' title 'one step in a hundred', \
     dir.'/hundreds.dat' using 1:2 with lines linetype 1 title 'mean of 100 steps', \
     dir.'/hundreds.dat' using 1:4 with lines linecolor rgb black dashtype 2 title 'floor: the exact score'
unset title
set bmargin at screen 0.09
set tmargin at screen 0.51
set xlabel 'step'
set ylabel 'excess: loss above the floor'
set format x '%g'
set logscale y
set yrange [0.002:0.3]
set ytics ('.003' 0.003, '.01' 0.01, '.03' 0.03, '.1' 0.1)
plot dir.'/looks.dat' using 1:2 with linespoints linetype 2 title 'the last parameters', \
     dir.'/looks.dat' using 1:3 with linespoints linetype 1 title 'their average'
unset multiplot
