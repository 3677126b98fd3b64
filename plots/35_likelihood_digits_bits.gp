load 'plots/style.gp'

# alt: Bars of bits per dimension: 1.26 by the U-Net and 1.30 as its bound, against 1.9 to 4.7 for
# models without a network.

# Bits per dimension of held-out digits, by what is asked: the fewer the better.

set output dir.'/35_likelihood_digits_bits.png'
eval canvas(1200, 560)
set lmargin at screen 0.29
set rmargin at screen 0.975
set title "{/:Bold=19 Bits per dimension of held-out digits}   (no knowledge: 8)"
set xlabel 'bits per dimension, ± 2 standard errors'
set xrange [0:5.7]
set xtics 1
set yrange [8.7:-0.7]
set ytics ("a histogram for each pixel" 0, "best Gaussian of pixels" 1, "best Gaussian of logits" 2, \
    "U-Net, by the flow" 3, "U-Net, at most (ELBO)" 4, "short run, likelihood's loss" 5, \
    "short run, pixels, no logit" 6, "short run, weight s², even t" 7, "the same, clock of sub-VP" 8)
set grid noytics
set style fill solid 0.75 noborder
colour(k) = int(k) < 3 ? 0x888888 : int(k) < 5 ? 0x0072B2 : 0xE69F00
plot dir.'/bits.dat' using ($2/2):1:($2/2):(0.34):(colour($1)) with boxxyerror linecolor rgb variable, \
     '' using 2:1:(2*$3) with xerrorbars linecolor rgb black pointtype 0 linewidth 1.5, \
     '' using ($2 + 2*$3):1:($2 > 0 ? sprintf("  %.2f", $2) : "  not in this run") with labels left textcolor rgb '#333333'
