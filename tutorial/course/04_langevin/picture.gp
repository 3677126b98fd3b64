# alt: Left: the variance of ULA climbs with the step from 1 to 2.5, on the curve 1/(1 - γ/2); that
# of MALA stays at 1. Right: the share of proposals that MALA accepts falls from .99 to .72, as its
# law says.
dir = '.'
load 'plots/style.gp'
eval canvas(1000, 440)
set output png
set multiplot
set tmargin at screen 0.89
set bmargin at screen 0.18
set xlabel 'step γ' offset 0, 0.3
set xrange [0:1.3]
set xtics 0.4
set lmargin at screen 0.065
set rmargin at screen 0.48
set title "{/:Bold Your walks: the variance they keep}"
set yrange [0:3.2]; set ytics 1
set key top left Left reverse
plot 1/(1 - x/2) with lines linecolor rgb black title '1/(1 - γ/2)', \
     1 with lines linecolor rgb grey dashtype 2 title 'of p', \
     dat using 1:2 with points linetype 4 pointsize 1.5 title 'ULA', \
     dat using 1:3 with points linetype 1 pointsize 1.2 title 'MALA'
set lmargin at screen 0.57
set rmargin at screen 0.985
set title "{/:Bold What MALA accepts}"
set yrange [0.6:1]; set ytics 0.1
set key bottom left Left reverse
plot 1 - 2/pi*atan((x/2)**1.5) with lines linecolor rgb black title 'the law', \
     dat using 1:4 with points linetype 1 pointsize 1.2 title 'MALA'
unset multiplot
