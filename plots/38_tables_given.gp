load 'plots/style.gp'

# alt: Left and middle: draws given a size and a colour, and given a height, follow the exact
# conditional laws. Right: imputed values lie on the diagonal against the exact means, within bars
# as long as the exact deviations.

# Draws given some columns against the exact conditional laws; imputed means against the exact ones.

set output dir.'/38_tables_given.png'
eval canvas(1350, 520)
set multiplot layout 1, 3 margins 0.05, 0.985, 0.13, 0.74 spacing 0.075, 0 \
    title "{/:Bold=19 Given some columns: draws of the others}"
set style fill solid 0.3 noborder
set title "{/:Bold height, given size 1.2 and red}"
set xrange [-3:3]; set yrange [0:*]
set xlabel 'height' offset 0, 0.4; set ylabel 'density' offset 1.5, 0
plot dir.'/height.dat' using 1:2 with boxes linecolor rgb blue, \
     '' using 1:2:3 with yerrorbars pointsize 0 linewidth 1 linecolor rgb blue, \
     dir.'/height_exact.dat' using 1:2 with lines linecolor rgb black
set title "{/:Bold count, given height 1}"
set xrange [-0.7:20.5]; set xlabel 'count'
set ylabel 'probability' offset 0.5, 0; set ytics 0.05
set boxwidth 0.8
plot dir.'/count.dat' using 1:2 with boxes linecolor rgb blue, \
     '' using 1:2:3 with yerrorbars pointsize 0 linewidth 1 linecolor rgb blue, \
     '' using 1:4 with points pointtype 7 pointsize 0.8 linecolor rgb black
set boxwidth
set title "{/:Bold one value hidden in each row}"
set xrange [-2.3:6]; set yrange [-3:7]
set xlabel 'exact conditional mean'; set ylabel 'imputed mean and bar' offset 1, 0; set ytics 2
plot dir.'/imputed.dat' using ($1 == 0 ? $2 : NaN):3:4 with yerrorbars \
         pointtype 7 pointsize 0.6 linewidth 1 linecolor rgb orange, \
     '' using ($1 == 1 ? $2 : NaN):3:4 with yerrorbars \
         pointtype 7 pointsize 0.6 linewidth 1 linecolor rgb green, \
     x with lines linecolor rgb black linewidth 1
eval legend_band(0.83, 0.89)
plot 2 with lines linewidth 9 linecolor rgb '#a6cee3' title 'draws', \
     2 with lines linecolor rgb black title 'exact', \
     2 with points pointtype 7 linecolor rgb orange title 'hidden size', \
     2 with points pointtype 7 linecolor rgb green title 'hidden height'
unset multiplot
