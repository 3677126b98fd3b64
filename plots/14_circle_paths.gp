load 'plots/style.gp'

# alt: Sixteen tangled paths, once against time and once in the plane. They begin scattered in the
# noise and end at the eight points of the circle.

# Sixteen samples on their way from noise to the points.

set output dir.'/14_circle_paths.png'
eval canvas(1200, 540)
set multiplot layout 1, 2 margins 0.06, 0.985, 0.16, 0.82 spacing 0.09, 0 \
    title "{/:Bold=19 Noise, run backwards: 16 paths of the reverse SDE}"
colours = blue.' '.orange.' '.green.' '.vermilion.' '.purple.' '.sky.' '.grey.' '.black
set title "{/:Bold first coordinate against time (read right to left)}"
set xlabel 'diffusion time t'; set ylabel 'x_1' offset 1, 0
set xrange [0:1]; set yrange [-3:3]
plot for [i = 0:15] dir.'/paths.dat' using 1:(column(2 + 2*i)) with lines linewidth 1 linecolor rgb word(colours, i % 8 + 1)
set title "{/:Bold in the plane}"
set xlabel 'x_1'; set ylabel 'x_2' offset 1, 0
set xrange [-3:3]; set yrange [-2.4:2.4]
set size ratio -1
plot for [i = 0:15] dir.'/paths.dat' using (column(2 + 2*i)):(column(3 + 2*i)) with lines linewidth 0.7 linecolor rgb word(colours, i % 8 + 1), \
     for [i = 0:15] dir.'/paths.dat' using (column(2 + 2*i)):(column(3 + 2*i)) every ::997::997 with points pointtype 7 pointsize 1.4 linecolor rgb black
unset multiplot
