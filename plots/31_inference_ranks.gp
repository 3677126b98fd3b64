load 'plots/style.gp'

# alt: Counts of ranks for two simulators: level around 1 for exact draws and for the learnt
# posterior; a posterior planted too narrow has high ends.

# Ranks of the true first parameter among 31 draws: uniform if the posterior is right.

set output dir.'/31_inference_ranks.png'
eval canvas(1250, 470)
set multiplot layout 1, 2 margins 0.06, 0.98, 0.16, 0.80 spacing 0.08, 0 \
    title "{/:Bold=19 Ranks of the true parameter among 31 draws from its posterior}"
set xlabel 'rank, in 16 bins'
set ylabel 'count over expected' offset 1, 0
set xrange [0:16]; set yrange [0:4]
set key top center
do for [s in "linear square"] {
    set title "{/:Bold ".s."}"
    plot 1 with lines linecolor rgb grey dashtype 2 notitle, \
         dir.'/ranks_'.s.'.dat' using 1:4 with linespoints linetype 4 title 'planted: .75 as wide', \
         '' using 1:2 with linespoints linetype 7 title 'exact draws', \
         '' using 1:3 with linespoints linetype 1 title 'learned'
}
unset multiplot
