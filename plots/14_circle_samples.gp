load 'plots/style.gp'

# alt: Samples in four panels around a circle. With the exact score and with the second network
# they sit on the eight points; with the first network they smear around them.

# 5000 samples from the exact score, from the first network (as the document's code draws them, and with its slip
# mended), and from the second: side by side, what the network loses.

set output dir.'/14_circle_samples.png'
eval canvas(1400, 440)
ring(j, f) = f(2*pi*j/8)
set multiplot layout 1, 4 margins 0.035, 0.995, 0.1, 0.78 spacing 0.04, 0 \
    title "{/:Bold=19 5000 samples by 998 steps of Euler–Maruyama: what the network loses}"
set xrange [-1.45:1.45]; set yrange [-1.45:1.45]
set size ratio 1
set xtics 1; set ytics 1
$points << EOD
1 0
0.70710678 0.70710678
0 1
-0.70710678 0.70710678
-1 0
-0.70710678 -0.70710678
0 -1
0.70710678 -0.70710678
EOD
files = 'samples_exact samples_letter samples_first samples'
names = "'exact score' 'first rung, its code' 'first rung, slip mended' 'second rung'"
do for [k = 1:4] {
    set title "{/:Bold ".word(names, k)."}"
    plot $points using 1:2:(0.15) with circles linecolor rgb orange linewidth 1 fillstyle transparent solid 0.15, \
         dir.'/'.word(files, k).'.dat' using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#900072B2'
}
unset multiplot
