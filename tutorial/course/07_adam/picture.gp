# alt: Left: the step of a steady gradient, over the rate, against the number of the step: yours is
# 1 all along; without the division it begins at 3.2, grows to 6.5 at step 12 and is still 1.7 after
# 400. Right: the distance to the lowest place of a noisy bowl: that of the parameters falls fast
# and then dances, that of their average comes later and goes lower.
if (!exists('dir')) dir = '.'
load 'plots/style.gp'
eval canvas(1100, 480)
set output png
set multiplot layout 1, 2
set title '{/:Bold=16 The step of a steady gradient}'
set xlabel 'step k'
set ylabel 'step / rate'
set logscale x
set xrange [1:400]
set yrange [0:9]
set key top right
plot dat using 1:3 with lines linetype 2 dashtype 2 title 'M and V not divided', \
     dat using 1:2 with lines linetype 1 title 'yours'
unset logscale x
set xrange [0:400]
set xtics 100
set xrange [1:400]
set title '{/:Bold=16 A bowl with noisy gradients}'
set ylabel 'distance to its lowest place'
set yrange [0.04:1.3]
set logscale y
plot dat using 1:4 with lines linetype 2 linewidth 1 title 'parameters θ', \
     dat using 1:5 with lines linetype 1 title 'their average e'
unset multiplot
