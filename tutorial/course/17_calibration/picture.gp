# alt: Three histograms of ranks from 0 to 20. With guidance of strength one, and also for draws
# that ignore the measurement, all ranks are about equally frequent. With strength two the lowest
# and the highest ranks are far too frequent, as the computed black line says they must be.
dir = '.'
load 'plots/style.gp'
eval canvas(1000, 420)
set output png
set multiplot layout 1,3 margins 0.1,0.985,0.2,0.87 spacing 0.03
set style fill solid 0.45 noborder
set boxwidth 0.85
set xrange [-0.7:20.7]; set yrange [0:*]
stats dat using 4 nooutput
set yrange [0:1.1 * STATS_max]
set xlabel "rank of the truth, 0 to 20"
set ylabel "runs"
even = 800. / 21
set title "γ = 1: Bayes"
plot dat using 1:3 with boxes lc rgb blue, even lc rgb black lw 1.5
unset ylabel; set format y ''
set title "γ = 2: too sure"
plot dat using 1:4 with boxes lc rgb vermilion, dat using 1:5 with lines lc rgb black lw 1.5
set title "γ = 0: never saw y"
plot dat using 1:2 with boxes lc rgb orange, even lc rgb black lw 1.5
unset multiplot
