# alt: The difference that the number of parts makes to a sum, in units of its last place. Summed
# part by part it jumps up and down; the answer stays at zero for each number of parts from 1 to 16.
dir = '.'
load 'plots/style.gp'
eval canvas(800, 420)
set output png
set lmargin at screen 0.13; set bmargin at screen 0.18
set xlabel "number of parts"
set ylabel "off, in last places"
set xrange [0.5:16.5]
set key outside top center horizontal
plot dat using 1:3 with linespoints lt 4 title "each part summed by itself", \
     dat using 1:2 with linespoints lt 1 title "your blocks"
