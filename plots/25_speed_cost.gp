load 'plots/style.gp'

# alt: Dots for the models of all proofs: seconds for a thousand samples against the number of
# parameters. The seconds of one evaluation grow along a line as the parameters do.

# What 1000 samples cost against parameters, for all models of the tutorials that have been run. Left: seconds.
# Right: for one evaluation of each, beside the line (T25.3) of two operations for each parameter.

set output dir.'/25_speed_cost.png'
eval canvas(1300, 600)
costs = '< cat '.dir.'/../*/cost.tsv'
stats dir.'/ladder.dat' using 3 nooutput
peak = 1e9 * STATS_max
set datafile separator tab
set multiplot layout 1, 2 margins 0.07, 0.985, 0.12, 0.82 spacing 0.085, 0 \
    title "{/:Bold=19 1000 samples of every model of the tour: processor seconds against parameters}"
set logscale xy
set format x '10^{%T}'
set format y '10^{%T}'
set xrange [500:3e7]
set xlabel 'parameters' offset 0, 0.3
of(k) = substr(strcol(6), 1, 2)
own = "25"
left(s) = s eq own ? 2 : s eq "23" || s eq "15" # on which side of its point a label stands
hue(s) = 1 + int('1'.s) % 7
set title "{/:Bold 1000 samples, seconds}"
plot costs using (of(0) eq own ? NaN : $2):4:(hue(of(0))) with points pointtype 7 pointsize 1.5 linecolor variable, \
     '' using (left(of(0)) ? NaN : $2 * 1.25):4:(of(0)) with labels left font ',11' textcolor rgb '#444444', \
     '' using (left(of(0)) == 1 ? $2 / 1.25 : NaN):4:(of(0)) with labels right font ',11' textcolor rgb '#444444'
set title "{/:Bold 1000 evaluations, seconds}"
set key bottom right
plot costs using (of(0) eq own ? NaN : $2):($4 / $3):(hue(of(0))) with points pointtype 7 pointsize 1.5 linecolor variable, \
     '' using (left(of(0)) ? NaN : $2 * 1.25):($4 / $3):(of(0)) with labels left font ',11' textcolor rgb '#444444', \
     '' using (left(of(0)) == 1 ? $2 / 1.25 : NaN):($4 / $3):(of(0)) with labels right font ',11' textcolor rgb '#444444', \
     '' using (of(0) eq own ? $2 : NaN):($4 / $3) with linespoints linecolor rgb black pointtype 6 pointsize 1.3 title 'layers of 16 … 1024', \
     2000 * x / peak with lines linecolor rgb vermilion linewidth 2 title '2 operations a parameter, at peak'
unset multiplot
