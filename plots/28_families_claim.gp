load 'plots/style.gp'

# alt: Left: where three families spend a uniform time, on the scale of noise. Right: errors that
# differ for VP, sub-VP and VE with uniform t become alike with uniform log-SNR.

# Left: where on the scale of noise a uniform t falls. Middle and right: what was learnt. Bars: ± 2 standard errors of
# the difference to VP under the same keys.

set output dir.'/28_families_claim.png'
eval canvas(1350, 560)
set multiplot layout 1, 3 margins 0.055, 0.985, 0.13, 0.74 spacing 0.065, 0 \
    title "{/:Bold=19 Three families trained alike: the clock and the ruler decide, not the family}"
array hue[3] = [0x0072B2, 0xE69F00, 0x009E73]
set title "{/:Bold density of a uniform t over log-SNR}"
set xlabel 'log-SNR' offset 0, 0.3
set xrange [-8:9.5]; set yrange [0:0.14]
unset key
set label 1 'small noise' at 9.2, 0.132 right textcolor rgb grey
set object 1 rectangle from 4.605, 0 to 9.21, 0.14 fillcolor rgb pale fillstyle solid 0.5 noborder behind
plot for [f = 1:3] dir.'/clocks.dat' using 1:(column(1 + f)) with lines linecolor rgb hue[f] linewidth 3, \
     1 / (2 * log(5000.)) with lines linecolor rgb black dashtype 2
unset label 1
unset object 1
set xlabel "output, and what is uniform" offset 0, 0.3
set logscale y
set xrange [-0.6:3.6]
set xtics ("ε, t" 0, "F, t" 1, "ε, λ" 2, "F, λ" 3)
array what[2] = ['KL: NLL − entropy, millinats', 'energy distance, × 1000']
do for [y = 0:1] {
    set title "{/:Bold ".what[y + 1]."}"
    set yrange [(y ? 0.05 : 100):(y ? 20 : 2000)]
    plot for [f = 0:2] dir.'/families.dat' using (int($0) % 3 == f && $0 < 12 ? int($0) / 3 + 0.2 * (f - 1) : 1/0): \
         (column(3 * y + 1)):(2 * column(3 * y + 3)) with yerrorbars pointtype 7 pointsize 1.5 linewidth 2 linecolor rgb hue[f + 1]
}
unset logscale
eval legend_band(0.83, 0.9)
plot 2 with lines linecolor rgb hue[1] linewidth 3 title 'VP', 2 with lines linecolor rgb hue[2] linewidth 3 title 'sub-VP', \
     2 with lines linecolor rgb hue[3] linewidth 3 title 'VE', 2 with lines linecolor rgb black dashtype 2 title 'uniform log-SNR'
unset multiplot
