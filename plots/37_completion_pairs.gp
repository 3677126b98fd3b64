load 'plots/style.gp'

# alt: Two rising curves of distances: truth to draw, and draw to draw. They run together at
# first; the truth is then a little further off.

# Half digits: how far the right half of a draw is from the truth, and from another draw of the same y.

set output dir.'/37_completion_pairs.png'
eval canvas(760, 520)
set title "{/:Bold Right halves given the left: is the truth one more draw?}"
set xlabel "mean squared distance of two right halves"; set ylabel "share of the pairs below"
set xrange [0:1.3]; set yrange [0:1]
set key bottom right
stats dir.'/pairs.dat' using 1 nooutput
plot dir.'/pairs.dat' using 1:($0/STATS_records) with steps linecolor rgb black linewidth 2 title "truth and draw", \
     '' using 2:($0/STATS_records) with steps linecolor rgb blue linewidth 2 title "draw and draw"
