load 'plots/style.gp'

# alt: Left: the time of a step grows with the dimension for implicit score matching, and hardly
# for the others. Right: errors of the scores fall with time; explicit matching has the least, the
# sliced losses the largest.

# Left: milliseconds of a training step against the dimension: ISM carries d tangents, the others
# none or one. Right: after equal steps, the Fisher divergence to the exact score, by t.

eval canvas(1250, 600)
set output dir.'/13_score_matching_cost.png'
losses = "'ESM' 'ISM' 'SSM' 'SSM-VR' 'DSM' 'energy, DSM' 'energy, SSM-VR'"
array colour[7] = [black, vermilion, orange, purple, blue, green, sky]
array mark[7] = [6, 5, 7, 9, 13, 11, 4]
set multiplot title "{/:Bold=19 What a loss costs, and what it teaches in equal steps}"
set tmargin at screen 0.76
set bmargin at screen 0.125
unset key

set lmargin at screen 0.085
set rmargin at screen 0.48
set title "{/:Bold time of a step} (batch 64, K = 1)"
set logscale xy
set xrange [1.6:165]
set xtics (2, 8, 32, 128)
set format y '%g'
set xlabel 'dimension d'
set ylabel 'milliseconds'
plot for [i = 1:7] dir.'/cost.dat' using 1:(column(i + 1)) with linespoints \
    linecolor rgb colour[i] pointtype mark[i] pointsize 1.3

set lmargin at screen 0.575
set rmargin at screen 0.98
set title "{/:Bold Fisher divergence to the exact score}, d = 2"
set xrange [0.009:1.1]
set xtics (0.01, 0.03, 0.1, 0.3, 1)
set format y '10^{%T}'
set xlabel 'diffusion time t'
set ylabel 'E‖score - exact‖²' offset 0.5, 0
plot for [i = 1:7] dir.'/fisher.dat' using 1:(column(i + 1)) with linespoints \
    linecolor rgb colour[i] pointtype mark[i] pointsize 1.1

eval legend_band(0.82, 0.94)
set key maxrows 2
plot for [i = 1:7] NaN with linespoints linecolor rgb colour[i] pointtype mark[i] pointsize 1.2 title word(losses, i)
unset multiplot
