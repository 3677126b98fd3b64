# alt: m falls and s rises with t, for VP, sub-VP and the swell; s against m is a circle for two
dir = '.'
load 'plots/style.gp'
eval canvas(1000, 540)
set output png
set multiplot layout 1,2
set xlabel 't'
set xrange [0:1]; set yrange [0:1.1]
set title 'What is left, and what has come'
set key bmargin center horizontal maxrows 2 samplen 4.5
plot dat using 1:4 with lines lc rgb green lw 6 title 's, sub-VP', \
    dat using 1:2 with lines lc rgb blue title 'm, VP', \
    dat using 1:3 with lines lc rgb blue dt (12, 7) title 's, VP', \
    dat using 1:5 with lines lc rgb orange title 'm, swell', \
    dat using 1:6 with lines lc rgb orange dt (12, 7) title 's, swell', \
    dat every 8 using 1:7 with points lc rgb black pt 7 ps 0.5 title 'exact', \
    for [c=8:11] dat every 8 using 1:c with points lc rgb black pt 7 ps 0.5
set title 'The way through m and s'
set xlabel 'm: the share of the data'; set ylabel 's: the noise'
set size ratio -1
set key inside left bottom vertical maxrows auto
plot dat using 2:3 with lines lc rgb blue lw 5 title 'VP', \
    dat using 5:6 with lines lc rgb orange lw 2 title 'swell', \
    dat using 2:4 with lines lc rgb green lw 2 title 'sub-VP'
unset multiplot
