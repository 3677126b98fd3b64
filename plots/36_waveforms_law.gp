load 'plots/style.gp'

# alt: Four panels of curves: power, pitch and probability of the waves that were made lie near
# the law's; Gaussians have the same power but far smaller probability. A pitch that was asked for
# is met within some tens of cents.

# What the law says of 1000 waves of each kind: their power, their pitch, their probability; and of a pitch that was asked for.

set output dir.'/36_waveforms_law.png'
eval canvas(1350, 900)
set multiplot layout 2, 2 margins 0.065, 0.985, 0.085, 0.83 spacing 0.09, 0.14 \
    title "{/:Bold=19 A spectrum is not a sound: the Gaussian has only the one, the network both}"
array hue[3] = [0x000000, 0x0072B2, 0xE69F00]
unset key
set title "{/:Bold mean power at k cycles}"
set xlabel 'k' offset 0, 0.3
set logscale y
set xrange [0:32]; set yrange [0.02:5]
plot dir.'/spectrum.dat' using 1:2 with lines linecolor rgb grey linewidth 4, \
     for [i = 1:3] '' using 1:(column(2 + i)) with points pointtype 5 + i pointsize 1.1 linecolor rgb hue[i]
unset logscale
set title "{/:Bold share of waves below a pitch}"
set xlabel 'octaves above 4 cycles' offset 0, 0.3
set xrange [0:log(3) / log(2)]; set yrange [0:1]
plot x * log(2) / log(3) with lines linecolor rgb grey linewidth 4, \
     for [i = 1:3] dir.'/waves.dat' using (column(i)):(1) smooth cnorm with lines linewidth 2.5 linecolor rgb hue[i]
set title "{/:Bold share of waves with a smaller −log p}"
set xlabel '−log p by the law, nats' offset 0, 0.3
set xrange [-30:120]
plot for [i = 1:3] dir.'/waves.dat' using (column(3 + i)):(1) smooth cnorm with lines linewidth 2.5 linecolor rgb hue[i]
set title "{/:Bold a pitch asked for: share of waves below}"
set xlabel 'cents off (100 are a semitone)' offset 0, 0.3
set xrange [-80:80]
plot for [i = 1:2] dir.'/cents.dat' using (column(i)):(1) smooth cnorm with lines linewidth 2.5 linecolor rgb hue[i]
eval legend_band(0.885, 0.935)
plot 2 with lines linecolor rgb grey linewidth 4 title 'the law', 2 with lines linecolor rgb hue[1] linewidth 3 title 'drawn', \
     2 with lines linecolor rgb hue[2] linewidth 3 title 'made', 2 with lines linecolor rgb hue[3] linewidth 3 title 'Gaussian'
unset multiplot
