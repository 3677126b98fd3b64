load 'plots/style.gp'

# alt: A film. 400 points, scattered like noise, draw together in forty steps, until each is at one of eight
# points on a circle, while the standard deviation of the noise that is left falls from 1 to 0.

# The film at the top of README.md, from the frames that examples/film.c prints (make film does
# both):
#
#     gnuplot -e "dir='out/film'" plots/readme_circle.gp

set terminal gif animate delay 9 loop 0 size 300,330 enhanced font 'Sans,11' background '#ffffff'
set output dir.'/readme_circle.gif'
frames = dir.'/frames.dat'
stats frames using 1 nooutput
last = STATS_blocks - 2

array level[last + 1]
do for [k = 0:last] {
    stats frames index k every ::0::0 using (level[k + 1] = $1) nooutput
}
set xrange [-2.4:2.4]; set yrange [-2.4:2.4]
set size ratio -1
unset border; unset tics; unset grid
set lmargin 0; set rmargin 0; set bmargin 0.5; set tmargin 2.2
# the last frame stands for three seconds
do for [k = 0:last + 30] {
    i = k > last ? last : k
    set title i < last ? sprintf("noise left: %.2f", level[i + 1]) : 'samples of the learnt circle' \
        textcolor rgb '#222222'
    plot '+' using (cos($0 * pi / 4)):(sin($0 * pi / 4)) every ::0::7 with points pt 6 ps 2.2 lc rgb orange, \
        frames index i every ::1 using 1:2 with points pt 7 ps .35 lc rgb blue
}
