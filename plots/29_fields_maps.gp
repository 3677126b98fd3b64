load 'plots/style.gp'

# alt: Three rows of small fields: with a hole, blurred, noisy. The network's mean is like
# Wiener's, smooth; two draws are as rough as the truth.

# Fields seen through a hole, a blur, noise: truth, what was seen, Wiener's mean, the network's, two draws.

set output dir.'/29_fields_maps.png'
eval canvas(1350, 730)
set multiplot layout 3, 6 margins 0.075, 0.985, 0.02, 0.86 spacing 0.012, 0.02 \
    title "{/:Bold=19 Draws of p(x|π, y), y an image}"
unset key; unset colorbox; unset tics; unset grid
set border 15
set size ratio 1
set palette defined (-3 blue, -1.2 sky, 0 '#ffffff', 1.2 orange, 3 vermilion)
set cbrange [-3:3]
set xrange [-0.5:11.5]
set object 1 rectangle from graph 0, 0 to graph 1, 1 behind fillcolor rgb pale fillstyle solid noborder
names = "'the truth' 'what is seen: y' 'mean: Wiener' 'mean: network' 'one draw' 'another'"
tasks = "'a hole' 'a blur' 'noise alone'"
do for [t = 0:2] {
    do for [k = 0:5] {
        r = 12 * (6 * t + k)
        set yrange [r + 11.5:r - 0.5]
        if (t == 0) { set title word(names, k + 1) font ',14' offset 0, -0.7 } else { unset title }
        if (k == 0) { set ylabel "{/:Bold ".word(tasks, t + 1)."}" offset 1, 0 } else { unset ylabel }
        plot dir.'/maps.dat' matrix every ::0:r:11:r + 11 using 1:2:($3 > 90 ? NaN : $3) with image
    }
}
unset multiplot
