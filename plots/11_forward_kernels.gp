load 'plots/style.gp'

# alt: Mean and band of 95 % of eight processes that start at 4, with dots from simulated paths on
# the lines. Under VP and its kin the mean falls to 0; under VE and EDM it stays and the band
# opens.

# Where a point that starts at x0 = 4 may be: mean 4m(t), and the band of ± 2 s(t) that holds 95 %.
# Lines and bands are (1.5); the dots are 40 000 simulated paths that know only f and g.

eval canvas(1200, 720)
set output dir.'/11_forward_kernels.png'
data = dir.'/kernel_bands.dat'

names = "'VP' 'cosine' 'sub-VP' 'rectified' 'VE' 'EDM' 'your β = 1' 'your σ² = t'"
array T[8] = [1, 0.999, 1, 0.999, 1, 80, 4, 1]
array low[8] = [-3, -3, -3, -3, -120, -190, -3, 1]
array high[8] = [5, 5, 5, 5, 120, 190, 5, 7]

unset key
set multiplot layout 2, 4 margins 0.055, 0.985, 0.105, 0.80 spacing 0.045, 0.15 \
    title "{/:Bold=19 Eight forward processes, all starting at x_0 = 4}"
do for [j = 1:8] {
    c = 5 * (j - 1)
    set title "{/:Bold ".word(names, j)."}"
    set xrange [0:T[j]]
    set yrange [low[j]:high[j]]
    set xtics T[j] > 1.5 ? T[j] / 4 : 0.5
    set ytics j == 5 ? 60 : j == 6 ? 80 : 2
    set xlabel j > 4 ? 'diffusion time t' : '' offset 0, 0.3
    set ylabel j % 4 == 1 ? 'x' : '' offset 1.5, 0
    plot data using c+1:(4*column(c+2)-2*column(c+3)):(4*column(c+2)+2*column(c+3)) \
             with filledcurves linecolor rgb sky, \
         '' using c+1:(4*column(c+2)) with lines linecolor rgb blue linewidth 2, \
         '' every 8 using c+1:(4*column(c+4)) with points linetype 4 pointtype 7 pointsize 0.8, \
         '' every 8 using c+1:(4*column(c+4)-2*column(c+5)) with points linetype 2 pointtype 7 \
             pointsize 0.7, \
         '' every 8 using c+1:(4*column(c+4)+2*column(c+5)) with points linetype 2 pointtype 7 \
             pointsize 0.7
}
eval legend_band(0.87, 0.93)
plot 2 with filledcurves linecolor rgb sky title '4m ± 2s of (1.5)', \
     2 with lines linecolor rgb blue title '4m', \
     2 with points linetype 4 pointtype 7 title 'mean of paths', \
     2 with points linetype 2 pointtype 7 title 'mean ± 2 std of paths'
unset multiplot
