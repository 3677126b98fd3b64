load 'plots/style.gp'

# alt: Fifteen panels of blue samples on grey exact ones. For the mask all look alike; for the
# projection and the blur some methods drift off or are too narrow.

# Two numbers of x that the mask hides: exact draws in grey, each method's over them.

set output dir.'/23_conditional_samples.png'
eval canvas(1350, 960)
unset key
set multiplot layout 3, 5 margins 0.05, 0.985, 0.05, 0.88 spacing 0.025, 0.07 \
    title "{/:Bold=19 Numbers 1 and 2 of x given y, the prior's score exact: exact draws in grey}"
names = '"referee''s score" "replacement" "RePaint" "DPS" "ΠGDM"'
set xtics 1; set ytics 1
do for [a in "mask projection blur"] {
    stats dir.'/samples_'.a.'.dat' using 1 nooutput name 'X'
    stats dir.'/samples_'.a.'.dat' using 2 nooutput name 'Y'
    set xrange [X_min - 0.7:X_max + 0.7]; set yrange [Y_min - 0.7:Y_max + 0.7]
    do for [m = 0:4] {
        set title "{/:Bold ".a."}: ".word(names, m + 1) font ',13'
        plot dir.'/samples_'.a.'.dat' using 1:2 with points pointtype 7 pointsize 0.35 linecolor rgb '#B0B0B0', \
             '' using (column(3 + 2*m)):(column(4 + 2*m)) with points pointtype 7 pointsize 0.3 linecolor rgb '#600072B2'
    }
}
unset multiplot
