load 'plots/style.gp'

# alt: Errors of five outputs against noise, for the score and for the clean point. An output that
# is good at much noise is bad at little, but for v and F, which are good at both.

# Above: learned heads against the exact score; below: the exact score, its output rounded to 11 bits.

set output dir.'/28_families_heads.png'
eval canvas(1350, 900)
set multiplot layout 2, 2 margins 0.075, 0.985, 0.075, 0.83 spacing 0.09, 0.13 \
    title "{/:Bold=19 One error of a head is two errors: of the score and of x_0}"
set logscale y
set format y '10^{%L}'
set xrange [9.6:-8.2]
unset key
set title "{/:Bold learned: error of the score, over its size}"
set yrange [1e-4:100]
plot for [h = 1:5] dir.'/heads.dat' using 1:(column(1 + h)) with linespoints linetype h
set title "{/:Bold learned: error of x_0, over the data's std}"
set yrange [1e-3:100]
plot for [h = 1:5] dir.'/heads.dat' using 1:(column(6 + h)) with linespoints linetype h
set xlabel 'log-SNR: little noise to much' offset 0, 0.3
set title "{/:Bold half precision: error of the score}"
set yrange [1e-7:1]
plot for [h = 1:5] dir.'/half.dat' using 1:(column(1 + h)) with linespoints linetype h
set title "{/:Bold half precision: error of x_0}"
plot for [h = 1:5] dir.'/half.dat' using 1:(column(6 + h)) with linespoints linetype h
unset logscale
eval legend_band(0.89, 0.94)
array what[5] = ['noise', 'score', 'x_0', 'v', 'F']
plot for [h = 1:5] 2 with linespoints linetype h title what[h]
unset multiplot
