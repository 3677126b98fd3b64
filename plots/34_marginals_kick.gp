load 'plots/style.gp'

# alt: Left: what is left of a kick decays under the SDE and stays whole under the ODE. Right:
# early errors hurt the ODE, late ones hurt the SDE twice as much.

# A kick at t = ½: what is left of it; and what a wrong score at one time does to both, at the end.

set output dir.'/34_marginals_kick.png'
eval canvas(1250, 520)
set multiplot layout 1, 2 margins 0.07, 0.98, 0.16, 0.84 spacing 0.1, 0 \
    title "{/:Bold=19 Who forgets?}"
set title "{/:Bold points of N(0, ¼), kicked at t = ½}"
set xlabel 'time t, from noise to data'
set ylabel 'what is left, in standard deviations'
set xrange [0.5:0]
set yrange [0:1.1]
set key at graph 0.98, 0.82 right
plot dir.'/kick.dat' using 1:4 with lines linecolor rgb black title 'ρ, the correlation of x_u and x_t', \
     '' using 1:3 every 3 with points linetype 3 title 'ODE', '' using 1:2 every 3 with points linetype 1 title 'SDE'
set title "{/:Bold a score of N(0, 1) that is wrong at time t}"
set xlabel 'when it is wrong'
set ylabel 'damage at the end, SDE over ODE'
set xrange [1:0]
set yrange [0:2.1]
set key at graph 0.45, 0.62 right
set label 1 "early errors:\nthe ODE remembers" at 0.95, 1.5 textcolor rgb grey
set label 2 "late errors:\nthe SDE takes\ntwice as much" at 0.3, 0.85 textcolor rgb grey
plot 1 with lines linecolor rgb grey dashtype 2 notitle, \
     dir.'/kick.dat' using (2 * $1):5 with lines linecolor rgb black title '2ρ = 2m_t'
unset multiplot
