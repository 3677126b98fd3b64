load 'plots/style.gp'

# alt: As training goes on, the loss on the eight points falls while that on new points of the
# circle falls and then rises. Samples come nearest to the circle before they gather at the
# points.

# Memorisation through training: what the loss on new points says, and what samples are near to.

set output dir.'/14_circle_memory.png'
eval canvas(1300, 520)
set multiplot layout 1, 3 margins 0.06, 0.985, 0.145, 0.8 spacing 0.07, 0 \
    title "{/:Bold=19 Trained on eight points of a circle: when to stop depends on what you want}"
data = dir.'/memorisation.dat'
stats data using 1:6 nooutput
best = STATS_pos_min_y
set logscale x
set xrange [180:70000]
set format x '10^{%T}'
set xlabel 'training steps' offset 0, 0.3
set arrow 1 from best, graph 0 to best, graph 1 nohead dashtype 3 linecolor rgb grey linewidth 2
unset key
say(k, what, x, y, colour) = sprintf("set label %d '%s' at %g, graph %g left textcolor rgb '%s'", k, what, x, y, colour)
set title "{/:Bold loss}"
set yrange [0.6:1.25]
eval say(1, 'on new points of the circle', 230, 0.93, vermilion)
eval say(2, 'on the eight points', 210, 0.42, blue)
eval say(3, 'floor of the latter', 230, 0.12, black)
plot data using 1:6 with linespoints linetype 4, '' using 1:7 with linespoints linetype 1, \
     0.64809 with lines linecolor rgb black dashtype 2
set title "{/:Bold energy distance of samples}"
set yrange [0:0.075]
eval say(1, 'to the circle', 230, 0.1, vermilion)
eval say(2, 'to the eight points', 900, 0.72, blue)
eval say(3, 'dashed: of the two', 2200, 0.5, black)
plot data using 1:4 with linespoints linetype 4, '' using 1:5 with linespoints linetype 1, \
     0.0164 with lines linecolor rgb black dashtype 2
set title "{/:Bold share near a point}"
set yrange [0:1.04]
eval say(1, 'first rung', 1100, 0.4, blue)
eval say(2, 'second rung', 200, 0.7, '#b07800')
unset label 3
plot data using 1:3 with linespoints linetype 1, \
     dir.'/memorisation_second.dat' using 1:3 with linespoints linetype 2
unset multiplot
