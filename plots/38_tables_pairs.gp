load 'plots/style.gp'

# alt: Rows of the table above, samples of the fitted model below: the same three clouds of points
# in the same colours, inside the same exact contours; counts and sizes of samples follow the exact
# laws.

# Rows and samples, pair by pair, with contours of the exact densities (T38.1); two columns alone.

set output dir.'/38_tables_pairs.png'
lines1 = dir.'/size_height.dat'
lines2 = dir.'/height_count.dat'
set contour base
unset surface
set cntrparam bspline
set cntrparam levels discrete 0.01, 0.03, 0.1, 0.2, 0.3
set table $first
splot lines1 matrix using (-2.5 + 5*$1/80):(-3 + 6.2*$2/80):3
unset table
set cntrparam levels discrete 0.003, 0.01, 0.03, 0.06
set table $second
splot lines2 matrix using (-3 + 6.2*$1/80):(20*$2/80):3
unset table
unset contour
eval canvas(1350, 850)
set multiplot layout 2, 3 margins 0.06, 0.985, 0.085, 0.80 spacing 0.08, 0.17 \
    title "{/:Bold=19 A table and what is drawn from its model}"
tint(k) = k < 0.5 ? 0xD55E00 : k < 1.5 ? 0x009E73 : 0x0072B2
set style fill solid 0.3 noborder
do for [w = 0:1] {
    data = dir.(w ? '/samples.dat' : '/rows.dat')
    set title w ? "{/:Bold samples}" : "{/:Bold rows}"
    set xrange [-2.5:2.5]; set yrange [-3:3.2]; set ytics autofreq
    set xlabel 'log size' offset 0, 0.4; set ylabel 'height' offset 1.5, 0
    plot data every ::0::1499 using ($1 > 0 ? log($1) : NaN):2:(tint($4)) with points \
             pointtype 7 pointsize 0.45 linecolor rgb variable, \
         $first using 1:2 with lines linecolor rgb black linewidth 1.2
    set xrange [-3:3.2]; set yrange [-0.7:20]
    set xlabel 'height'; set ylabel 'count' offset 1, 0
    plot data every ::0::1499 using 2:($3 + 0.5*(rand(0) - 0.5)):(tint($4)) with points \
             pointtype 7 pointsize 0.45 linecolor rgb variable, \
         $second using 1:2 with lines linecolor rgb black linewidth 1.2
    if (w) {
        set title "{/:Bold size alone}"
        set xrange [-2.5:2.5]; set yrange [0:*]; set xlabel 'log size'
        set ylabel 'density' offset 0.3, 0; set ytics 0.2
        plot dir.'/sizes.dat' using 1:2 with boxes linecolor rgb blue, \
             '' using 1:3 with lines linecolor rgb black
    } else {
        set title "{/:Bold count alone}"
        set xrange [-0.7:20.5]; set yrange [0:*]; set xlabel 'count'
        set ylabel 'probability' offset 0.3, 0; set ytics 0.05
        set boxwidth 0.8
        plot dir.'/counts.dat' using 1:2 with boxes linecolor rgb blue, \
             '' using 1:3 with points pointtype 7 pointsize 0.8 linecolor rgb black
        set boxwidth
    }
}
eval legend_band(0.87, 0.91)
plot 2 with points pointtype 7 linecolor rgb vermilion title 'red', \
     2 with points pointtype 7 linecolor rgb green title 'green', \
     2 with points pointtype 7 linecolor rgb blue title 'blue', \
     2 with lines linewidth 9 linecolor rgb '#a6cee3' title 'samples', \
     2 with lines linecolor rgb black title 'exact'
unset multiplot
