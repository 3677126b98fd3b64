load 'plots/style.gp'

# alt: The training loss falls from 1.0 to .74 and stays above a dashed floor at .65. Circles, the
# published losses, lie on the curve.

# The document's loss, row by row, ours, and the floor that neither can cross: what matters is the excess.

set output dir.'/14_circle_loss.png'
eval canvas(1000, 560)
$document << EOD
5000 1.013629
10000 .869420
15000 .815488
20000 .787861
25000 .761295
30000 .751818
35000 .750592
40000 .747150
45000 .739544
50000 .741000
55000 .730837
60000 .731699
EOD
set title "{/:Bold=17 Eight points on a circle: a loss says little until you know its floor}"
set xlabel 'training steps (batch 8)'
set ylabel 'mean loss of the last 5000 steps'
set format x "%.0s %c"
set xrange [0:62000]
set yrange [0.6:1.05]
set key top right
plot dir.'/loss.dat' using 1:3:2 with filledcurves linecolor rgb sky fillstyle solid 0.25 title 'excess: what the network has not learnt', \
     '' using 1:2 with linespoints linetype 1 title 'first rung', \
     $document using 1:2 with points pointtype 6 pointsize 1.9 linewidth 2 linecolor rgb vermilion title "Gangloff's table", \
     dir.'/loss.dat' using 1:3 with lines linecolor rgb black dashtype 2 title 'floor: the exact score'
