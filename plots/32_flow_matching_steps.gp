load 'plots/style.gp'

# alt: Distance to the data against evaluations. Straight lines win with few steps; with chosen
# pairs even two evaluations are better than eight of the others.

# Energy distance against evaluations: left with exact scores, right with networks that were trained alike.

set output dir.'/32_flow_matching_steps.png'
eval canvas(1200, 560)
set multiplot layout 1, 2 margins 0.085, 0.985, 0.12, 0.74 spacing 0.06, 0 \
    title "{/:Bold=19 Few steps: what straight lines win, and what chosen pairs win}"
set logscale xy
set xlabel 'evaluations' offset 0, 0.3
set ylabel 'energy distance to data' offset 0.5, 0
set xrange [1.8:71]; set yrange [0.0002:1]
set xtics (2, 4, 8, 16, 32, 64)
set format y '10^{%L}'
unset key
floor = "dir.'/steps.dat' using 1:2 with filledcurves y1=0.0001 linecolor rgb pale fillstyle solid 0.8"
set title "{/:Bold exact scores}"
plot @floor, for [w = 0:3] '' using 1:3+w with linespoints linetype w+1
unset ylabel
set title "{/:Bold networks, trained alike}"
plot @floor, for [w = 0:4] '' using 1:7+w with linespoints linetype (w == 4 ? 5 : w+1)
eval legend_band(0.815, 0.915)
set key maxrows 2
plot 2 with filledcurves linecolor rgb pale fillstyle solid 0.8 title 'two exact sets', \
     2 with linespoints linetype 1 title 'lines, Euler', 2 with linespoints linetype 2 title 'VP, Euler in t', \
     2 with linespoints linetype 3 title 'VP, DDIM, even t', 2 with linespoints linetype 4 title 'VP, DDIM, even log SNR', \
     2 with linespoints linetype 5 title 'chosen pairs, Euler'
unset multiplot
