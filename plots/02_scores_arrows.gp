load 'plots/style.gp'

# alt: Three maps of two humps with arrows. Without noise long arrows point into the nearer hump; with noise 1 they are
# shorter and the humps broader; with noise 2 there is one broad hump, and all arrows point to the middle.

# The score of two humps, and what noise does to it: the arrows get shorter and in the end point to one middle.

set output dir.'/02_scores_arrows.png'
eval canvas(1200, 520)
unset key
unset colorbox
unset grid
var(s) = 0.25 + s*s
left = real(system("awk '!/#/{print $6; exit}' '".dir."/field.dat'"))
p(x, y, s) = (1 - left)*exp(-((x - 2)**2 + y**2)/2/var(s)) + left*exp(-((x + 2)**2 + y**2)/2/var(s))
long(x, y) = sqrt(x*x + y*y)
k(x, y) = 0.42/(2 + long(x, y))*1.35
set multiplot layout 1, 3 margins 0.045, 0.985, 0.13, 0.79 spacing 0.045, 0 \
    title "{/:Bold=19 The score of two humps, and what noise σ makes of it}\n{/=14 blue: the density, each on its own scale; arrows: the score, long ones drawn shorter than they are}"
set xrange [-5:5]; set yrange [-5:5]
set xtics 2; set ytics 2
set xlabel 'x' offset 0, 0.6; set ylabel 'y' offset 1.2, 0
set samples 101; set isosamples 101
do for [s = 0:2] {
    set title sprintf("{/:Bold σ = %d}", s)
    plot '++' using 1:2:(p($1, $2, s)) with image, \
         dir.'/field.dat' using ($5 == s ? $1 - $3*k($3, $4)/2 : NaN):($2 - $4*k($3, $4)/2):($3*k($3, $4)):($4*k($3, $4)) \
         with vectors head size 0.13, 25 filled linecolor rgb vermilion linewidth 0.9
}
unset multiplot
