# alt: Three rows of small grey pictures of digits. Above, twenty drawn exactly from the law; below,
# twenty by your sampler. Both are equally sharp, equally grainy, and all digits occur in both.
dir = '.'
load 'plots/style.gp'
eval canvas(760, 620)
set output png
set multiplot
unset border; unset tics; unset colorbox; unset grid; unset key
set palette defined (0 '#ffffff', 1 '#000000')
set cbrange [0:100]
set xrange [-1:150]; set yrange [30:-1]
set lmargin at screen 0.03; set rmargin at screen 0.97
set tmargin at screen 0.93; set bmargin at screen 0.53
set title "exact draws of the law"
plot dat index 0 using 1:2:3 with image pixels
set tmargin at screen 0.44; set bmargin at screen 0.04
set title "your sampler's"
plot dat index 1 using 1:2:3 with image pixels
unset multiplot
