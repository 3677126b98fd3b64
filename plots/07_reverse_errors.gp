load 'plots/style.gp'

# alt: Fifty paths run from noise to two humps. Below, one panel for each error: after a start too
# early in the noise the humps have wrong shares, in 25 steps a hump gets too wide, and a learnt
# score scatters samples around a point.

# Above, paths of the reverse SDE with the exact score; below, what each of the three errors does, beside the data.

stats dir.'/short.dat' using 1 nooutput name 'S_'
set output dir.'/07_reverse_errors.png'
eval canvas(1000, 760)
set multiplot
h(x) = exp(-x * x / 0.08) / sqrt(0.08 * pi)
bin(x, w) = w * (floor(x / w) + 0.5)
set lmargin at screen 0.075
set rmargin at screen 0.98
set bmargin at screen 0.52
set tmargin at screen 0.93
set title "{/:Bold=17 The way back: 50 paths from noise to two humps of data}"
set xrange [1:0]
set yrange [-2.7:2.7]
set xlabel 'time t, from T = 1 down to 0' offset 0, 0.3
set ylabel 'x' offset 1, 0
plot for [j=1:50] dir.'/film.dat' using (1-$0/200.):j with lines linewidth 0.7 linecolor rgb (j % 2 ? blue : sky)
set bmargin at screen 0.085
set tmargin at screen 0.375
set xlabel 'x' offset 0, 0.5
set ylabel 'density'
set key top left Left reverse samplen 1 font ',12'
set lmargin at screen 0.075
set rmargin at screen 0.36
set title "{/:Bold error 1: a start at T = 0.2}"
set xrange [-2.1:2.1]
set yrange [0:2.5]
set xtics 1
plot dir.'/short.dat' using (bin($1, 0.1)):(1. / S_records / 0.1) smooth frequency with boxes linetype 2 fillstyle solid 0.6 title 'samples', \
     .7 * h(x - 1) + .3 * h(x + 1) with lines linecolor rgb black title 'data'
set lmargin at screen 0.43
set rmargin at screen 0.68
unset ylabel
set title "{/:Bold error 2: 25 steps}"
set xrange [0.2:1.8]
set yrange [0:2.5]
set xtics 0.5
plot dir.'/few.dat' using (bin($1, 0.05)):(1. / S_records / 0.05) smooth frequency with boxes linetype 2 fillstyle solid 0.6 title 'samples', \
     h(x - 1) with lines linecolor rgb black title 'data'
set lmargin at screen 0.74
set rmargin at screen 0.98
set title "{/:Bold error 3: a learnt score}"
set size ratio -1
set xrange [0.72:1.28]
set yrange [-0.28:0.28]
set xtics 0.2
set ytics 0.2
set key bottom right
set xlabel 'x, around one of eight points' offset 0, 0.5
plot dir.'/circle.dat' using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb orange title 'samples', \
     '+' using (1):(0) every ::0::0 with points pointtype 6 pointsize 1.8 linecolor rgb black title 'data'
unset multiplot
