load 'plots/style.gp'

# alt: Left, lines of the flow fan out from two humps of data and run level into the noise,
# without crossing. Right, the density by Heun's method lies on the two humps; Euler's in 40 steps
# has too much, shown below in orange.

# Left, lines of the flow: they keep the share of points on their left, which is known. Right, exp of the log p of two solvers.

set output dir.'/08_flow_density.png'
eval canvas(1000, 520)
set multiplot
m(t) = exp(-0.05 * t - 4.975 * t * t)
r(t) = sqrt(2 - 1.92 * m(t)**2)
share(x, t) = 0.5 + 0.15 * erf((x + m(t)) / r(t)) + 0.35 * erf((x - m(t)) / r(t))
h(x) = exp(-x * x / 0.08) / sqrt(0.08 * pi)
set bmargin at screen 0.14
set tmargin at screen 0.87
set lmargin at screen 0.075
set rmargin at screen 0.49
set title "{/:Bold Lines of the flow: they never cross}"
set xrange [0:1]
set yrange [-2.4:2.4]
set xlabel 'time t: data at 0, latents at 1'
set ylabel 'x' offset 2, 0
set contour base
unset surface
set cntrparam levels incremental 0.04, 0.04, 0.96
set cntrparam bspline
set isosamples 160, 160
set samples 160
set table $lines
splot [0:1] [-2.6:2.6] share(y, x)
unset table
set samples 400
plot $lines using 1:2 with lines linewidth 1 linecolor rgb blue
set lmargin at screen 0.60
set rmargin at screen 0.98
set bmargin at screen 0.44
set title "{/:Bold The density as two solvers say it}"
set xrange [-1.9:1.9]
set yrange [0:1.6]
set xtics 1
set format x ''
set ytics 0.5
unset xlabel
set ylabel 'p' offset 1, 0
set key top left Left reverse width -6 font ",12"
plot h(x - 1) * .7 + .3 * h(x + 1) with lines linecolor rgb black linewidth 2 title 'data', \
     dir.'/density.dat' using 1:3 with lines linetype 2 linewidth 1.5 title 'Euler, 40 steps', \
     dir.'/density.dat' using 1:2 every 12 with points linetype 1 pointsize 0.5 title 'Heun, 200 steps'
set bmargin at screen 0.14
set tmargin at screen 0.40
unset title
set format x '%g'
set xlabel 'x'
set ylabel 'too much' offset 1, 0
set yrange [-0.06:0.2]
set ytics 0.1
set key off
d(x) = .7 * h(x - 1) + .3 * h(x + 1)
plot dir.'/density.dat' using 1:($3-d($1)) with filledcurves y1=0 linetype 2 fillstyle solid 0.6, \
     dir.'/density.dat' using 1:($2-d($1)) every 12 with points linetype 1 pointsize 0.5, 0 with lines linecolor rgb black linewidth 1
unset multiplot
