# alt: The variance of the points against the time, on a logarithmic scale, from t = 1 on the left
# to t = 0 on the right. The truth is a broad pale line that falls from 1 to about a quarter, and
# your steps lie on it. Four thin lines leave it and do not come back: half the score ends some
# twelve times above, the noise that is √2 too strong twice above, the drift of the wrong sign at
# six tenths, and the noise of g times the step a thousand times below.
dir = '.'
load 'plots/style.gp'
eval canvas(1120, 560)
set output png
set lmargin at screen 0.11
set rmargin at screen 0.66
set title 'N(0, C) data, 800 reverse steps: the variance on the way back'
set xlabel 'time t (the way back runs to the right)'
set ylabel 'variance V'
set xrange [1:0]
set logscale y
set yrange [2e-4:20]
set format y '10^{%T}'
set key outside right center
plot dat using 1:3 with lines linewidth 9 linecolor rgb pale title 'the truth', \
     dat using 1:4 with lines linewidth 1 linecolor rgb vermilion title '½g² for g²', \
     dat using 1:5 with lines linewidth 1 linecolor rgb orange title 'noise √2 too large', \
     dat using 1:7 with lines linewidth 1 linecolor rgb purple title 'f with the forward sign', \
     dat using 1:6 with lines linewidth 1 linecolor rgb green title 'noise g Δ for g √Δ', \
     dat using 1:2 with lines linewidth 2 linecolor rgb blue title 'your steps'
