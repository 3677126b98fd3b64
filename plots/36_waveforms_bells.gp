load 'plots/style.gp'

# alt: Twelve short waves: those drawn and those made ring and die away; the Gaussian ones have no
# regular pitch.

# Above: drawn. Middle: made, at the same pitch. Below: draws of the Gaussian that has the law's covariance.

set output dir.'/36_waveforms_bells.png'
eval canvas(1350, 720)
set multiplot layout 3, 4 margins 0.05, 0.99, 0.07, 0.87 spacing 0.02, 0.06 \
    title "{/:Bold=19 Struck bells: drawn, made at the same pitch, and Gaussians of the same spectrum}"
unset key
set xrange [-1:64]; set yrange [-2.6:2.6]
set xzeroaxis linecolor rgb pale
array what[3] = ['drawn', 'made', 'Gaussian']
array hue[3] = [0x000000, 0x0072B2, 0xE69F00]
array pitch[4] = ['4', '4.49', '5.99', '8']
do for [r = 0:2] {
    do for [c = 0:3] {
        if (r == 0) { set title "{/:Bold ".pitch[c + 1]." cycles}" } else { unset title }
        if (c == 0) { set format y '%g'; set ylabel what[r + 1] offset 1, 0 } else { set format y ''; unset ylabel }
        if (r == 2) { set format x '%g' } else { set format x '' }
        if (r == 2) { unset title }
        plot dir.'/shown.dat' using 1:(column(2 + 4 * r + c)) with lines linewidth 2 linecolor rgb hue[r + 1]
    }
}
unset multiplot
