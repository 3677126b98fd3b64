# alt: Seven pairs of bars: how often a reader gave each answer to 12000 damaged files, and how
# often that is right. For a right reader the bars of each pair are equally long; most files are
# cut or claim more than they have.
dir = '.'
load 'plots/style.gp'
eval canvas(900, 420)
set output png
set title "{/:Bold What your reader said of 12000 files}"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set bmargin 4
set ylabel 'files' offset 1, 0
set yrange [0:*]
set key top right
set xtics ("sound" 0, "1 no\ntable" 1, "2 size\nof 0" 2, "3 cut" 3, "4 too\nlong" 4)
set xtics add ("5 no\nroom" 5, "6 not\nfinite" 6)
plot dat index 1 using 2 linecolor rgb blue title 'yours', \
     '' index 1 using 3 linecolor rgb orange title 'right'
