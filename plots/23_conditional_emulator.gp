load 'plots/style.gp'

# alt: Samples over the exact density for three settings of a simulator, without and with a
# measurement. They cover it, also at a setting that was never seen in training.

# The emulator's samples over the exact density, without and with y; the middle column it has never seen.

set output dir.'/23_conditional_emulator.png'
eval canvas(1200, 860)
unset key
unset colorbox
set multiplot layout 2, 3 margins 0.05, 0.985, 0.06, 0.87 spacing 0.045, 0.085 \
    title "{/:Bold=19 The emulator: samples of p_θ(x|π) and p_θ(x|π,y) over the exact density}"
set size ratio 1
set xrange [-2.6:2.6]; set yrange [-2.6:2.6]
set xtics 1; set ytics 1
names = "'α = 0.4, S = 0.8' 'α = π/2, S = 1.5: never seen' 'α = 2.5, S = 2.2'"
do for [i = 0:5] {
    set title "{/:Bold ".word(names, i % 3 + 1).(i > 2 ? ', y given' : '')."}"
    plot dir.'/emulator_density_'.i.'.dat' using 1:2:3 with image, \
         dir.'/emulator_'.i.'.dat' using 1:2 with points pointtype 7 pointsize 0.25 linecolor rgb '#60D55E00'
}
unset multiplot
