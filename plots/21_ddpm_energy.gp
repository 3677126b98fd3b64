load 'plots/style.gp'

# alt: The distance to fresh data falls to nothing from 10 to 50 steps. Samples in 10 steps form a
# thin ring, in 1000 steps eight clouds.

# How many ancestral steps does it take? Within the band no sample can be told from the truth by this distance.

set output dir.'/21_ddpm_energy.png'
eval canvas(1300, 500)
set multiplot layout 1, 3 margins 0.07, 0.99, 0.17, 0.78 spacing 0.055, 0 \
    title "{/:Bold=19 Ancestral sampling: what the network loses, and what few steps lose}"
set title "{/:Bold distance to fresh data}"
set logscale x
set xlabel 'steps'
set ylabel 'energy distance × 1000' offset 0.5, 0
set xrange [8:1250]
set key top right
set xtics (10, 30, 100, 300, 1000)
plot dir.'/energy.dat' using 1:(-2000*$4):(2000*$4) with filledcurves linecolor rgb pale fillstyle solid 0.6 title 'two fresh sets, ± 2 std', \
     '' using 1:(1000*$2) with linespoints linecolor rgb black linewidth 2 pointtype 5 title 'exact score', \
     '' using 1:(1000*$3) with linespoints linetype 1 title 'network'
unset logscale x
unset key
set xlabel ''; set ylabel ''
set xrange [-2:2]; set yrange [-2:2]
set size ratio 1
set xtics 1; set ytics 1
do for [k = 1:2] {
    set title k == 1 ? "{/:Bold network, 10 steps}" : "{/:Bold network, 1000 steps}"
    plot dir.(k == 1 ? '/samples_network_10.dat' : '/samples_network_1000.dat') using 1:2 with points pointtype 7 pointsize 0.3 linecolor rgb '#800072B2'
}
unset multiplot
