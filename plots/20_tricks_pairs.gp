load 'plots/style.gp'

# alt: Dots for nine pairs of settings and for their parts alone. Weights that are bad alone are
# as good as the default, or better, with the output or the times that they belong to.

# What belongs together. Black: the pair, ± 2 standard errors of its difference to the default (grey line). In
# colour: each of its parts alone. A pair that beats all of its parts is more than their sum.

set output dir.'/20_tricks_pairs.png'
eval canvas(1350, 760)
data = dir.'/tricks.tsv'
set datafile separator "\t"
array pair[9] = ['cosine lr, raw', 'cosine lr, EMA .999', 'score, weight 1', 'x0, EDM', 'x0, min-SNR', 'F, EDM', \
    'F, EDM, log-normal', 'flow, flow', 'g^2, importance']
array parts[9] = ['|average:raw|', '', '|output:score|weight:1|', '|output:x0|weight:EDM|', '|output:x0|weight:min-SNR|', \
    '|output:EDM F|weight:EDM|', '|output:EDM F|weight:EDM|times:log-normal|', '|output:flow|weight:flow|', \
    '|weight:g^2|times:importance|']
array factor[4] = ['average', 'output', 'weight', 'times']
array colour[4] = [blue, vermilion, green, purple]
array type[4] = [4, 6, 8, 10]
array line[3]
do for [y = 1:3] { stats data using 4*y-1 every ::0::0 nooutput; line[y] = STATS_min }
set multiplot layout 1, 3 margins 0.165, 0.985, 0.17, 0.86 spacing 0.02, 0 \
    title "{/:Bold=19 Choices that belong together: each pair, and its parts alone}"
at_least(x, low) = x > low ? x : low
set logscale x
unset key
set yrange [-9.6:-0.4]
set grid noytics
unset ytics
array what[3] = ['excess of the loss, × 1000', 'KL: NLL − entropy, millinats', 'energy distance × 1000']
array low[3] = [4, 70, 0.4]
array high[3] = [400, 30000, 400]
do for [y = 1:3] {
    c = 4 * y - 1
    set title "{/:Bold ".what[y]."}"
    set arrow 1 from line[y], -9.6 to line[y], -0.4 nohead linecolor rgb grey linewidth 1.2 back
    set xrange [low[y]:high[y]]
    plot for [p = 1:9] for [f = 1:4] data using (strstrt(parts[p], '|'.strcol(2).':'.strcol(1).'|') && \
             strcol(2) eq factor[f] ? at_least(column(c), low[y]) : 1/0):(-p) \
             with points pointtype type[f] pointsize 1.5 linewidth 2 linecolor rgb colour[f], \
         for [p = 1:9] data using (strcol(2) eq 'pair' && strcol(1) eq pair[p] ? at_least(column(c), low[y]) : 1/0):(-p): \
             (at_least(column(c) - 2 * column(c+3), low[y])):(column(c) + 2 * column(c+3)) \
             with xerrorbars pointtype 7 pointsize 1.2 linewidth 1.6 linecolor rgb black, \
         for [p = 1:9] data using (y == 1 && strcol(1) eq pair[p] ? low[y] : 1/0):(-p):(pair[p]) \
             with labels right noenhanced offset -0.6, 0
}
eval legend_band(0.02, 0.08)
plot 2 with points pointtype 7 linecolor rgb black title 'the pair', \
     for [f = 1:4] 2 with points pointtype type[f] linewidth 2 linecolor rgb colour[f] title factor[f].' alone', \
     2 with lines linecolor rgb grey title 'default'
unset multiplot
