load 'plots/style.gp'

# alt: Two curves of the error of the noise rise from 0 to 1 with the log-SNR. The U-Net's runs
# below that of independent pixels; the area between is what it knows.

# Where the bits are: half the area under a curve, over log 2, is what a pixel costs, up to the ends (T35.1).

set output dir.'/35_likelihood_digits_levels.png'
eval canvas(1000, 560)
set title "{/:Bold=19 Where the bits are}: error of the noise, by noise level"
set xlabel 'log-SNR λ: noise on the left, data on the right'
set ylabel 'mean square error of ε, per pixel'
set xrange [-6:10.6]
set yrange [0:1.05]
set key left top
plot dir.'/levels.dat' using 1:3:2 with filledcurves linecolor rgb sky fillstyle solid 0.3 title 'what the network knows beyond', \
     '' using 1:3 with lines linecolor rgb grey linewidth 2.5 title 'Gaussian pixels, each by itself', \
     '' using 1:2 with linespoints linetype 1 pointsize 0.6 title 'U-Net, held-out digits'
