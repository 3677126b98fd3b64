load 'plots/style.gp'

# alt: Two maps of a bent density with two humps, exact and learnt, which look alike. A histogram
# by another sampler fits the exact curve with its two peaks.

# One observation: the exact posterior, the learned one, and what a foreign sampler draws from it.

set output dir.'/31_inference_posterior.png'
eval canvas(1350, 470)
unset colorbox
unset grid
set multiplot layout 1, 3 margins 0.05, 0.985, 0.18, 0.80 spacing 0.06, 0 \
    title "{/:Bold=19 p(π | x) of a simulator that hides the sign of π_1}"
stats dir.'/foreign.dat' using 1 nooutput name 'F'
set xrange [-2.8:2.8]; set yrange [-1:3]
set xlabel 'π_1'
set ylabel 'π_2' offset 1, 0
set title "{/:Bold exact, by quadrature}"
plot dir.'/posterior.dat' using 1:2:3 with image pixels
set title "{/:Bold learned from pairs}"
plot dir.'/posterior.dat' using 1:2:4 with image pixels
set title "{/:Bold a foreign sampler's π_1}"
set ylabel 'density'
set yrange [0:1.2]
set key top left
bin(x) = 0.2 * (floor(x / 0.2) + 0.5)
f(x) = exp(-0.5 * x**2 - 8 * (0.5 - 0.5 * x**2)**2 - 0.5 * (1.2 - 0.5 * x)**2 / 1.0625)
Z = 0
do for [i=-500:500] { Z = Z + 0.01 * f(0.01 * i) }
plot dir.'/foreign.dat' using (bin($1)):(1.0 / (0.2 * F_records)) smooth frequency with boxes linecolor rgb orange title 'slice sampler', \
     f(x) / Z with lines linecolor rgb black title 'exact'
unset multiplot
