load 'plots/style.gp'

# alt: Twelve panels of samples over two humps. With a growing guidance scale the dots draw
# together and, at a scale of 4, miss the density that lies beneath.

# Four Gaussians in two classes: guided samples over the density p(x)p(y|x)^γ that they are said to follow.

set output dir.'/19_guidance_samples.png'
eval canvas(1350, 1060)
unset key
unset colorbox
set multiplot layout 3, 4 columnsfirst margins 0.05, 0.985, 0.05, 0.9 spacing 0.025, 0.055 \
    title "{/:Bold=19 Guided samples over p(x) p(y|x)^γ}"
set size ratio 1
set xrange [-3.4:3.4]; set yrange [-3.4:3.4]
set xtics 2; set ytics 2
set cbrange [0:*]
ways = "'exact scores, SDE' 'exact scores, flow' 'learned (told), SDE'"
do for [g in "0 1 2 4"] {
    do for [w = 0:2] {
        set title "{/:Bold γ = ".g."} ".word(ways, w + 1) font ',13'
        plot dir.'/density_'.g.'.dat' using 1:2:3 with image, \
             dir.'/samples_'.g.'.dat' every ::0::799 using (column(1+2*w)):(column(2+2*w)) with points \
             pointtype 7 pointsize 0.22 linecolor rgb '#60D55E00'
    }
}
unset multiplot
