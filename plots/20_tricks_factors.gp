load 'plots/style.gp'

# alt: Dots with error bars for some twenty changed settings, in three measures. Most lie near the
# default; weights 1 and EDM and log-normal times alone are much worse, outputs v and F better.

# One factor at a time. Dot: the mean over keys. Bar: ± 2 standard errors of the *difference* to the
# default, so a bar that does not reach the line is a mark in the table; its dot is full.

set output dir.'/20_tricks_factors.png'
eval canvas(1350, 820)
data = dir.'/tricks.tsv'
set datafile separator "\t"
array line[3]
do for [y = 1:3] { stats data using 4*y-1 every ::0::0 nooutput; line[y] = STATS_min }
set multiplot layout 1, 3 margins 0.165, 0.985, 0.10, 0.86 spacing 0.02, 0 \
    title "{/:Bold=19 One thing changed at a time; full dots differ from the default by more than 2 errors}"
place(s, i) = -i - 0.6 * (strstrt('average  output   weight   times    t_min    ', s.' ') + 8) / 9
hue(s) = s eq 'average' ? 0x0072B2 : s eq 'output' ? 0xD55E00 : s eq 'weight' ? 0x009E73 : \
         s eq 'times' ? 0xCC79A7 : s eq 't_min' ? 0xE69F00 : 0x000000
far(d, se) = abs(d) > 2 * se
is(s) = s ne 'pair'
floor_at(x, low) = x > low ? x : low
set logscale x
unset key
set yrange [-24.6:0.8]
set grid noytics
unset ytics
array what[3] = ['excess of the loss, × 1000', 'KL: NLL − entropy, millinats', 'energy distance × 1000']
array low[3] = [8, 70, 0.8]
do for [y = 1:3] {
    c = 4 * y - 1
    set title "{/:Bold ".what[y]."}"
    set arrow 1 from line[y], -24.6 to line[y], 0.8 nohead linecolor rgb grey linewidth 1.2 back
    set xrange [(y == 1 ? 8 : y == 2 ? 70 : 0.8):(y == 2 ? 20000 : 400)]
    plot data using (is(strcol(2)) ? floor_at(column(c), low[y]) : 1/0):(place(strcol(2), $0)): \
             (floor_at(column(c) - 2 * column(c+3), low[y])):(column(c) + 2 * column(c+3)):(hue(strcol(2))) \
             with xerrorbars pointtype 6 pointsize 1.1 linewidth 1.6 linecolor rgb variable, \
         '' using (is(strcol(2)) && (far(column(c+2), column(c+3)) || $0 == 0) ? floor_at(column(c), low[y]) : 1/0): \
             (place(strcol(2), $0)):(hue(strcol(2))) with points pointtype 7 pointsize 1.2 linecolor rgb variable, \
         '' using (y == 1 && is(strcol(2)) ? 8 : 1/0):(place(strcol(2), $0)): \
             (strcol(2) eq 'default' ? 'default' : strcol(2).':  '.strcol(1)) with labels right noenhanced offset -0.6, 0
}
unset multiplot
