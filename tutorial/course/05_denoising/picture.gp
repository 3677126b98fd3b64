# alt: Left: the square loss, a parabola, and the pseudo-Huber loss, a V with a round bottom, along
# one number of out; short strokes show the derivatives and lie along the curves. Right: the loss of
# a training falls from 3 to its floor of .7 in 50 steps and then scatters about it.
dir = '.'
load 'plots/style.gp'
eval canvas(1000, 440)
set output png
set multiplot
set tmargin at screen 0.89
set bmargin at screen 0.18
set lmargin at screen 0.065
set rmargin at screen 0.48
set title "{/:Bold Your losses, and your derivatives}"
set xlabel 'out (d = 1)' offset 0, 0.3
set ylabel 'loss of one point' offset 1.5, 0
set xrange [-2.4:3]; set xtics 1
set yrange [-0.1:2.4]; set ytics 1
set key top center
h = 0.16
stroke = 'using ($1-h):($2-h*$3):(2*h):(2*h*$3) with vectors nohead linecolor rgb black'
plot dat index 1 using 1:2 with lines linetype 1 title 'square', \
     '' index 2 using 1:2 with lines linetype 2 title 'pseudo-Huber', \
     '' index 1 every 15 @stroke title 'derivative', \
     '' index 2 every 15 @stroke
unset ylabel
set lmargin at screen 0.57
set rmargin at screen 0.985
set title "{/:Bold A training with your square}"
set xlabel 'step'
set xrange [0:320]; set xtics 100
set yrange [0:3]
set key top right
plot dat index 0 using 1:2 with lines linecolor rgb blue linewidth 1 title 'loss of each batch', \
     '' index 0 using 1:3 with lines linecolor rgb black title 'the floor'
unset multiplot
