load 'plots/style.gp'

# alt: Three curves with dots on them: the bias of ULA grows with the step and MALA's is noise;
# MALA's acceptance falls with the step; a walk is worth most where some .57 of the moves are
# accepted.

# What a step costs: ULA in bias, MALA in rejections, and both in the worth of a walk.

set output dir.'/12_langevin_bias.png'
eval canvas(1350, 520)
set multiplot layout 1, 3 margins 0.05, 0.985, 0.15, 0.80 spacing 0.075, 0 \
    title "{/:Bold=19 The step γ: ULA pays for it in bias, MALA in rejections}"
set logscale x 2
set xrange [0.04:2]
set xtics ('0.05' 0.05, '0.1' 0.1, '0.2' 0.2, '0.4' 0.4, '0.8' 0.8, '1.6' 1.6)
set xlabel 'step γ'
set title "{/:Bold variance at rest on N(0,1), less 1}"
set logscale y 10
set yrange [1e-5:1e4]
set format y '10^{%T}'
set key top left Left reverse
plot 1 / (1 - x / 2) - 1 with lines linecolor rgb black title '1/(1 − γ/2) − 1, (6.4)', \
     dir.'/bias.dat' using 1:($2-1) with points linetype 2 title 'ULA', \
     '' using 1:(abs($4-1)) with points linetype 1 title 'MALA, either sign', \
     '' using 1:5 with lines linecolor rgb grey dashtype 2 title 'its standard error'
unset logscale y
set format y '%g'
set title "{/:Bold acceptance of MALA on N(0,1)}"
set yrange [0.5:1.03]
set key bottom left Left reverse
plot 1 - 2 / pi * atan((x / 2) ** 1.5) with lines linecolor rgb black title 'closed form (T12.1)', \
     dir.'/bias.dat' using 1:6 with points linetype 1 title 'MALA'
unset logscale x
set title "{/:Bold 1000 steps in 50 dimensions}"
set xrange [0.1:0.95]
set xtics 0.2
set yrange [0:165]
set xlabel 'acceptance'
set ylabel 'worth in independent points' offset -0.2, 0
set key at 0.93, 14 right bottom Left reverse
set arrow from 0.574, 0 to 0.574, 165 nohead linecolor rgb grey dashtype 2
set label '0.574' at 0.59, 157 textcolor rgb '#555555'
plot dir.'/worth.dat' every ::0::11 using 2:3 with linespoints linetype 1 title 'steps tried', \
     '' every ::12::12 using 2:3 with points linetype 4 pointsize 2 title 'found by (6.7)'
unset multiplot
