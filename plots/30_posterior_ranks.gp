load 'plots/style.gp'

# alt: Eleven histograms of ranks. They are flat for the exact score, SMC and guidance at scale 1,
# and lean or pile up at the ends for replacement, DPS and guidance at scale 2.

# The density of the truth's rank among posterior draws, for each method: flat if it is calibrated.

set output dir.'/30_posterior_ranks.png'
eval canvas(1350, 1130)
set multiplot layout 3, 4 margins 0.04, 0.985, 0.05, 0.84 spacing 0.035, 0.105 \
    title "{/:Bold=19 Rank of the truth among draws given y: flat where a method is exact}"
names = "'draws that ignore y' 'exact conditional score' 'replacement' 'RePaint' 'DPS' 'ΠGDM' 'SMC' \
    'classifier guidance, γ = 1' 'classifier-free, γ = 1' 'classifier guidance, γ = 2' 'classifier-free, γ = 2'"
stats dir.'/departures.dat' using 1 name 'S' nooutput
array shift[11]; array p[11]
stats dir.'/departures.dat' using (shift[int($0) + 1] = $1, p[int($0) + 1] = $2, $1) nooutput
set xrange [0:1]; set yrange [0:3]
set xtics 0.5; set ytics 1
do for [w = 0:10] {
    set title sprintf("{/:Bold %s}\nS = %+.3f, %s", word(names, w + 1), shift[w + 1], \
        p[w + 1] > -2 ? "passes at 1 %" : abs(shift[w + 1]) < 0.027 ? "fails at 1 %" : \
        shift[w + 1] < 0 ? "fails: over-confident" : "fails: under-confident") font ',12'
    plot dir.'/ranks.dat' using 1:(column(4 + 4*w)) with boxes fillstyle solid 0.35 linecolor rgb blue, \
         '' using 1:(column(2 + 4*w)) with histeps linecolor rgb grey linewidth 1, \
         '' using 1:(column(3 + 4*w)) with histeps linecolor rgb orange linewidth 1.5, \
         '' using 1:(column(5 + 4*w)) with histeps linecolor rgb green linewidth 1.5, \
         1 with lines linecolor rgb black
}
eval legend_band(0.905, 0.945)
plot 2 with lines linewidth 9 linecolor rgb '#a6cee3' title 'fit log p(y|x)', \
     2 with lines linecolor rgb green title 'log p(x|y)', 2 with lines linecolor rgb grey title 'x along A', \
     2 with lines linecolor rgb orange title 'x across', 2 with lines linecolor rgb black title 'exact'
unset multiplot
