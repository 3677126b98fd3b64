load 'plots/style.gp'

# alt: Left: the variance of ULA climbs with the step from 1 to 5, on the curve of its formula; MALA's stays at 1. Right:
# two far humps of weights .2 and .8; a walk at one level has all walkers in the left one, an annealed one has both.

# What a finite step costs ULA and not MALA; and two far humps, by a walk at one noise level and at ten that fall.

set output dir.'/03_langevin_steps.png'
eval canvas(1100, 520)
set multiplot
set tmargin at screen 0.89
set bmargin at screen 0.13
set lmargin at screen 0.06
set rmargin at screen 0.47
set title "{/:Bold=17 A finite step makes ULA too wide}"
set xlabel 'step γ' offset 0, 0.4
set ylabel 'variance' offset 1, 0
set xrange [0:1.7]; set yrange [0:6]
set xtics 0.4; set ytics 1
set key top left Left reverse
plot 1/(1 - x/2) with lines linecolor rgb black title '1/(1 - γ/2)', \
     1 with lines linecolor rgb grey dashtype 2 title 'of p', \
     dir.'/curve.dat' using 1:2 with points linetype 4 pointsize 1.6 title 'ULA', \
     '' using 1:3 with points linetype 1 pointsize 1.3 title 'MALA'
set lmargin at screen 0.56
set rmargin at screen 0.985
set title "{/:Bold=17 Far humps want noise that falls slowly}"
set xlabel 'x'
set ylabel 'density'
set xrange [-10:10]; set yrange [0:0.55]
set xtics 5; set ytics 0.1
set key top right noreverse Right
plot dir.'/humps.dat' every ::2000::3999 using 1:(3./2000) bins binrange [-10:10] binwidth=1./3 with boxes linetype 6 fillstyle solid 0.45 title 'ten levels, from 20 to 0.5', \
     '' every ::0::1999 using 1:(3./2000) bins binrange [-10:10] binwidth=1./3 with histeps linetype 4 title 'one level, begun on the left', \
     (0.2*exp(-(x + 6)**2/2) + 0.8*exp(-(x - 6)**2/2))/sqrt(2*pi) with lines linecolor rgb black title 'p'
unset multiplot
