load 'plots/style.gp'

# alt: Arrows over the density at three times. Near the data they point to the eight points of a
# circle, later to a ring, at last to the middle of one cloud.

# The learned score as arrows over the exact density, at three times.

set output dir.'/14_circle_field.png'
eval canvas(1200, 500)
times = "0.15 0.4 0.9"
set multiplot layout 1, 3 margins 0.04, 0.99, 0.1, 0.79 spacing 0.045, 0 \
    title "{/:Bold=19 The learned score (arrows) over the exact density (blue)}"
set xrange [-2:2]; set yrange [-2:2]
set size ratio 1
set xtics 1; set ytics 1
unset colorbox; unset grid
set cbrange [0:*]
do for [k = 0:2] {
    set title "{/:Bold t = ".word(times, k + 1)."}"
    # arrows of equal visual weight: the length grows with the fourth root of the score
    length(u, v) = 0.13 * (u*u + v*v + 1e-9)**0.125 / sqrt(u*u + v*v + 1e-9)
    plot dir.sprintf('/density_%d.dat', k) using 1:2:3 with image, \
         dir.sprintf('/field_%d.dat', k) using ($1 - 0.5*$3*length($3,$4)):($2 - 0.5*$4*length($3,$4)):($3*length($3,$4)):($4*length($3,$4)) \
             with vectors head size 0.05,25 filled linewidth 1.1 linecolor rgb '#B0D55E00'[1:0].vermilion
}
unset multiplot
