load 'plots/style.gp'

# alt: Variance against the guidance scale on one Gaussian: the tilted law, the SDE and the flow
# give three different curves, which agree at 0 and 1 only. Dots of samples lie on them.

# One Gaussian: the variance that guided runs draw, against that of p(x)p(y|x)^γ; and why they part.

set output dir.'/19_guidance_law.png'
eval canvas(1350, 560)
set multiplot layout 1, 3 margins 0.05, 0.985, 0.13, 0.81 spacing 0.07, 0 \
    title "{/:Bold=19 Guidance on one Gaussian: three laws where one would expect one}"
c = 0.5
sde(g) = abs(2*g - 1) < 1e-6 ? c*log(1/c)/(1 - c) : c*(1 - c**(2*g - 1))/((1 - c)*(2*g - 1))
naive(g) = c/(c + g*(1 - c))
set xrange [0:4.15]; set yrange [0:1.05]
set xlabel 'γ' offset 0, 0.3
set title "{/:Bold variance, c = ½}"
set key top right
plot naive(x) with lines linecolor rgb black title 'p(x) p(y|x)^γ', \
     sde(x) with lines linecolor rgb blue title 'SDE (T19.2)', \
     c**x with lines linecolor rgb vermilion title 'flow (T19.2)', \
     dir.'/law.dat' using 1:2 with points pointtype 7 linecolor rgb blue title 'samples', \
     '' using 1:3 with points pointtype 7 linecolor rgb vermilion title 'samples'
set title "{/:Bold the flow, limited to .3 < σ < 2}"
w(s) = (c + s*s)/(1 + s*s)
plot naive(x) with lines linecolor rgb black title 'p(x) p(y|x)^γ', \
     c**x with lines linecolor rgb vermilion title 'flow, all σ', \
     c*(w(0.3)/w(2.))**(x - 1) with lines linecolor rgb green title 'in the interval (T19.3)', \
     dir.'/law.dat' using 1:4 with points pointtype 7 linecolor rgb green title 'samples'
set title "{/:Bold slope of the score × σ², γ = 2}"
set logscale x 10
set xrange [0.05:30]; set yrange [0:1.1]
set xlabel 'σ, the noise' offset 0, 0.3
set key top left Left reverse
A(v) = -1/(1 + v) + 2/(c + v)
plot x*x/(1./3 + x*x) with lines linecolor rgb black title 'of noised p(x) p(y|x)²', \
     x*x*A(x*x) with lines linecolor rgb purple title 'of guidance', \
     x*x/(c + x*x) with lines linecolor rgb grey dashtype 2 title 'of noised p(x|y)'
unset multiplot
