load 'plots/style.gp'

# alt: Left: eight points on a circle and a thousand samples, nearly all of them within a dot's width of a point; three
# crooked paths lead to them from all over the plane. Right: the loss falls within 8000 steps to just above its floor.

# What the model was shown, what it draws and by which paths; and how its loss came down to the floor.

set output dir.'/00_micro_ring.png'
eval canvas(1100, 580)
floor = real(system("awk -F'\t' '$1 == \"floor\" {print $2}' '".dir."/checks.tsv'"))
set multiplot
set tmargin at screen 0.91
set bmargin at screen 0.09
set lmargin at screen 0.045
set rmargin at screen 0.485
set title "{/:Bold=17 1000 samples, and three on their way}"
set xrange [-2:2]; set yrange [-2.35:2]
set xtics 1; set ytics -2, 1, 2
set key at graph 0.03, 0.02 bottom left Left reverse width 1 maxrows 1
plot dir.'/micro.dat' index 2 every :::0::2 using 1:2:(column(-1)+2) with lines linecolor variable linewidth 0.9 notitle, \
     dir.'/micro.dat' index 2 every 1:1:0:0:0:2 using 1:2 with points pointtype 5 pointsize 1 linecolor rgb black title 'begin', \
     dir.'/micro.dat' index 2 every :::8 using 1:2 with points linetype 1 pointsize 0.45 title 'samples', \
     dir.'/micro.dat' index 0 with points pointtype 6 pointsize 2.4 linewidth 1.8 linecolor rgb black title 'data'
set lmargin at screen 0.58
set rmargin at screen 0.97
set bmargin at screen 0.13
set title "{/:Bold=17 Down to the floor}"
set xrange [0:8000]; set yrange [0.15:0.85]
set xtics 2000; set ytics 0.1
set xlabel 'step' offset 0, 0.4
set ylabel 'loss' offset 1, 0
set key at graph 0.98, 0.97 top right width -2 maxrows 3
set label 1 sprintf('floor %.3f: the best guess there is', floor) at 7800, floor offset 0, -1 right textcolor rgb black
plot dir.'/micro.dat' index 1 using 1:2:(floor) with filledcurves linecolor rgb orange fillstyle solid 0.35 title 'excess: what is left to learn', \
     dir.'/micro.dat' index 1 using 1:2 with lines linetype 1 title 'loss, mean of 100 steps', \
     floor with lines linecolor rgb black linewidth 2
unset multiplot
