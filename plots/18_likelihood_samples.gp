load 'plots/style.gp'

# alt: Two moons of fresh data, and samples of the document's network by two methods: the moons
# are there, but wide and fuzzy.

# 10 000 samples of the document's network, two ways, beside fresh data.

set output dir.'/18_likelihood_samples.png'
eval canvas(1200, 470)
unset key
set multiplot layout 1, 3 margins 0.04, 0.99, 0.09, 0.79 spacing 0.035, 0 \
    title "{/:Bold=19 10 000 samples of the document's network}"
set xrange [-2.4:2.4]; set yrange [-2.1:2.1]
set size ratio -1
set xtics 1; set ytics 1
names = "'fresh data' 'Euler–Maruyama, 1000 steps' 'probability-flow ODE, RK45'"
files = 'samples_fresh samples_sde samples_ode'
do for [k = 1:3] {
    set title "{/:Bold ".word(names, k)."}"
    plot dir.'/'.word(files, k).'.dat' using 1:2 with points pointtype 7 pointsize 0.15 linecolor rgb '#900072B2'
}
unset multiplot
