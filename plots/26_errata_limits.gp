load 'plots/style.gp'

# alt: Left: a loss without weights grows without end as the least time falls. Right: with few
# Euler steps the density integrates to more than 1 and looks better than the truth.

# Left: the unweighted loss has no least value as t → 0. Right: a likelihood from few Euler steps.

set output dir.'/26_errata_limits.png'
eval canvas(1200, 500)
set multiplot layout 1, 2 margins 0.075, 0.98, 0.145, 0.8 spacing 0.1, 0 \
    title "{/:Bold=19 Go to the limit: what diverges, and what is too good to be true}"
set title "{/:Bold unweighted loss on N(0,1), exact score}"
set logscale x
set format x '10^{%T}'
set xlabel 'smallest t' offset 0, 0.3
set yrange [0:*]
set key top right
plot dir.'/unweighted.dat' using 1:2 with lines linetype 1 linewidth 3 title 'mean over t', \
     x < 5e-4 ? -log(x) / 0.001 - 7313 : NaN with lines dashtype 2 linecolor rgb black title 'slope −1/β_{min}'
set title "{/:Bold few Euler steps on the flow of N(0,.01)}"
set xlabel 'Euler steps' offset 0, 0.3
set yrange [-1.5:5.2]
plot dir.'/few_steps.dat' using 1:2 with linespoints linetype 2 title 'integral of the “density” (right: 1)', \
     '' using 1:3 with linespoints linetype 3 title 'NLL − entropy, nats (at least 0)', \
     1 with lines linecolor rgb '#b07800' dashtype 3 notitle, 0 with lines linecolor rgb green dashtype 3 notitle
unset multiplot
