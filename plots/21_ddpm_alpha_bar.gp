load 'plots/style.gp'

# alt: Left: the signal left over of DDPM's two tables lies on the curves of two VP processes.
# Right: the cosine table does not differ at all, the linear one by up to .07 in the logarithm.

# How much of the signal's variance is left: two tables of a thousand βs, and the processes they are tables of.

set output dir.'/21_ddpm_alpha_bar.png'
eval canvas(1200, 540)
set multiplot layout 1, 2 margins 0.07, 0.985, 0.14, 0.80 spacing 0.1, 0 \
    title "{/:Bold=19 DDPM's tables are VP processes, read at t = k/1000}"
data = dir.'/alpha_bar.dat'
set xlabel 't = k/N'
set xrange [0:1]
set title "{/:Bold what is left of the signal}"
set ylabel 'ᾱ'
set yrange [0:1.02]
set key top right
plot data using 1:3 with lines linecolor rgb sky linewidth 7 title 'VP(0.1, 20):  exp(−∫β)', \
     data using 1:5 with lines linecolor rgb yellow linewidth 7 title 'cosine process', \
     data using 1:2 with lines linecolor rgb blue title 'linear table:  Π(1−β_k)', \
     data using 1:4 with lines linecolor rgb vermilion title 'cosine table'
set title "{/:Bold how far table and process part}"
set ylabel 'log ᾱ of the table − of the process' offset 0.5, 0
set yrange [-0.08:0.02]
set key at graph 0.04, 0.32 left top Left reverse
plot data every ::0::998 using 1:(log($4/$5)) with lines linecolor rgb vermilion title 'cosine: not at all', \
     data using 1:(log($2/$3)) with lines linecolor rgb blue title 'linear: (T21.1), the squares of β', \
     data using 1:(9.95*$1*(1-$1)*1e-3*1000/999 - 0.5*(1e-5*$1 + 1.99e-3*$1**2 + 0.13200333*$1**3)) every 50 with points pointtype 6 pointsize 1.4 linecolor rgb black title '−½∫β^2/N + (Σ − ∫)'
unset multiplot
