# alt: Ten panels, two rows of five, each with the eight points of a circle as rings and 240 samples
# on them. The first is by the right step, the others by half the score, noise √2 too strong, noise
# with the step in place of its root, noise with its variance, no noise, the drift of the wrong
# sign, no drift, twice the drift, and the drift of the other end. All ten look the same. Below each
# stands the variance on Gaussian data over the true one: 1.002 for the first, and else between
# 0.00001 and 26.9.
dir = '.'
load 'plots/style.gp'
eval canvas(1180, 600)
set output png
set multiplot layout 2,5 margins 0.015,0.985,0.10,0.92 spacing 0.015,0.14
unset border; unset tics; unset grid
set size ratio -1
set xrange [-1.45:1.45]
set yrange [-1.45:1.45]
set samples 9
set parametric
names = "right half-score sqrt2 noise-step noise-variance " . \
    "no-noise drift-sign drift-missing drift-beta other-end"
do for [k = 0:9] {
    set title word(names, k + 1)
    set label 1 sprintf('V/C = %s', word(values, k + 1)) at 0,-1.62 center \
        textcolor rgb (k ? vermilion : green)
    plot [0:2*pi] cos(t), sin(t) with points pointtype 6 pointsize 2.4 linewidth 1.2 \
             linecolor rgb grey, \
         dat index k using 1:2 with points pointtype 7 pointsize 0.55 \
             linecolor rgb (k ? blue : black)
}
unset multiplot
