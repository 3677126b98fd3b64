load 'plots/style.gp'

# alt: Two humps at four times: they melt together and end as one bell curve. Histogram, exact
# density and the solution of the Fokker–Planck equation lie on one another.

# Three ways to the same density: solve the equation, write down the mixture, let 20 000 paths run.

eval canvas(1000, 720)
set output dir.'/11_forward_fokker_planck.png'
data = dir.'/fokker_planck.dat'

array T[4] = ['1/8', '1/4', '3/8', '1']
unset key
set multiplot layout 2, 2 margins 0.085, 0.98, 0.105, 0.80 spacing 0.075, 0.14 \
    title "{/:Bold=19 Two humps at ±2 become noise: VP, β from 0.1 to 20}"
set xrange [-5:5]
set xtics 2
set yrange [0:0.45]
set ytics 0.1 format '%.1f'
do for [k = 1:4] {
    c = 2 + 3 * (k - 1)
    set title "{/:Bold t = ".T[k]."}"
    set xlabel k > 2 ? 'x' : '' offset 0, 0.3
    set ylabel k % 2 ? 'density p_t(x)' : '' offset 0.5, 0
    plot data using 1:c+2 with filledcurves y1=0 linecolor rgb sky fillstyle solid 0.35, \
         '' using 1:c+1 with lines linecolor rgb black linewidth 3, \
         '' using 1:c with lines linecolor rgb orange linewidth 2 dashtype (8, 8)
}
eval legend_band(0.87, 0.93)
plot 2 with filledcurves linecolor rgb sky fillstyle solid 0.35 title 'histogram of paths', \
     2 with lines linecolor rgb black linewidth 3 title 'exact p_t', \
     2 with lines linecolor rgb orange dashtype (8, 8) title 'Fokker–Planck, grid'
unset multiplot
