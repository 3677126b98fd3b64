load 'plots/style.gp'

# alt: For three data sets, distance to the data against evaluations for ten methods. Methods of
# higher order reach the level of exact samples within 10 to 50 evaluations, others need hundreds.

# Learned scores of three data sets: how far samples are from data, by evaluations. The black line is what two
# exact sets read, the dashed one is 1.5 of it.

set output dir.'/17_samplers_race.png'
eval canvas(1400, 640)
set multiplot layout 1, 3 margins 0.05, 0.98, 0.30, 0.84 spacing 0.05, 0 \
    title "{/:Bold=19 The race: sliced Wasserstein distance against evaluations of a learned score}"
set logscale xy
set xlabel 'evaluations'
set xrange [4.5:1100]
set xtics (5, 10, 20, 50, 100, 300, 1000)
set yrange [0.015:3]
array colour[10] = [blue, orange, green, vermilion, purple, '#8C510A', sky, black, yellow, grey]
array names[10] = ['Euler–Maruyama', 'ancestral', 'SDE-DPM-Solver++', 'DDIM', 'Heun', 'RK4', 'RK45', 'DPM-Solver-3', 'DPM-Solver++(2M)', 'DPM-Solver++(3M)']
array ids[10] = [0, 2, 3, 5, 7, 8, 9, 12, 13, 14]
do for [s in "ring moons gaussians"] {
    set title "{/:Bold ".s."}"
    stats dir.'/floor_'.s.'.dat' using 1 nooutput name 'F'
    plot for [i=1:10] dir.'/race_'.s.'.dat' using ($1 == ids[i] ? $2 : 1/0):3 with linespoints linetype i linecolor rgb colour[i], \
         F_min with lines linecolor rgb black linewidth 2, 1.5 * F_min with lines linecolor rgb black dashtype 2 linewidth 1.5
}
eval legend_band(0.02, 0.16)
set key maxrows 2
plot for [i=1:10] 1/0 with linespoints linetype i linecolor rgb colour[i] title names[i], 1/0 with lines linecolor rgb black linewidth 2 title 'two exact sets', \
     1/0 with lines linecolor rgb black dashtype 2 linewidth 1.5 title '1.5 of it'
unset multiplot
