load 'plots/style.gp'

# alt: Left: the distance to the exact posterior falls with the particles, parallel to that of
# exact draws. Right: nearly all particles count at the end, and about half of the first have
# descendants.

# Left: the distance to the exact posterior against particles. Right: how many count, and of how many they descend.

set output dir.'/30_posterior_rate.png'
eval canvas(1200, 560)
set multiplot layout 1, 2 margins 0.08, 0.985, 0.13, 0.81 spacing 0.09, 0 \
    title "{/:Bold=19 Twisted SMC against the exact posterior}"
set logscale xy
set xlabel 'particles' offset 0, 0.3
set xtics (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
stats dir.'/rate.dat' using 1 nooutput
set xrange [STATS_min/1.3:STATS_max*1.3]
set title "{/:Bold distance ω of (T30.2)}"
set yrange [0.3/sqrt(6*STATS_max):3/sqrt(6*STATS_min)]
set ytics add (0.005, 0.02, 0.05, 0.2)
set key top right
plot 1/sqrt(6*x) with lines linecolor rgb black title 'as many exact draws: 1/√(6n)', \
     2/sqrt(6*x) with lines linecolor rgb grey dashtype 2 title 'twice that', \
     dir.'/rate.dat' using 1:2:3 with yerrorbars linetype 1 title 'SMC', \
     '' using 1:2 with lines linetype 1
set title "{/:Bold of the particles}"
set yrange [STATS_min/4:STATS_max*1.3]
set ytics (8, 32, 128, 512, 2048)
set key bottom right
plot x with lines linecolor rgb grey dashtype 2 title 'all', \
     dir.'/rate.dat' using 1:5 with linespoints linetype 2 title 'effective at the end (8.18)', \
     '' using 1:6 with linespoints linetype 3 title 'first ancestors with descendants'
unset multiplot
