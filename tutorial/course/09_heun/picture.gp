# alt: Left, nine lines run from nine points at t = 1 to the two humps of the data at t = 0; none
# crosses another, and each ends in a ring, which is where the library's flow ends. Right, on
# logarithmic scales, the error against the number of steps: your line falls with the slope 2, those
# of Euler and of the old time with little more than 1, and that of the whole g² stays level.
dir = '.'
load 'plots/style.gp'
eval canvas(1280, 540)
set output png
set multiplot layout 1,2
set lmargin at screen 0.08
set rmargin at screen 0.39
set title 'nine points along the flow'
set xlabel 'time t (the way back runs to the right)'
set ylabel 'x' offset 1, 0
set xrange [1:-0.02]
set yrange [-2:2]
plot for [i = 2:10] dat index 0 using 1:i with lines linewidth 1.6 linecolor rgb blue, \
     dat index 1 using 1:2 with points pointtype 6 pointsize 1.5 linewidth 1.6 linecolor rgb black
set lmargin at screen 0.47
set rmargin at screen 0.745
set title 'mean error of the nine ends'
set xlabel 'steps'
set ylabel ''
set xrange [20:250]
set yrange [*:*]
set logscale xy
set xtics (25, 50, 100, 200)
set format y '10^{%T}'
set key outside right center
plot dat index 2 using 1:5 with linespoints linetype 5 title 'g² for ½g²', \
     dat index 2 using 1:3 with linespoints linetype 2 title "Euler's steps", \
     dat index 2 using 1:4 with linespoints linetype 4 title 'the old time twice', \
     dat index 2 using 1:2 with linespoints linetype 1 title 'your steps'
unset multiplot
