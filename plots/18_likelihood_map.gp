load 'plots/style.gp'

# alt: Maps of density: the two moons as they are, blurred by the document's network, sharp by the
# second rung; and eight round spots, learnt.

# Figure 2 of the document and more: the exact density of the moons, that of two networks, and eight Gaussians.

# MODE=test learns the second rung only: the other two panels then stay empty.
have(file) = int(system('test -f '.dir.'/'.file.' && echo 1 || echo 0'))

set output dir.'/18_likelihood_map.png'
eval canvas(1350, 430)
unset key
unset colorbox
unset grid
set multiplot layout 1, 4 margins 0.035, 0.99, 0.09, 0.78 spacing 0.03, 0 \
    title "{/:Bold=19 exp(log p), by the probability-flow ODE, on 100 × 100 points}"
set xrange [-2.5:2.5]; set yrange [-2.5:2.5]
set size ratio 1
set xtics 1; set ytics 1
set cbrange [0:0.95]
set title "{/:Bold the truth: noisy moons}"
plot dir.'/map_second.dat' using 1:2:4 with image pixels
set title "{/:Bold the document's network}"
if (have('map_document.dat')) { plot dir.'/map_document.dat' using 1:2:3 with image pixels } \
else { set multiplot next }
set title "{/:Bold second rung}"
plot dir.'/map_second.dat' using 1:2:3 with image pixels
set cbrange [0:*]
set title "{/:Bold eight Gaussians, learnt}"
if (have('map_eight.dat')) { plot dir.'/map_eight.dat' using 1:2:3 with image pixels }
unset multiplot
