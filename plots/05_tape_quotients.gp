load 'plots/style.gp'

# alt: Errors of two difference quotients against the step h form a V: for short steps rounding makes
# them ragged and large, like 1/h; for long ones the one-sided grows like h, the two-sided like h².
# A dashed line at 1e-7 is the tape's.

# A gradient by difference quotients, against the step h: too long, and the curve bends; too short, and the digits are gone.

set output dir.'/05_tape_quotients.png'
eval canvas(900, 560)
set title "{/:Bold=17 Difference quotients check a gradient}"
set xlabel 'step h of the quotient'
set ylabel 'error of the derivative by one weight'
set logscale xy
set xrange [1e-14:1]
set yrange [1e-13:3e3]
set format x '10^{%T}'
set format y '10^{%T}'
set xtics 1e-14, 100
set ytics 1e-12, 1000
set key top left Left reverse
set label 1 'rounding: 10^{-16}/h' at 1.5e-13, 3e-9 textcolor rgb grey
set label 2 'bending: h and h²' at 2e-4, 1e-11 textcolor rgb grey
plot dir.'/quotients.dat' using 1:2 with linespoints linetype 2 pointsize 0.6 title 'one-sided quotient, in doubles', \
     dir.'/quotients.dat' using 1:3 with linespoints linetype 1 pointsize 0.6 title 'two-sided quotient, in doubles', \
     dir.'/quotients.dat' using 1:4 with lines linecolor rgb black dashtype 2 title 'the tape, in floats'
