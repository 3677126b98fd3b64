# The common style of all figures. A figure's script begins with this line and nothing else:
#
#     load 'plots/style.gp'
#
# and is run from the project's folder, told where the tutorial has put its data:
#
#     gnuplot -e "dir='out/full/11_forward'" plots/11_forward_paths.gp
#
# It writes one PNG into that folder, named like the script.

if (!exists('dir')) {
    print 'error: say where the data is: gnuplot -e "dir=''out/full/11_forward''" plots/11_forward_paths.gp'
    exit status 1
}

# canvas(w, h) is the command for a page of w by h pixels: `eval canvas(1200, 700)` replaces the one
# below. The letters keep their size, so a wider page has room for more panels.

canvas(w, h) = sprintf("set terminal %s size %d,%d", TERMINAL, w, h)
if (strstrt(GPVAL_TERMINALS, 'pngcairo')) {
    TERMINAL = "pngcairo enhanced font 'Sans,15' linewidth 1.6 rounded background '#ffffff'"
} else {
    TERMINAL = "png enhanced truecolor font 'Sans,13' linewidth 1.6 background '#ffffff'"
}
eval canvas(1000, 600)
set encoding utf8

# Okabe and Ito's eight colours: told apart by colour-blind readers, and in grey print by their lightness.
# Take blue, orange and green first; keep black for the exact truth.

black = '#000000'; blue = '#0072B2'; orange = '#E69F00'; green = '#009E73'
vermilion = '#D55E00'; purple = '#CC79A7'; sky = '#56B4E9'; yellow = '#F0E442'
grey = '#888888'; pale = '#D9D9D9'

set linetype 1 linecolor rgb blue linewidth 2 pointtype 7 pointsize 0.9
set linetype 2 linecolor rgb orange linewidth 2 pointtype 5 pointsize 0.9
set linetype 3 linecolor rgb green linewidth 2 pointtype 9 pointsize 1.1
set linetype 4 linecolor rgb vermilion linewidth 2 pointtype 11 pointsize 1.1
set linetype 5 linecolor rgb purple linewidth 2 pointtype 13 pointsize 1.1
set linetype 6 linecolor rgb sky linewidth 2 pointtype 7 pointsize 0.9
set linetype 7 linecolor rgb black linewidth 2 pointtype 5 pointsize 0.9
set linetype 8 linecolor rgb yellow linewidth 2 pointtype 9 pointsize 1.1
set linetype cycle 8

# Each figure says in which mode and with which key its data was made: a smoke test need not show what the text
# promises of the full run. plots/draw.sh reads both from the folder's run.tsv.

if (exists('stamp')) {
    set label 9999 stamp at screen 0.003, 0.985 left front font ',10' \
        textcolor rgb (strstrt(stamp, 'test') ? vermilion : grey)
}

# A field whose values matter (a density, a likelihood): light where there is little, dark where much.

set palette defined (0 '#ffffff', 0.15 '#d6e6f4', 0.4 '#6aaed6', 0.7 '#1f6eb3', 1 '#08306b')

# Axes in grey, data in front, a grid that one sees only when looking for it.

set border 3 linecolor rgb '#555555' linewidth 0.8
set tics nomirror out scale 0.6 textcolor rgb '#333333'
set grid back linetype 1 linecolor rgb '#e4e4e4' linewidth 0.6
set style fill solid 0.25 noborder
set style textbox opaque noborder fillcolor rgb '#ffffff'
set key noautotitle samplen 2 spacing 1.15 textcolor rgb '#222222'
set title offset 0, -0.4
set samples 400

# A legend across the whole page, for a multiplot: `eval legend_band(0.86, 0.93)` after the last panel, then a
# plot of nothing whose titles are the legend's entries.

legend_band(low, high) = sprintf("unset border; unset tics; unset grid; unset title; unset xlabel; unset ylabel; \
    unset logscale; set lmargin at screen 0.02; set rmargin at screen 0.98; set bmargin at screen %g; \
    set tmargin at screen %g; set xrange [0:1]; set yrange [0:1]; set key center center horizontal maxrows 1", low, high)
