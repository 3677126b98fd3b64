load 'plots/style.gp'

# alt: Forty paths from noise to data for four flows. They bend for VP and for lines, and are
# almost straight where the pairs were chosen.

# Forty paths of four flows from noise (light) to data (dark): the same forty noises but for their scale.

set output dir.'/32_flow_matching_paths.png'
eval canvas(1350, 440)
unset key
set multiplot layout 1, 4 margins 0.035, 0.99, 0.09, 0.79 spacing 0.028, 0 \
    title "{/:Bold=19 Lines are straight, the flow through them is not, unless the pairs are chosen}"
set xrange [-2.7:2.7]; set yrange [-2.7:2.7]
set size ratio -1
set xtics 2; set ytics 2
set palette defined (0 '#08306b', 0.4 '#1f6eb3', 0.75 '#6aaed6', 1 '#d6e6f4')
unset colorbox
set cbrange [0:1]
array files[4] = ['vp', 'exact', 'lines', 'pairs']
array titles[4] = ['VP, exact score', 'lines, exact velocity', 'lines, network', 'chosen pairs, network']
do for [f = 1:4] {
    set title "{/:Bold ".titles[f]."}"
    plot for [i = 0:39] dir.'/paths_'.files[f].'.dat' using 2+2*i:3+2*i:1 with lines linewidth 1 palette, \
         for [i = 0:39] '' using 2+2*i:3+2*i every ::80 with points pointtype 7 pointsize 0.5 linecolor rgb vermilion
    set format y ''
}
unset multiplot
