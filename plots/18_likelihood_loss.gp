load 'plots/style.gp'

# alt: Bars by time. Nearly all of the loss is floor; the excess is largest near t = 0, where the
# document's network has a hundred times that of the second rung's.

# Where the loss is, and where the likelihood is lost: the same excess, seen by both.

set output dir.'/18_likelihood_loss.png'
eval canvas(1200, 520)
set multiplot layout 1, 2 margins 0.07, 0.985, 0.15, 0.74 spacing 0.1, 0 \
    title "{/:Bold=19 A loss that is nearly perfect, and what the likelihood sees of it}"
set xrange [-0.5:4.5]
set xtics ('0–¼' 0, '¼–½' 1, '½–1' 2, '1–2' 3, '2–4' 4)
set xlabel 'diffusion time t'
set style fill solid 0.85 noborder
set boxwidth 0.26
unset key
set title "{/:Bold loss: floor, and the document's excess}"
set yrange [0:0.8]
plot dir.'/loss.dat' using 0:($3+$4):(0.6) with boxes linecolor rgb vermilion, \
     '' using 0:3:(0.6) with boxes linecolor rgb pale
set title "{/:Bold excess alone}"
set logscale y
set format y '10^{%T}'
set yrange [1e-5:1e-1]
plot dir.'/loss.dat' using ($0-0.28):4 with boxes linecolor rgb vermilion, \
     '' using 0:6 with boxes linecolor rgb orange, \
     '' using ($0+0.28):5 with boxes linecolor rgb blue
unset format
eval legend_band(0.83, 0.93)
plot -1 with boxes linecolor rgb pale title 'floor', \
     -1 with boxes linecolor rgb vermilion title "the document's network", \
     -1 with boxes linecolor rgb orange title 'without dropout', \
     -1 with boxes linecolor rgb blue title 'second rung'
unset multiplot
