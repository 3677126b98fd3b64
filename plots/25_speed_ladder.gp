load 'plots/style.gp'

# alt: Bars of a matrix product's speed: from 4 GFLOP/s for three loops over 42 with vectors and
# 130 with tiles to 250 by AVX-512, near the peak. A layer follows the memory's roof until enough
# points share a weight.

# Left: the speed of each rung below the processor's peak. Right: the roofline (T25.1), and the
# library's speed for a layer that lies in no cache, on logarithmic scales.

eval canvas(1300, 640)
set output dir.'/25_speed_ladder.png'
ladder = dir.'/ladder.dat'
layers = dir.'/layers.dat'
stats ladder using 3 nooutput
peak = STATS_max
rungs = STATS_records
stats layers using ($4 < 0.999 * peak ? $4 / $2 : NaN) nooutput
bandwidth = STATS_max # the slope, where the roof is slanted
ridge = peak / bandwidth

set multiplot title "{/:Bold=19 The same sums, from three loops to the peak of one core}"

set title "{/:Bold product of two square matrices}"
set lmargin at screen 0.145
set rmargin at screen 0.52
set tmargin at screen 0.83
set bmargin at screen 0.135
set xrange [0:1.12 * peak]
set yrange [rungs - 0.4:-1.4]
set xlabel 'GFLOP/s'
set xtics 20
set border 1
set grid noytics
set ytics scale 0
set arrow 1 from peak, -0.65 to peak, rungs - 0.4 nohead linecolor rgb vermilion linewidth 2 front
set label 1 sprintf('peak %.0f', peak) at peak, -1.0 center textcolor rgb vermilion
shown(x) = sprintf(x < 9.95 ? ' %.1f ' : ' %.0f ', x)
fits(x) = x > 0.5 * peak
is_library(s) = strstrt(s, 'library') > 0
plot ladder using (0):0:(0):2:($0 - 0.36):($0 + 0.36):ytic(1) with boxxyerror \
         linecolor rgb blue fillstyle solid 1 noborder, \
     '' using (is_library(strcol(1)) ? 0 : NaN):0:(0):2:($0 - 0.36):($0 + 0.36) with boxxyerror \
         linecolor rgb orange fillstyle solid 1 noborder, \
     '' using (fits($2) ? NaN : $2):0:(shown($2)) with labels left textcolor rgb '#222222', \
     '' using (fits($2) ? $2 : NaN):0:(shown($2)) with labels right textcolor rgb '#ffffff'

set title "{/:Bold a layer with 64 MiB of weights, and its roof}"
set lmargin at screen 0.615
set rmargin at screen 0.975
unset arrow 1
unset label 1
set border 3
set grid xtics ytics
set logscale x
set xrange [0.3:130]
set yrange [2:200]
set logscale y
set xlabel 'operations per byte of memory'
set ylabel 'GFLOP/s' offset 1.2, 0
set xtics (0.5, 1, 2, 5, 10, 20, 50, 100)
set ytics scale 0.6 (2, 5, 10, 20, 50, 100, 200)
set label 2 sprintf('memory %.0f GB/s', bandwidth) at 0.6, 0.6 * bandwidth * 1.42 \
    rotate by 51 textcolor rgb vermilion
set label 3 sprintf('peak %.0f', peak) at 60, peak * 1.2 center textcolor rgb vermilion
roof(x) = x < ridge ? bandwidth * x : peak
plot roof(x) with lines linecolor rgb vermilion linewidth 2.5, \
     layers using 2:3 with linespoints linecolor rgb orange pointtype 7 pointsize 1.5, \
     '' using ($2 * 1.12):($3 * 0.88):($0 == 0 ? '1 point' : sprintf('%d', $1)) with labels left \
         textcolor rgb '#222222'
unset multiplot
