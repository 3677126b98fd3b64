load 'plots/style.gp'

# alt: Left: distances of SDE and ODE to the exact density stay at the noise level; with a score
# scaled by .9 they leave it. Right: an error of the score adds up under the ODE and levels off
# under the SDE.

# The exact score and a wrong one, at 60 times: how far the marginals are from p_t.

set output dir.'/34_marginals_times.png'
eval canvas(1250, 520)
set multiplot layout 1, 2 margins 0.07, 0.98, 0.16, 0.84 spacing 0.1, 0 \
    title "{/:Bold=19 The same marginals, as long as the score is right}"
set xrange [1:0]
set xlabel 'time t, from noise to data'
set title "{/:Bold a mixture: KS distance × √n from the exact p_t}"
set yrange [0:8]
set key top left Left reverse
plot 2.9 with lines linecolor rgb grey dashtype 2 title 'exact: once in 10^5 runs', \
     dir.'/times.dat' using 1:4 with lines linetype 4 title 'SDE, 0.9 of the score', \
     '' using 1:2 with lines linetype 1 title 'SDE', '' using 1:3 with lines linetype 3 title 'ODE'
set title "{/:Bold a score of N(0, 1), wrong by 0.2: mean}"
set yrange [-0.05:1.15]
B(t) = 0.1 * t + 9.95 * t * t
plot 0.1 * (B(1) - B(x)) with lines linecolor rgb black title 'closed form', \
     0.4 * (1 - exp(-0.5 * (B(1) - B(x)))) with lines linecolor rgb black notitle, \
     dir.'/times.dat' using 1:6 every 3 with points linetype 3 title 'ODE: it adds up', \
     '' using 1:5 every 3 with points linetype 1 title 'SDE: it forgets'
unset multiplot
