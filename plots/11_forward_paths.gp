load 'plots/style.gp'

# alt: Eight random paths from 4 under VP, sub-VP and VE. The first two fall into a band around 0;
# those of VE stay around 4 until late and then scatter over a hundred.

# Eight paths of three processes, all driven by the same noise: what differs is what f and g make of it.

eval canvas(1200, 560)
set output dir.'/11_forward_paths.png'
bands = dir.'/kernel_bands.dat'; paths = dir.'/paths.dat'

names = "'VP: forgets x_0, std → 1' 'sub-VP: same mean, later noise' 'VE: keeps x_0, std → 50'"
array family[3] = [1, 3, 5]
colours = blue.' '.orange.' '.green.' '.vermilion.' '.purple.' '.sky.' '.grey.' '.black

unset key
set multiplot layout 1, 3 margins 0.055, 0.985, 0.135, 0.77 spacing 0.05, 0 \
    title "{/:Bold=19 The same noise, three processes: eight paths from x_0 = 4}"
set xrange [0:1]
set xtics 0.25
set xlabel 'diffusion time t'
do for [k = 1:3] {
    j = family[k]; c = 5 * (j - 1); p = 2 + 8 * (j - 1)
    set title "{/:Bold ".word(names, k)."}"
    set yrange [k < 3 ? -4 : -130 : k < 3 ? 6 : 130]
    set ytics k < 3 ? 2 : 50
    set ylabel k == 1 ? 'x' : '' offset 1, 0
    plot bands using c+1:(4*column(c+2)-2*column(c+3)):(4*column(c+2)+2*column(c+3)) \
             with filledcurves linecolor rgb pale fillstyle solid 0.6, \
         for [i = 0:7] paths using 1:p+i with lines linewidth 1.1 linecolor rgb word(colours, i + 1), \
         bands using c+1:(4*column(c+2)) with lines linecolor rgb black linewidth 2.5 dashtype 2
}
eval legend_band(0.85, 0.92)
plot 2 with filledcurves linecolor rgb pale fillstyle solid 0.6 title 'band of 95 %, 4m ± 2s', \
     2 with lines linecolor rgb black linewidth 2.5 dashtype 2 title 'mean 4m'
unset multiplot
