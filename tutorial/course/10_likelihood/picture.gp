# alt: The density of two humps on a line: exact, by your 48 steps of Heun, which lie on it, and
# by 8
# steps of Euler, which stand above it between the humps: their area is more than 1.
dir = '.'
load 'plots/style.gp'
eval canvas(900, 520)
set output png
set xlabel 'x'
set ylabel 'density p(x)'
set xrange [-3:3]
set yrange [0:*]
set key top left reverse Left
plot dat using 1:2 with lines linecolor rgb black linewidth 4 title 'exact', \
     dat using 1:3 every 2 with points linetype 2 title 'yours: 48 steps of Heun', \
     dat using 1:4 with lines linetype 1 dashtype 2 title '8 steps of Euler'
