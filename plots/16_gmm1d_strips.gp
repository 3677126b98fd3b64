load 'plots/style.gp'

# alt: Two dark bands at 2 and −2 join into one as time goes on, and part again in the reverse
# run. At the right the model's density lies on the true one.

# Every column is a histogram: on the left data becomes noise, on the right noise becomes data.

set output dir.'/16_gmm1d_strips.png'
eval canvas(1200, 520)
set multiplot layout 1, 3 margins 0.06, 0.985, 0.14, 0.82 spacing 0.05, 0 \
    title "{/:Bold=19 Two peaks, to noise and back}"
unset colorbox
set yrange [-4.5:4.5]
set cbrange [0:0.5]
set xlabel 'diffusion time t'
set ylabel 'x'
set title "{/:Bold forward: data → noise}"
set xrange [0:1]
plot dir.'/forward.dat' using 1:2:3 with points pointtype 5 pointsize 0.9 palette
set title "{/:Bold reverse: noise → data, learnt score}"
set xrange [1:0]
set ylabel ''
plot dir.'/reverse.dat' using 1:2:3 with points pointtype 5 pointsize 0.9 palette
set title "{/:Bold density by the ODE}"
set xlabel 'density'
set xrange [0:0.6]
plot dir.'/density.dat' using 3:1 with lines linecolor rgb black linewidth 4 title 'truth', '' using 2:1 with lines linetype 2 dashtype 2 title 'model'
unset multiplot
