load 'plots/style.gp'

# alt: A moving histogram: one hump of noise splits into two peaks and settles on the curve of the
# data's density.

# The histogram on its way from noise to two peaks, as an animated GIF.

set terminal gif animate delay 8 loop 0 size 640,400 enhanced font 'Sans,12' background '#ffffff'
set output dir.'/16_gmm1d_film.gif'
stats dir.'/reverse.dat' using 1 nooutput
frames = int(STATS_records / 120)
set xlabel 'x'
set ylabel 'density'
do for [k = 0:frames - 1] {
    set autoscale
    stats dir.'/reverse.dat' every ::120 * k::120 * k using 1 nooutput name 'F'
    set xrange [-4.5:4.5]
    set yrange [0:0.55]
    set title sprintf("t = %.2f", F_min)
    plot dir.'/reverse.dat' every ::120 * k::120 * k + 119 using 2:3 with boxes linetype 1 fillstyle solid 0.6, \
         dir.'/density.dat' using 1:3 with lines linecolor rgb black linewidth 2 title 'data'
}
