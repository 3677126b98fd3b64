# alt: A map of log p with three dark humps; arrows of the score lead to them and part between them
dir = '.'
load 'plots/style.gp'
eval canvas(760, 640)
set output png
set title 'Your log p, and your score on it'
set xlabel 'x_1'; set ylabel 'x_2'
set size ratio -1
set style fill solid 1 noborder
set xrange [-4.2:4.2]; set yrange [-4.2:4.2]; set cbrange [-14:-2]
set cblabel 'log p, nats'
cut(u, v) = 0.34 / sqrt(u * u + v * v + 1)
set key off
plot dat using 1:2:5 with image, \
    dat using 1:2:($3 * cut($3, $4)):($4 * cut($3, $4)) with vectors head size 0.09,25 filled \
    lc rgb orange lw 1
