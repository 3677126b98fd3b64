load 'plots/style.gp'

# alt: Four panels: fresh data, and samples by twelve levels with the exact score and with the
# network, all with eight round clouds. With one level the samples lie all over the square.

# What twelve levels give, from the exact score and from the network, and what one level gives in as many steps.

set output dir.'/15_ncsn_samples.png'
eval canvas(1300, 450)
set multiplot layout 1, 4 margins 0.045, 0.992, 0.09, 0.80 spacing 0.03, 0 \
    title "{/:Bold=19 1200 Langevin steps: on twelve levels, and on one}"
set xrange [-8:8]; set yrange [-8:8]
set size ratio 1
set xtics 5; set ytics 5
$modes << EOD
5 0
3.5355 3.5355
0 5
-3.5355 3.5355
-5 0
-3.5355 -3.5355
0 -5
3.5355 -3.5355
EOD
names = "'fresh data' 'twelve levels, exact score' 'twelve levels, network' 'one level: stuck'"
files = 'samples_fresh samples_exact samples stuck'
do for [k = 1:4] {
    set title "{/:Bold ".word(names, k)."}"
    plot dir.'/'.word(files, k).'.dat' every ::::3999 using 1:2 with points pointtype 7 pointsize 0.3 linecolor rgb '#A00072B2', \
         $modes using 1:2:(1.2) with circles linecolor rgb orange linewidth 1.5 fillstyle empty
}
unset multiplot
