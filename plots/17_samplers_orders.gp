load 'plots/style.gp'

# alt: Errors against steps on logarithmic axes: straight lines, the steeper the higher the order
# of the method. Three noisy methods run parallel to a line of order 1.

# Left: the flow's solvers against a fine solution; a line of slope −p for each order p. Right: the noisy ones on
# one Brownian path.

set output dir.'/17_samplers_orders.png'
eval canvas(1200, 700)
set multiplot layout 1, 2 margins 0.075, 0.985, 0.30, 0.84 spacing 0.09, 0 \
    title "{/:Bold=19 Every solver has the order that its name promises}"
set logscale xy
set format y '10^{%T}'
set xlabel 'steps'
set ylabel 'mean error of a path'
set key off
array colour[9] = [blue, orange, green, vermilion, purple, sky, black, yellow, grey]
set title "{/:Bold probability-flow ODE, exact score}"
set xrange [10:1000]
set yrange [1e-7:1]
array names[9] = ['DDIM', 'Euler', 'Heun', 'RK4', 'Adams–Bashforth', 'DPM-Solver-2', 'DPM-Solver-3', 'DPM-Solver++(2M)', 'DPM-Solver++(3M)']
array ids[9] = [5, 6, 7, 8, 10, 11, 12, 13, 14]
plot for [i=1:9] dir.'/orders.dat' using ($1 == ids[i] ? $2 : 1/0):4 with linespoints linetype i linecolor rgb colour[i]
set title "{/:Bold reverse SDE, one Brownian path}"
set xrange [25:320]
set yrange [1e-3:0.1]
array noisy[3] = ['Euler–Maruyama', 'reverse diffusion', 'ancestral']
set key bottom left Left reverse
plot for [i=1:3] dir.'/strong.dat' using ($1 == i - 1 ? $2 : 1/0):3 with linespoints linetype i title noisy[i], \
     1.2 / x with lines linecolor rgb black dashtype 2 linewidth 1.5 title 'order 1'
eval legend_band(0.02, 0.15)
set key maxrows 2 noreverse Right
plot for [i=1:9] 1/0 with linespoints linetype i linecolor rgb colour[i] title names[i]
unset multiplot
