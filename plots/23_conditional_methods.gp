load 'plots/style.gp'

# alt: Errors of five ways to sample given a measurement, on three tasks. Only the referee's score
# is at the level of two exact sets; the four approximate methods err ten times as much or more.

# The table: errors of the mean, of the covariance, and the energy distance, for each A and method.

set output dir.'/23_conditional_methods.png'
eval canvas(1350, 560)
set multiplot layout 1, 3 margins 0.06, 0.985, 0.16, 0.74 spacing 0.065, 0 \
    title "{/:Bold=19 Four methods for y = A x + noise, beside the exact posterior}"
set xrange [-0.5:14.7]
set xtics ('mask' 2, 'projection' 7, 'blur' 12)
set logscale y 10
set key off
colour = "black blue sky green vermilion"
shown = "'error of the mean / width' 'error of the covariance' 'energy distance'"
do for [k = 0:2] {
    set title "{/:Bold ".word(shown, k + 1)."}"
    set yrange [*:*]
    plot dir.'/methods.dat' using ($3 == 0 ? 5*$1 + $2 - 0.12 : NaN):(column(4+k) > 0 ? column(4+k) : NaN):($2 + 1) \
         with points pointtype 7 pointsize 1.7 linecolor variable, \
         '' using ($3 == 1 ? 5*$1 + $2 + 0.18 : NaN):(column(4+k) > 0 ? column(4+k) : NaN):($2 + 1) with points pointtype 6 \
         pointsize 1.7 linewidth 2 linecolor variable, \
         '' using (5*$1 + 2):(k == 2 && $2 == 0 ? $7 : NaN):(2.4) with xerrorbars pointtype 0 linecolor rgb grey linewidth 1.5
}
eval legend_band(0.83, 0.9)
plot 2 with points pointtype 7 linetype 1 title "referee's score", 2 with points pointtype 7 linecolor 2 title 'replacement', \
     2 with points pointtype 7 linecolor 3 title 'RePaint', 2 with points pointtype 7 linecolor 4 title 'DPS', \
     2 with points pointtype 7 linecolor 5 title 'ΠGDM', 2 with points pointtype 6 linecolor rgb black title 'learned score', \
     2 with lines linecolor rgb grey title 'two exact sets'
unset multiplot
