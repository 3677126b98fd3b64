load 'plots/style.gp'

# alt: Variances through reversed time for five slips: they leave the right curve in between, and
# some return to it at the end, so that the samples hide the slip.

# The mean square of each scheme through reversed time: on eight points, on N(0,1) and on N(0,1/4).

set output dir.'/26_errata_variance.png'
eval canvas(1300, 560)
set multiplot layout 1, 3 margins 0.05, 0.985, 0.13, 0.73 spacing 0.05, 0 \
    title "{/:Bold=19 Five slips through reversed time: what the end forgives, and what it does not}"
set xlabel 'u = 1 − t' offset 0, 0.3
set xrange [0:1]
show(file) = sprintf("plot for [k = 3:7] '%s' using 1:k with lines linetype k - 2, '%s' using 1:2 with lines linecolor rgb black linewidth 2.5", dir.file, dir.file)
set title "{/:Bold eight points: E|x|²}"
set yrange [0.8:3.1]
eval show('/path_ring.dat')
set title "{/:Bold N(0,1): variance}"
set yrange [0.5:2.6]
set label 1 "prior, score’s end:\nunder the black line" at 0.3, 1.32 left textcolor rgb '#555555'
eval show('/path_one.dat')
unset label 1
set title "{/:Bold N(0,¼): variance}"
set yrange [0:1.7]
eval show('/path_quarter.dat')
eval legend_band(0.83, 0.9)
plot 2 with lines linecolor rgb black linewidth 2.5 title 'no slip', 2 with lines linetype 1 title 'prior', \
     2 with lines linetype 2 title 'noise √β', 2 with lines linetype 3 title 'drift’s end', \
     2 with lines linetype 4 title 'score’s end', 2 with lines linetype 5 title '½ in reversal'
unset multiplot
