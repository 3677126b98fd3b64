load 'plots/style.gp'

# alt: Left: learnt entropies on the line of the exact ones. Right: a grid of settings with what
# the network loses in nats, mostly below .05, also in the grey box that it has never seen.

# Left: −log p of the emulator against the exact one. Right: their difference, over the parameters.

set output dir.'/23_conditional_nats.png'
eval canvas(1200, 560)
set multiplot layout 1, 2 margins 0.06, 0.93, 0.12, 0.83 spacing 0.1, 0 \
    title "{/:Bold=19 Conditional likelihoods over a grid of π}"
set xlabel 'entropy of p(x|π) or p(x|π,y), on the same points' offset 0, 0.3
set ylabel '−log p_θ, nats' offset 1.5, 0
set title "{/:Bold learned against exact}"
set key top left Left reverse
plot x with lines linecolor rgb black title 'exact', \
     dir.'/nats.dat' using ($3 == 0 && $6 == 0 ? $4 : NaN):5 with points linetype 1 title 'p(x|π)', \
     '' using ($3 == 1 && $6 == 0 ? $4 : NaN):5 with points linetype 2 title 'p(x|π,y)', \
     '' using ($6 == 1 ? $4 : NaN):5 with points linetype 4 title 'π never seen'
set title "{/:Bold nats above the entropy, p(x|π)}"
set xlabel 'α'; set ylabel 'S'
set xrange [0:pi]; set yrange [0.5:2.5]
unset key
set object 1 rectangle from pi/2 - 0.3, 1.2 to pi/2 + 0.3, 1.8 fillstyle solid 0.6 noborder fillcolor rgb pale behind
set label 1 'never seen' at pi/2, 1.27 center textcolor rgb '#555555'
set cbrange [*:*]
plot dir.'/nats.dat' using ($3 == 0 ? $1 : NaN):2:($5 - $4) with points pointtype 7 pointsize 3.4 \
     linecolor palette, \
     '' using ($3 == 0 ? $1 : NaN):($2 + 0.12):(sprintf('%.3f', $5 - $4)) with labels font ',11'
unset multiplot
