load 'plots/style.gp'

# alt: Left: a diffusion of twelve numbers reaches the level of fresh digits in 15 seconds, those
# of pixels stay a hundred times further off. Right: an autoencoder loses less than as many
# principal components.

# Left: Fréchet distance of samples against the processor seconds of training, the autoencoder's counted.
# Right: what k numbers lose of fresh digits.

set output dir.'/33_latent_cost.png'
eval canvas(1200, 560)
set multiplot layout 1, 2 margins 0.095, 0.985, 0.125, 0.76 spacing 0.09, 0 \
    title "{/:Bold=19 A diffusion of twelve numbers, and of the 196 pixels themselves}"
set logscale xy
set xtics (0.1, 0.3, 1, 3, 10, 30, 100)
set xlabel 'processor seconds of training' offset 0, 0.3
set ylabel 'Fréchet distance' offset 1, 0
unset key
stats dir.'/levels.dat' using 1 nooutput name 'TWO'
stats dir.'/levels.dat' using 2 nooutput name 'CODED'
set title "{/:Bold samples, by the judge's features}"
set xrange [*:30]; set yrange [TWO_min / 1.6:*]
plot TWO_min with lines linecolor rgb black, CODED_min with lines linecolor rgb vermilion dashtype 2, \
     dir.'/cost_latent.dat' using 1:2 with linespoints linetype 1, \
     dir.'/cost_dense.dat' using 1:2 with linespoints linetype 2, \
     dir.'/cost_unet.dat' using 1:2 with linespoints linetype 3
unset logscale x
set xtics autofreq
set title "{/:Bold lost: linear (line), learnt (points)}"
set xlabel 'k'
set ylabel 'E|x − x̂|²' offset 1, 0
set xrange [0:70]; set yrange [1:200]
plot dir.'/tail.dat' using 1:2 with lines linecolor rgb black linewidth 2, \
     for [k in "3 6 12"] dir.'/code_'.k.'.dat' using 1:2 with points pointtype 7 pointsize 1.8 linecolor rgb vermilion
eval legend_band(0.835, 0.93)
set key maxrows 2
plot 2 with linespoints linetype 1 title 'diffusion of 12 numbers', 2 with linespoints linetype 2 title 'of pixels, dense', \
     2 with linespoints linetype 3 title 'of pixels, U-Net', 2 with lines linecolor rgb black title 'fresh digits', \
     2 with lines linecolor rgb vermilion dashtype 2 title 'autoencoder''s images'
unset multiplot
