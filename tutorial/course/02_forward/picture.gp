# alt: Six paths come into the band m x0 +- s; V at t = 1 comes to 1, or to 0 without the root
dir = '.'
load 'plots/style.gp'
eval canvas(1000, 500)
set output png
set multiplot layout 1,2
set title 'Six of your paths, and where two of three are'
set xlabel 't'; set ylabel 'x'
set xrange [0:1]; set yrange [-3.2:4.6]
only(k, v) = column(1) == k ? v : NaN
set key right top
plot dat using (only(1, column(2))):($3 - $4):($3 + $4) with filledcurves lc rgb '#bbbbbb' \
    fs solid 0.6 title 'm x_0 ± s', \
    for [c=5:10] dat using (only(1, column(2))):c with lines lt c - 4 lw 1 title '', \
    dat using (only(1, column(2))):3 with lines lc rgb black lw 3 title 'm x_0'
set title 'Variance at t = 1'
set xlabel 'steps'; set ylabel 'V'
set logscale xy; set xrange [8:3200]; set yrange [1e-4:1e3]
set format y '10^{%T}'
plot dat using (only(2, column(2))):3 with lines lc rgb blue title 'your forward\_law', \
    dat using (only(2, column(2))):4 with points lc rgb black pt 7 title 'exact', \
    dat using (only(2, column(2))):5 with linespoints lc rgb vermilion title 'root forgotten'
unset multiplot
