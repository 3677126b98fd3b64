load 'plots/style.gp'

# alt: Five falling curves of the loss, by steps and by seconds. The U-Net and the residual net
# fall furthest, the MLP least.

# Five networks: what a step is worth, and what a second is worth.

set output dir.'/24_architectures_loss.png'
eval canvas(1200, 560)
names = "residual_mlp residual_net u_net mlp_mixer dit"
title_of(k) = word("'residual MLP' 'residual net' 'U-Net' 'MLP-Mixer' 'DiT'", k)
set multiplot layout 1, 2 margins 0.07, 0.975, 0.14, 0.74 spacing 0.09, 0 \
    title "{/:Bold=19 The same data and the same loss; five networks}"
set logscale xy
set yrange [0.1:1.05]
set ytics (0.1, 0.15, 0.2, 0.3, 0.5, 1)
set xlabel 'optimiser steps'
set format x '10^{%T}'
set title "{/:Bold loss per pixel, by steps}"
plot for [k=1:5] dir.'/'.word(names, k).'.dat' using 1:3 with lines linetype k
set title "{/:Bold loss per pixel, by time}"
set xlabel 'seconds of training'
unset format
set ytics (0.1, 0.15, 0.2, 0.3, 0.5, 1)
plot for [k=1:5] dir.'/'.word(names, k).'.dat' using 2:3 with lines linetype k
unset format
eval legend_band(0.82, 0.92)
plot -1 with lines linetype 1 title 'residual MLP', -1 with lines linetype 2 title 'residual net', \
     -1 with lines linetype 3 title 'U-Net', -1 with lines linetype 4 title 'MLP-Mixer', \
     -1 with lines linetype 5 title 'DiT'
unset multiplot
