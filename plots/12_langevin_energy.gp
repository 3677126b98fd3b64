load 'plots/style.gp'

# alt: A crescent of density in the plane, dark at its lower right. Beside it 2000 walkers, dense
# where the crescent is dark.

# Left: the density on a grid, which needed Z. Right: 2000 walkers, which did not.

set output dir.'/12_langevin_energy.png'
eval canvas(1200, 600)
unset key
set multiplot layout 1, 2 margins 0.055, 0.985, 0.105, 0.83 spacing 0.075, 0 \
    title "{/:Bold=17 U = ¼(x² + y² − 4)² − x + ½xy: an energy, its density and a walk that never saw Z}"
set xrange [-3.2:3.2]
set yrange [-3.2:3.2]
set size ratio 1
set xtics 1; set ytics 1
set xlabel 'x' offset 0, 0.3
set ylabel 'y' offset 1, 0
unset colorbox
set title "{/:Bold e^{−U}/Z by quadrature}"
plot dir.'/energy_density.dat' using 1:2:3 with image
set title "{/:Bold 2000 walkers of MALA, over it}"
plot dir.'/energy_density.dat' using 1:2:3 with image, \
     dir.'/energy_samples.dat' using 1:2 with points pointtype 7 pointsize 0.3 linecolor rgb '#70D55E00'
unset multiplot
