load 'plots/style.gp'

# alt: Two rising curves: samples are somewhat further from their nearest training digit than
# fresh digits are, so they are no copies.

# Are the samples copies? How far each is from its nearest training digit, and how far fresh digits are from
# theirs. A copy would be at the left edge.

set output dir.'/22_digits_copies.png'
eval canvas(900, 520)
set title "{/:Bold=17 Distance to the nearest training digit}"
set xlabel 'distance, root of the summed squares of pixels in [0,1]'
set ylabel 'share of digits that are nearer'
stats dir.'/nearest.dat' using 1 nooutput
n = STATS_records
set xrange [0:*]
set yrange [0:1]
set key top left Left reverse
plot dir.'/nearest.dat' using 1:(($0 + 0.5)/n) with steps linetype 1 title 'samples', \
     '' using 2:(($0 + 0.5)/n) with steps linecolor rgb black linewidth 2 title 'fresh digits'
