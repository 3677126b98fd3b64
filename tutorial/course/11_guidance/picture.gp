# alt: Variance of guided samples for γ from 0 to 4, by the SDE and by the flow, and that of the
# density
# p(x) p(y|x)^γ. The three meet at γ = 0 and 1 alone; your points lie on the first two.
dir = '.'
load 'plots/style.gp'
eval canvas(900, 520)
set output png
set xlabel 'γ'
set ylabel 'variance of what is drawn'
set yrange [0:1.02]
set key top right
set arrow 1 from 1, 0 to 1, .5 nohead linecolor rgb grey dashtype 3
set label 1 'Bayes' at 1.03, .06 textcolor rgb grey
plot dat using 1:6 with lines linecolor rgb black linewidth 3 \
         title 'p(x) p(y|x)^γ, which neither draws', \
     dat using 1:4 with lines linetype 1 title 'SDE, exact', \
     dat using 1:2 with points linetype 1 title 'SDE, with your mix', \
     dat using 1:5 with lines linetype 2 title 'flow, exact', \
     dat using 1:3 with points linetype 2 title 'flow, with your mix'
