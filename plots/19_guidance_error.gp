load 'plots/style.gp'

# alt: Three panels: errors of learnt scores fall with time; guided samples become more sure of
# the class as the scale grows; beyond a scale of 2 all are further from the tilted law, learnt
# scores most.

# Left: the error of the learned conditional scores. Middle: how sure an observer is of y. Right: the energy distance.

set output dir.'/19_guidance_error.png'
eval canvas(1350, 560)
set multiplot layout 1, 3 margins 0.06, 0.985, 0.13, 0.74 spacing 0.07, 0 \
    title "{/:Bold=19 The learned scores, and what guidance makes of exact and learned ones}"
set logscale xy 10
set format y '10^{%L}'
set xlabel 't' offset 0, 0.3
set title "{/:Bold E|s − exact|² / E|exact|²}"
set xrange [0.0009:1.1]
set key bottom left Left reverse
plot dir.'/fisher.dat' using 1:2 with linespoints linetype 1 title 'told network', \
     '' using 1:3 with linespoints linetype 2 title 'p(x) + classifier', \
     '' using 1:4 with linespoints linetype 3 title 'exact + classifier'
unset logscale
unset key
set format y '%g'
set xlabel 'γ' offset 0, 0.3
set xrange [-0.15:4.15]; set yrange [*:*]
set title "{/:Bold E p(y|x)}"
plot dir.'/energy.dat' using 1:10 with linespoints linecolor rgb black title 'p(x) p(y|x)^γ', \
     for [w = 0:5] '' using 1:(column(11 + w)) with linespoints linetype w/2+1 dashtype w%2+1
set title "{/:Bold energy distance to p(x) p(y|x)^γ}"
plot dir.'/energy.dat' using 1:(6*$2) with filledcurves y1=0 linecolor rgb pale fillstyle solid 0.8, \
     for [w = 0:5] '' using 1:(column(3 + w)) with linespoints linetype w/2+1 dashtype w%2+1
eval legend_band(0.83, 0.9)
plot 2 with lines linecolor rgb black title 'p(x) p(y|x)^γ', \
     2 with lines linetype 1 title 'exact, SDE', 2 with lines linetype 1 dashtype 2 title 'exact, flow', \
     2 with lines linetype 2 title 'told, SDE', 2 with lines linetype 2 dashtype 2 title 'told, flow', \
     2 with lines linetype 3 title 'classifier, SDE', 2 with lines linetype 3 dashtype 2 title 'classifier, flow', \
     2 with filledcurves linecolor rgb pale fillstyle solid 0.8 title '6 × two exact sets'
unset multiplot
