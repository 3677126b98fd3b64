load 'plots/style.gp'

# alt: Eight panels of arrows around three humps, with errors in red. Denoising and explicit
# matching are nearly white, the implicit and sliced ones red between the humps.

# What each loss has learnt after the same number of steps, at t = 0.1: arrows, and in red how far
# they are off where the density is more than a fiftieth of its maximum (elsewhere hardly any point
# ever was). In percent: the share of the score not learnt, over all t. The last panel is the exact
# score over the density.

eval canvas(1250, 760)
set output dir.'/13_score_matching_fields.png'
names = "'ESM' 'ISM' 'SSM' 'SSM-VR' 'DSM' 'energy, DSM' 'energy, SSM-VR' 'exact score and density'"
array share[7]
stats dir.'/field_7.dat' using 5 nooutput
densest = STATS_max
stats dir.'/shares.dat' using (share[int($0) + 1] = $1, 0) nooutput
set multiplot layout 2, 4 margins 0.03, 0.9, 0.04, 0.87 spacing 0.03, 0.09 \
    title "{/:Bold=19 One network, equal steps: learnt score (arrows), its error (red), share not learnt (%)}"
set xrange [-2.5:2.5]; set yrange [-2.5:2.5]
set size ratio 1
set xtics 1; set ytics 1
set format x ''
set format y ''
unset grid
set style fill solid 1 noborder # of the colour box
set cbrange [0:1]
length(u, v) = 0.16 * (u*u + v*v + 1e-9)**0.125 / sqrt(u*u + v*v + 1e-9)
on(i) = int(i) % 4 == 0 && int(i / 81) % 4 == 0 # one arrow for 16 pixels
do for [k = 0:7] {
    set palette defined (0 '#ffffff', 0.35 '#fbd9c4', 0.7 '#f09a6a', 1 '#D55E00')
    if (k == 7) {
        set palette defined (0 '#ffffff', 0.15 '#d6e6f4', 0.4 '#6aaed6', 0.7 '#1f6eb3', 1 '#08306b')
        set cbrange [0:*]
    }
    set title "{/:Bold ".word(names, k + 1)."}". \
        (k < 7 ? sprintf("  %.1f %%", 100 * share[k + 1]) : "")
    unset colorbox
    if (k == 6) { # of s_t ‖score - exact‖
        set colorbox user origin 0.92, 0.1 size 0.014, 0.65
        set cbtics 0.25
        set format cb '%.2f'
    }
    file = dir.sprintf('/field_%d.dat', k)
    plot file using 1:2:(k == 7 ? $5 : $5 > densest / 50 ? $6 : 0) with image, \
         file using (on($0) ? $1 - 0.5*$3*length($3,$4) : NaN):($2 - 0.5*$4*length($3,$4)): \
             ($3*length($3,$4)):($4*length($3,$4)) \
             with vectors head size 0.06,25 filled linewidth 1 linecolor rgb '#222222'
}
unset multiplot
