load 'plots/style.gp'

# alt: Left, guidance by 2 draws two bells, one by the SDE and a narrower one by the flow; the density
# that both are said to follow is a third. Right, the variances of the three agree at 0 and 1 only
# and fall apart beyond.

# Left, what guidance by 2 draws, and the density that it is said to draw from. Right, the variances by γ, known (lines) and drawn (points).

stats dir.'/sde.dat' using 1 nooutput name 'S_'
set output dir.'/09_guidance_laws.png'
eval canvas(1000, 520)
set multiplot
c = 0.5
gauss(x, m, v) = exp(-(x - m)**2 / (2 * v)) / sqrt(2 * pi * v)
bin(x, w) = w * (floor(x / w) + 0.5)
set bmargin at screen 0.16
set tmargin at screen 0.88
set lmargin at screen 0.07
set rmargin at screen 0.53
set title "{/:Bold Guidance by 2: three laws}"
set xrange [-1.4:3.2]
set yrange [0:1.08]
set xlabel 'x, given that y = 1 was measured' offset 0, 0.4
set xtics 1
set ylabel 'density' offset 1, 0
set key top right font ',12' width -2
plot dir.'/sde.dat' using (bin($1, 0.1)):(1. / S_records / 0.1) smooth frequency with boxes linetype 1 fillstyle solid 0.35 title 'SDE, γ = 2', \
     gauss(x, 0.8116, 0.25) with lines linetype 3 title 'flow, γ = 2', \
     gauss(x, 2. / 3, 1. / 3) with lines linetype 2 title 'p(x) p(y|x)^2', \
     gauss(x, 0.5, 0.5) with lines linecolor rgb black title 'p(x|y), γ = 1'
set lmargin at screen 0.63
set rmargin at screen 0.98
set title "{/:Bold The variance by γ}"
set xrange [0:4.15]
set yrange [0:1.08]
set xtics 1
set xlabel 'γ' offset 0, 0.4
set ylabel 'variance' offset 1, 0
sde(g) = c * (abs(2 * g - 1) < 1e-6 ? log(1 / c) / (1 - c) : (1 - c**(2 * g - 1)) / (1 - c) / (2 * g - 1))
plot c / (c + x * (1 - c)) with lines linetype 2 title 'p(x) p(y|x)^γ', \
     sde(x) with lines linetype 1, c**x with lines linetype 3, \
     dir.'/gamma.dat' using 1:2 with points linetype 1 pointsize 1.3 title 'SDE', \
     dir.'/gamma.dat' using 1:3 with points linetype 3 pointsize 1.3 title 'flow'
unset multiplot
