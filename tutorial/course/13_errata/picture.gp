# alt: For data N(0, c): by how many standard errors the variance of 5000 samples is off, by slip,
# against c. At c = 1 the wrong time and the wrong start drop out of sight; at c = 4 all five are
# seen.
dir = '.'
load 'plots/style.gp'
eval canvas(900, 540)
set output png
set logscale xy
set xlabel 'variance c of the data'
set ylabel 'standard errors off, 5000 samples'
set xrange [.125:7]
set yrange [.1:3e4]
set xtics (".125" .125, ".25" .25, ".5" .5, "1" 1, "2" 2, "4" 4)
set key top left reverse Left maxrows 3
set arrow 1 from .125, 5 to 7, 5 nohead linecolor rgb grey dashtype 3
set label 1 'seen above 5' at .13, 6.4 textcolor rgb grey
plot dat using 1:2 with lines title "noise √β", \
     dat using 1:3 with lines title 'β at the other end', \
     dat using 1:4 with lines title 'score at the other time', \
     dat using 1:5 with lines title "start from N(0, 1)", \
     dat using 1:6 with lines title 'half the score'
