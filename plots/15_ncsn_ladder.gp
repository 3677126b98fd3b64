load 'plots/style.gp'

# alt: Four stages of samples: scattered over the whole plane, then a thick ring, then eight
# clouds, then eight tight clouds inside their circles.

# A film strip: the network's samples at the end of four of the twelve levels. Circles: within 1.2 of a mode.

set output dir.'/15_ncsn_ladder.png'
eval canvas(1300, 450)
set multiplot layout 1, 4 margins 0.045, 0.992, 0.09, 0.80 spacing 0.03, 0 \
    title "{/:Bold=19 Down the ladder: annealed Langevin with the learned score}"
set xrange [-15:15]; set yrange [-15:15]
set size ratio 1
set xtics 10; set ytics 10
$modes << EOD
5 0
3.5355 3.5355
0 5
-3.5355 3.5355
-5 0
-3.5355 -3.5355
0 -5
3.5355 -3.5355
EOD
names = "'σ = 10 (level 1)' 'σ = 1.52 (level 4)' 'σ = 0.43 (level 6)' 'σ = 0.01 (level 12)'"
do for [k = 1:4] {
    set title "{/:Bold ".word(names, k)."}"
    if (k > 1) { set format y '' }
    plot dir.'/film_'.(k - 1).'.dat' using 1:2 with points pointtype 7 pointsize 0.3 linecolor rgb '#A00072B2', \
         $modes using 1:2:(1.2) with circles linecolor rgb orange linewidth 1.5 fillstyle empty
}
unset multiplot
