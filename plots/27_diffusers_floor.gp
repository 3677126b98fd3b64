load 'plots/style.gp'

# alt: Left: the loss per pixel of the exact noise falls from 1 to 0 with the timestep. Right: a
# network's error of noise becomes a large error of the score in the first timesteps.

# What the lesson's table asks of a network on its made-up images: the loss of the best one, level by
# level, and how an error of the noise grows in the score.

set output dir.'/27_diffusers_floor.png'
eval canvas(1200, 520)
set multiplot layout 1, 2 margins 0.075, 0.965, 0.16, 0.74 spacing 0.1, 0 \
    title "{/:Bold=19 The listing's loss has a floor; its score magnifies the errors of the first steps}"
set xlabel 'timestep k'
set xrange [0:1000]
set yrange [0:1.05]
set title "{/:Bold loss per pixel, x_0 = randn}"
stats dir.'/table.dat' using 2 nooutput
plot 1 with lines linewidth 2 dashtype 2 linecolor rgb grey, \
     STATS_mean with lines linewidth 2 dashtype 3 linecolor rgb orange, \
     dir.'/table.dat' using 1:2 with lines linewidth 2 linecolor rgb black, \
     dir.'/bins.dat' using 1:2 with points linetype 1
set title "{/:Bold error of the score per error of the noise}"
set logscale y
set yrange [0.8:130]
set ytics (1, 2, 5, 10, 20, 50, 100)
plot dir.'/table.dat' using 1:3 with lines linewidth 2 linecolor rgb vermilion
unset logscale
eval legend_band(0.82, 0.92)
plot -1 with lines linewidth 2 linecolor rgb black title 'floor α̅_k', \
     -1 with points linetype 1 title 'exact noise', \
     -1 with lines linewidth 2 dashtype 3 linecolor rgb orange title 'mean over k', \
     -1 with lines linewidth 2 dashtype 2 linecolor rgb grey title 'says 0', \
     -1 with lines linewidth 2 linecolor rgb vermilion title '1/√(1-α̅_k)'
unset multiplot
