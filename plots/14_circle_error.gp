load 'plots/style.gp'

# alt: The squared error of two networks by diffusion time. Both are worst near the data; the
# second one's error is ten to a thousand times smaller.

# Where along t the networks lose: the integrand of the excess (2.9).

set output dir.'/14_circle_error.png'
eval canvas(1000, 540)
set title "{/:Bold=18 Where the score is wrong: excess by diffusion time}"
set xlabel 'diffusion time t'
set ylabel 'E s^2 |score − exact score|^2'
set logscale y
set format y "10^{%T}"
set xrange [0:1]
set key top right
plot dir.'/score_error.dat' using 1:2 with linespoints linetype 2 title 'first rung: score output, batch 8', \
     '' using 1:3 with linespoints linetype 1 title 'second rung: clean-point output, batch 128, EMA'
