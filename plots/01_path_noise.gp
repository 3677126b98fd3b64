load 'plots/style.gp'

# alt: Left: five crooked paths begin at 2 and end around 0, within a band of two standard deviations about the mean.
# Right: noise over signal against time for three families, on a logarithmic axis; all rise, each by a clock of its own.

# One equation, left by its paths and right by what all families share: the noise level that their time tells.

set output dir.'/01_path_noise.png'
eval canvas(1100, 540)
set multiplot
set tmargin at screen 0.89
set bmargin at screen 0.13
set lmargin at screen 0.06
set rmargin at screen 0.47
set title "{/:Bold=17 Five paths of VP from 2}"
set xlabel 't' offset 0, 0.4
set ylabel 'x' offset 1, 0
set xrange [0:1]; set yrange [*<-3:4<*]
set xtics 0.2; set ytics 1
set key bottom left Left reverse
plot dir.'/path.dat' using 1:($2-2*$3):($2+2*$3) with filledcurves linecolor rgb pale fillstyle solid 0.6 title 'm x_0 ± 2 s', \
     for [i = 0:4] '' using 1:4+i with lines linecolor rgb word(blue.' '.orange.' '.green.' '.vermilion.' '.purple, i + 1) linewidth 1 notitle, \
     '' using 1:2 with lines linecolor rgb black title 'm x_0'
set lmargin at screen 0.59
set rmargin at screen 0.985
set title "{/:Bold=17 Three families, three clocks}"
set xlabel 't / T, the share of the time that is over'
set ylabel "σ = s / m" offset 0.6, 0
set logscale y
set format y '10^{%T}'
set yrange [1e-3:1e4]; set ytics 10
set key top left Left reverse maxrows 4
plot for [i = 0:2] dir.'/curve.dat' using 1:2+i with lines linetype i + 1 title word('VP EDM rectified', i + 1), \
     1 with lines linecolor rgb black dashtype 2 linewidth 1 title 'as much noise as signal'
unset multiplot
