#!/usr/bin/env bash
# The driver of the benchmark of tables on a law whose log density is known (part of make test).
#
# x2 ~ N(0,1), x1 = 10 + 3 x2 + N(0,1), and x3 in {0,1,2} with the shares .6 .3 .1 where x2 > 0,
# else .1 .3 .6. The truth is the mean of -log p of the same rows, so what is compared is paired.
# 500 rows tell 5 numbers of a Gaussian and 2·2 shares: 9/(2·500) = .01 nats at the least. x2 tells
# .198 nats of x3, so a model that missed it would be .21 above the truth: what passes is below .18,
# and not below the truth by more than 3 standard errors of a paired difference of .5 a row, .07.
set -u
cd "$(dirname "$0")/../../.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
rows() { # SEED SHIFT FILE: rows, and on the screen their mean -log p before x1 is shifted
    awk -v seed="$1" -v shift="$2" -v file="$3" '
        function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand()) }
        BEGIN {
            srand(seed)
            for (i = 0; i < 500; i++) {
                b = normal(); e = normal(); a = 10 + 3 * b + e; u = rand()
                low = b > 0 ? .6 : .1
                c = u < low ? 0 : u < low + .3 ? 1 : 2
                p = c == 1 ? .3 : c == 0 ? low : .7 - low
                sum += 1.8378770664093453 + (b * b + e * e) / 2 - log(p)
                printf "%.9g,%.9g,%d\n", a + shift, b, c >file
            }
            printf "%.6f\n", sum / 500
        }'
}
# with what the tests have compiled, $1/sgm.o, or with the Makefile's own
driver=out/bin/tables
if [ -f "${1:-}/sgm.o" ]; then
    driver=$1/bin/tables
    # shellcheck disable=SC2086
    ${CC:-cc} ${flags:--I.} -DSGM_LINKED tests/bench/tables/tables.c "$1/sgm.o" -o "$driver" -lm ||
        exit 1
else make -s $driver || exit 1
fi
rows 1 0 "$dir/train.csv" >/dev/null
truth=$(rows 2 0 "$dir/test.csv")
rows 2 1 "$dir/moved.csv" >/dev/null
ask() { # FILE: the mean -log p of its rows
    SGM_QUALITY=fast "$driver" "$dir/train.csv" "$1" "$dir/drawn.csv" 500 nni | cut -d' ' -f1
}
nll=$(ask "$dir/test.csv") moved=$(ask "$dir/moved.csv")
# planted: rows whose x1 is a standard deviation of its noise too high, which costs about half a nat
awk -v nll="$nll" -v truth="$truth" -v moved="$moved" 'BEGIN {
    over = nll - truth
    printf "bench-tables: -log p %.3f, truth %.3f (from -.07 to .18 above it); moved rows %.3f\n",
        nll, truth, moved
    exit !(nll != "" && over > -.07 && over < .18 && moved - truth > .30)
}' || { echo "bench-tables: FAIL"; exit 1; }
[ "$(grep -c , "$dir/drawn.csv")" -ge 500 ] || { echo "bench-tables: no samples"; exit 1; }
