load 'plots/style.gp'

# alt: Three bars near .77, .5 and .3 with the truth's marks .75, .5 and .3 on them: the colours
# are drawn as often as they should be.

# Colour from gray: of each pair of colours that share a gray, how often draws have the first; truth in black.

set output dir.'/37_completion_shares.png'
eval canvas(760, 520)
set title "{/:Bold Colour given gray: how often the first of its two}"
set xlabel "gray of the pair"; set ylabel "share of the draws"
set xrange [0.27:0.73]; set yrange [0:1]
set xtics (0.35, 0.5, 0.65)
set boxwidth 0.07
set key top right
plot dir.'/shares.dat' using 1:2 with boxes linecolor rgb blue title "network", \
     '' using 1:3:(0.045) with xerrorbars linecolor rgb black pointtype 7 pointsize 0.6 linewidth 2 title "truth"
