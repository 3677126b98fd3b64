# alt: Left: SiLU's derivative against x: yours lies on the exact one, dips to -.1 near x = -2.4,
# crosses 1 at 1.28, is 1.1 at 2.4 and falls back to 1; the sigmoid alone stays between 0 and 1.
# Right: the loss of a small network falls over 60 steps; with your gradients and with the library's
# the two curves are one.
if (!exists('dir')) dir = '.'
load 'plots/style.gp'
eval canvas(1100, 480)
set output png
set multiplot layout 1, 2
set title '{/:Bold=16 The derivative of SiLU}'
set xlabel 'x'
set ylabel 'derivative'
set yrange [-0.3:1.6]
set key top left Left reverse
plot dat index 0 using 1:3 with lines linecolor rgb grey linewidth 5 title 'exact', \
     dat index 0 using 1:4 with lines linetype 2 dashtype 2 title 'σ(x) alone', \
     dat index 0 using 1:2 with lines linetype 1 title 'yours'
set title '{/:Bold=16 A network learns by your gradients}'
set xlabel 'step'
set ylabel 'loss'
set autoscale y
set key top right Right noreverse
set yrange [0:]
plot dat index 1 using 1:3 with lines linecolor rgb grey linewidth 5 title 'by the tape''s gradients', \
     dat index 1 using 1:2 with lines linetype 1 title 'by yours'
unset multiplot
