load 'plots/style.gp'

# alt: Means and standard deviations of pixels by the network against Wiener's: all dots lie near
# the diagonal.

# The network's means and standard deviations of pixels against Wiener's: means given four y, and over
# sixteen the deviations, which do not depend on y.

set output dir.'/29_fields_pixels.png'
eval canvas(1150, 560)
set multiplot layout 1, 2 margins 0.075, 0.98, 0.145, 0.89 spacing 0.1, 0
set key left top reverse Left
tasks = "'a hole' 'a blur' 'noise alone'"
set title "{/:Bold Mean of a pixel given y}"
set xlabel "Wiener's"; set ylabel "of the network's draws"
plot x with lines linecolor rgb black linewidth 1, \
     for [t = 0:2] dir.'/pixels.dat' using ($1 == t ? $2 : NaN):3 with points linetype t + 1 pointtype 7 pointsize 0.35 notitle, \
     for [t = 0:2] NaN with points linetype t + 1 pointtype 7 pointsize 1 title word(tasks, t + 1)
set title "{/:Bold Its standard deviation}"
set xrange [0:0.9]; set yrange [0:0.9]
plot x with lines linecolor rgb black linewidth 1, \
     for [t = 0:2] dir.'/pixels.dat' using ($1 == t ? $4 : NaN):5 with points linetype t + 1 pointtype 7 pointsize 0.55
unset multiplot
