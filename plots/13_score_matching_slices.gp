load 'plots/style.gp'

# alt: Left: four straight lines fall as one over the number of directions. Right: the gain by
# variance reduction follows (d + 2)/4 and is less than 1 for d = 1.

# Left: what K directions add to the variance of a sliced loss, dots, and 2 Σ M² / K, lines. Right:
# where replacing (v·s)² by its mean pays: SSM's variance over that of SSM-VR, for Gaussian v.

eval canvas(1250, 560)
set output dir.'/13_score_matching_slices.png'
data = dir.'/slices.dat'
laws = "'SSM, v = ±1' 'SSM, Gaussian v' 'SSM-VR, v = ±1' 'SSM-VR, Gaussian v'"
array colour[4] = [vermilion, orange, blue, sky]
set multiplot title "{/:Bold=19 The price of looking along a few directions only}"
set tmargin at screen 0.80
set bmargin at screen 0.135

set lmargin at screen 0.09
set rmargin at screen 0.51
set title "{/:Bold the variance falls as 1/K}"
set logscale xy
set xrange [0.85:38]
set yrange [0.004:40]
set xtics (1, 2, 4, 8, 16, 32)
set format y '10^{%T}'
set xlabel 'directions K'
set ylabel 'variance over v, at λ = 1'
set key bottom left Left reverse
plot for [c = 1:4] data using 1:(column(2*c + 1)) with lines linecolor rgb colour[c] linewidth 1.5, \
     for [c = 1:4] data using 1:(column(2*c)) with points pointtype 7 pointsize 1.4 linecolor rgb colour[c], \
     for [c = 1:4] NaN with linespoints pointtype 7 linecolor rgb colour[c] title word(laws, c)

set lmargin at screen 0.60
set rmargin at screen 0.98
set title "{/:Bold variance reduction pays above d = 2}"
set format y '%g'
set xrange [0.85:38]
set yrange [0.5:20]
set ytics (0.5, 1, 2, 4, 8, 16)
set xlabel 'dimension d'
set ylabel 'variance of SSM / SSM-VR' offset 1, 0
set key top left Left reverse
plot 1 with lines linecolor rgb grey dashtype 2 title 'no difference', \
     (x + 2) / 4 with lines linecolor rgb black title '(d + 2)/4', \
     dir.'/reduction.dat' using 1:2:4 with yerrorbars pointtype 7 pointsize 1.4 linecolor rgb orange \
         title 'Gaussian v, exact score of N(0, I)'
unset multiplot
