load 'plots/style.gp'

# alt: Above, dots of hidden noise against the noisy point lie on two slanted lines. Their means in
# slices of x lie on the bent curve of the exact score; a straight line, the bad score, misses them.
# Below, a grey hill about x = 0, the floor, and on both its slopes an orange strip, the excess.

# One hidden noise, what slices of x learn of it, the score's curve and a bad one; below, where along x each loss arises.

set output dir.'/04_denoising_rules.png'
eval canvas(900, 820)
set multiplot
set lmargin at screen 0.10
set rmargin at screen 0.98
set xrange [-1.46:1.46]
set bmargin at screen 0.40
set tmargin at screen 0.93
set title "{/:Bold=17 The best guess of the hidden noise is -{/:Italic s} times the score}"
set ylabel 'noise ε'
set yrange [-3.4:5.6]
set ytics 2
set format x ''
set key top left Left reverse width -6
plot dir.'/dots.dat' using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#b8b8b8' title 'draws: two noises behind each x', \
     dir.'/slices.dat' using 1:4 with lines linetype 2 title 'a bad score, times -{/:Italic s}', \
     dir.'/slices.dat' using 1:3 with lines linecolor rgb black linewidth 2.5 title 'the exact score, times -{/:Italic s}', \
     dir.'/slices.dat' using 1:2 every ::1::30 with points linetype 1 title 'mean noise of a slice'
unset title
set format x '%g'
set bmargin at screen 0.085
set tmargin at screen 0.37
set xlabel 'x'
set ylabel 'loss, per unit of x' offset 2, 0
set yrange [0:0.78]
set ytics 0.2
set key top left Left reverse
plot dir.'/slices.dat' every ::1::30 using 1:5:($5+$6) with filledcurves linetype 2 fillstyle solid 0.45 title 'excess: what the bad score misses', \
     dir.'/slices.dat' every ::1::30 using 1:5 with filledcurves y1=0 linecolor rgb '#555555' fillstyle solid 0.35 title 'floor: what nobody can know'
unset multiplot
