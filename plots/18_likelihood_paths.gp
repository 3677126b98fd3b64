load 'plots/style.gp'

# alt: Twelve paths over a shaded density: jagged from data to noise, jagged back by the reverse
# SDE, and smooth curves by the flow.

# Figure 1 of the document, computed: twelve points to noise by the SDE, and back from where they ended by the
# reverse SDE and by the probability-flow ODE, over the exact density of their first coordinate.

set output dir.'/18_likelihood_paths.png'
eval canvas(1350, 520)
unset key
unset colorbox
set multiplot layout 1, 3 margins 0.05, 0.985, 0.16, 0.80 spacing 0.045, 0 \
    title "{/:Bold=19 Data to noise, and back two ways: twelve points over the exact density}"
files = 'paths_forward paths_reverse paths_ode'
names = "'SDE: data to noise' 'reverse SDE: noise to data' 'flow ODE: noise to data'"
colours = blue.' '.orange.' '.green.' '.vermilion.' '.purple.' '.black
set yrange [-2.6:2.6]
set xtics ('0' 0, '0.05' sqrt(0.05), '0.25' 0.5, '1' 1, '2.25' 1.5, '4' 2)
set cbrange [0:0.6]
unset grid
do for [k = 1:3] {
    if (k == 1) { set xrange [0:2] } else { set xrange [2:0] }
    set xlabel 'diffusion time t (axis even in √t)'
    set ylabel k == 1 ? 'first coordinate' : '' offset 1, 0
    set title "{/:Bold ".word(names, k)."}"
    plot dir.'/paths_density.dat' using 1:2:3 with image, \
         for [i = 0:11] dir.'/'.word(files, k).'.dat' using 1:2+i with lines linewidth 1.1 \
             linecolor rgb word(colours, i % 6 + 1)
}
unset multiplot
