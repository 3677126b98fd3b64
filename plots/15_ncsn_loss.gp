load 'plots/style.gp'

# alt: Left: the loss drops at once to a floor at .33 and stays there. Right: what is above the
# floor goes on falling for 600 epochs, until it is lost in noise.

# The lesson's training, and how little of its loss can be removed. On the right, each point is a mean over
# 600 000 draws, whose loss scatters by 0.5: it is known to 0.5/√600000.

set output dir.'/15_ncsn_loss.png'
eval canvas(1200, 540)
set multiplot layout 1, 2 margins 0.07, 0.985, 0.14, 0.80 spacing 0.1, 0 \
    title "{/:Bold=19 NCSN on eight Gaussians: most of the loss is floor}"
set xlabel 'epochs (117 steps of batch 512)'
set ylabel 'mean loss of 10 epochs'
stats dir.'/loss.dat' using 1 nooutput
set xrange [0:STATS_max * 1.01]
set yrange [0:0.56]
set key bottom left Left reverse
set title "{/:Bold loss and floor}"
plot dir.'/loss.dat' using 1:3:2 with filledcurves linecolor rgb sky fillstyle solid 0.4 title 'excess: not yet learnt', \
     '' using 1:2 with lines linetype 1 title 'loss', \
     '' using 1:3 with lines linecolor rgb black dashtype 2 linewidth 2 title 'floor: the exact score', \
     0.5 with lines linecolor rgb grey dashtype 3 linewidth 2 title 'a network that says nothing'
set title "{/:Bold the excess alone}"
set ylabel 'loss − floor'
a = 5e-4 # linear below, logarithmic above, so that what falls below 0 is seen too
set nonlinear y via asinh(y / a) inverse a * sinh(y)
set yrange [-2e-3:0.1]
set ytics ('−10^{−3}' -1e-3, '0' 0, '10^{−3}' 1e-3, '10^{−2}' 1e-2, '10^{−1}' 1e-1)
set key top right noreverse Right
plot dir.'/loss.dat' using 1:4 with points linetype 1 pointsize 0.8 title 'excess', \
     6.5e-4 with lines linecolor rgb grey dashtype 3 title 'noise of such a mean', \
     -6.5e-4 with lines linecolor rgb grey dashtype 3 notitle
unset multiplot
