load 'plots/style.gp'

# alt: A table of shaded numbers: which of eight experiments sees which of five slips. The share of
# samples near a point sees one of them; variances see nearly all.

# Slip by experiment: standard errors between 5000 samples and the truth. Pale: hidden, dark: seen.

set output dir.'/26_errata_hidden.png'
eval canvas(1250, 560)
set title "{/:Bold=19 Standard errors of 5000 samples from the truth: which experiment sees which slip}" offset -10, 0.6
set lmargin at screen 0.235
set rmargin at screen 0.985
set tmargin at screen 0.80
set bmargin at screen 0.05
unset grid
unset border
set xrange [-0.5:7.5]; set yrange [5.5:-0.5]
set palette defined (0 '#f3f3f3', 0.699 '#dfe6ec', 0.7 '#9ecae9', 1.5 '#3f8fc9', 2.6 '#08306b')
set cbrange [0:2.6]
unset colorbox
set x2range [-0.5:7.5]
unset xtics
set x2tics ("8 points:\nshare" 0, "8 points:\ncounts" 1, "8 points:\nhalf way" 2, "2 unequal\npoints" 3, \
    "N(0,1)" 4, "N(0,¼)" 5, "N(0,4)" 6, "N(0,1),\nβ const" 7) scale 0 offset 0, -0.2
set ytics ("no slip" 0, "prior N(0,I) for p_T" 1, "noise of variance √β dt" 2, \
    "drift’s β at the other end" 3, "score at the other end" 4, "½ in the reversal" 5) scale 0
text(z) = z > 998 ? '∞' : sprintf(z < 9.95 ? '%.1f' : '%.0f', z)
plot dir.'/hidden.dat' using 2:1:(log10(1 + ($3 < 0 ? 0 : $3))) with image, \
     '' using 2:1:($3 > 30 ? '' : text($3)) with labels textcolor rgb '#222222', \
     '' using 2:1:($3 > 30 ? text($3) : '') with labels textcolor rgb '#ffffff'
