load 'plots/style.gp'

# alt: Left: three distances between noised data sets fall along straight lines, at different
# rates. Right: the time to leave a mode grows exponentially with the barrier.

# How data is forgotten, and how modes are not.

set output dir.'/34_marginals_forget.png'
eval canvas(1250, 520)
set multiplot layout 1, 2 margins 0.08, 0.98, 0.16, 0.84 spacing 0.1, 0 \
    title "{/:Bold=19 Exponentially fast, exponentially slow}"
set title "{/:Bold the forward process forgets two data sets}"
set xlabel '∫β'
set ylabel 'KL(p_t ‖ q_t), nats'
set logscale y
set format y '10^{%T}'
set yrange [1e-20:1e10]
set xrange [0:8]
set key top right
plot dir.'/forget.dat' using 1:2 with points linetype 1 title 'eight points, moons: the mean', \
     '' using 1:3 with points linetype 2 title 'eight points, N(0, I): covariance', \
     '' using 1:4 with points linetype 3 title 'eight points, turned: order 8', \
     0.15625 * exp(-x) with lines linecolor rgb black title 'closed forms', \
     0.125 * exp(-2 * x) with lines linecolor rgb black notitle, \
     exp(-8 * x) / 2580480 with lines linecolor rgb black notitle
set title "{/:Bold a walk at one level leaves a mode}"
set xlabel 'barrier h, nats'
set ylabel 'mean time to escape'
set xrange [1.5:8.5]
set yrange [2:1000]
set key top left
plot dir.'/escape.dat' using 1:2 with lines linecolor rgb black title 'exact, by quadrature', \
     pi / 2 / sqrt(2) * exp(x) / x with lines linecolor rgb grey dashtype 2 title 'Kramers', \
     '' using 1:4 with points linetype 1 title 'ULA', '' using 1:6 with points linetype 2 title 'MALA'
unset multiplot
