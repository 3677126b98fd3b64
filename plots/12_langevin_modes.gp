load 'plots/style.gp'

# alt: Walkers at one noise level stay in the mode where they began, half in each. Walkers cooled
# down a ladder of levels end in shares near .2 and .8, as the density has them.

# Two far modes: trapped at one noise level, annealed down a ladder of ten.

set output dir.'/12_langevin_modes.png'
eval canvas(1350, 560)
unset key
set multiplot layout 1, 3 margins 0.05, 0.985, 0.13, 0.77 spacing 0.07, 0 \
    title "{/:Bold=19 Modes at ±6 with weights .2 and .8: a walk at one level cannot find them}"
colours = blue.' '.orange.' '.green.' '.vermilion.' '.purple.' '.sky.' '.grey.' '.black
set yrange [-10:10]
set xlabel 'step' offset 0, 0.3
set ylabel 'x' offset 1.5, 0
set title "{/:Bold one level: 12 walkers}"
set xrange [0:1000]
plot for [i = 0:11] dir.'/trapped_paths.dat' using 1:2+i with lines linewidth 0.8 \
     linecolor rgb word(colours, i % 8 + 1)
set title "{/:Bold 10 levels of 100 steps: 12 walkers}"
set xrange [0:1000]
set yrange [-25:25]
plot for [i = 0:11] dir.'/annealed_paths.dat' using 1:2+i with lines linewidth 0.8 \
     linecolor rgb word(colours, i % 8 + 1)
set title "{/:Bold where they end}"
set xlabel 'x'; set ytics 0.1; set ylabel 'density' offset 1, 0
set xrange [-10:10]; set yrange [0:0.36]
set xtics 5
plot dir.'/modes.dat' using 1:5 with boxes linecolor rgb sky fillstyle solid 0.45, \
     '' using 1:3 with histeps linecolor rgb vermilion linewidth 2, \
     '' using 1:2 with lines linecolor rgb black linewidth 2.5
eval legend_band(0.86, 0.92)
plot 2 with lines linecolor rgb black linewidth 2.5 title 'p', \
     2 with lines linecolor rgb vermilion title 'one level', \
     2 with filledcurves linecolor rgb sky fillstyle solid 0.45 title 'annealed down to σ = ½'
unset multiplot
