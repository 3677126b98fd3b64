# alt: Operations per second against the side of the matrices, from 8 to 160: the plain triple loop
# stays at the bottom, yours lies some times higher, below a dashed line, the roof: what the same
# compiler reaches with eight sums at a time, whose numbers are at hand.
if (!exists('dir')) dir = '.'
load 'plots/style.gp'
eval canvas(900, 520)
set output png
set title '{/:Bold=16 A matrix product under its roof}'
set xlabel 'side of the matrices'
set ylabel 'GFLOP/s'
set xrange [0:165]
set yrange [0:*]
set key bottom right
plot dat using 1:4 with lines linecolor rgb black dashtype 2 title 'roof: eight sums, numbers at hand', \
     dat using 1:3 with linespoints linetype 1 title 'yours', \
     dat using 1:2 with linespoints linetype 2 title 'plain triple loop'
