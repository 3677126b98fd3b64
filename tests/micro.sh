#!/bin/bash
# tests/micro.sh BUILD: lesson 00, a program of its own. Its floor is what the library's exact score says; its rows
# pass with three keys; each exercise brings the row that its comment states, and without the change that row is another.
set -u
build=$1 source=tutorial/00_micro.c bad=0
say() { echo "00_micro: $*"; bad=1; }
rows() { # rows FOLDER PROGRAM: its table, in a folder of its own
    mkdir -p "$1" && "$2" "$1" >"$1/said" || say "$2 fails"
}
got() { awk -F'\t' -v name="$2" '$1 == name {print $2}' "$1/checks.tsv"; }
near() { awk -v a="$1" -v b="$2" -v by="$3" 'BEGIN {d = a - b; exit !(a != "" && d <= by && -d <= by)}'; }

${CC:-cc} -O2 -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror $source -o "$build/micro" -lm || exit 1
for key in 3 1; do # 2: below, by make
    SGM_SEED=$key rows "$build/study/00_micro" "$build/micro"
    ! grep FAIL "$build/study/00_micro/checks.tsv" || say "key $key: rows fail"
done
plots/draw.sh 00_micro || say "no figure"
SGM_SEED=2 SGM_OUT="$build/a folder" make -s OUT="$build" 00_micro >/dev/null && [ -s "$build/a folder/study/00_micro/checks.tsv" ] ||
    say "does not run in a folder with a blank in its name"
! grep FAIL "$build/a folder/study/00_micro/checks.tsv" || say "key 2: rows fail"
for odd in MODE=quick SGM_SEED=abc SGM_SEED=-1 SGM_SEED=184467440737095516150; do
    (export "$odd"; make -s OUT="$build" 00_micro >/dev/null 2>&1) && say "takes $odd"
done
[ "$(wc -l <"$build/study/00_micro/said")" -le 24 ] || say "prints more than 24 lines"
LC_ALL=C sed 's/[\x80-\xBF]//g' $source "$build/study/00_micro/said" | LC_ALL=C awk 'length($0) > 80' | grep . && say "longer than 80 columns"
! "$build/micro" "$build/nowhere" 2>/dev/null || say "writes into a folder that is not there"

# the two floors that are stated, by quadrature with the library
${CC:-cc} -O2 -std=c99 -I. -DSGM_LINKED tests/micro.c "$build/sgm.o" -fopenmp -o "$build/micro_floor" -lm || exit 1
floor=$("$build/micro_floor") spiral=$("$build/micro_floor" 1)
near "$(sed -n 's/.*truth\[\] = {\(\.[0-9]*\),.*/\1/p' $source)" "$floor" .0001 || say "the ring's floor is $floor"

# exercises: they say that they came out, the row is the one declared, and without the change it is another
for k in 1 2 3; do
    tutorial/try.pl 00.$k "${CC:-cc} -O2 -std=c99" "$build" >"$build/said" 2>&1 &&
        grep -qx "exercise $k: as declared" "$build/said" || { cat "$build/said"; say "exercise $k"; }
    declared=$(awk -v k="($k)" 'index($0, k) == 1 {on = 1} on && /^> row/ {print; exit}' $source)
    name=$(echo "$declared" | cut -d'"' -f2)
    value=$(echo "$declared" | sed 's/.*= \([-.0-9]*\) ±.*/\1/') by=$(echo "$declared" | sed 's/.*± //')
    near "$(got "$build/try/$k/study/00_micro" "$name")" "$value" "$by" || say "exercise $k: $name is not $value ± $by"
    near "$(got "$build/study/00_micro" "$name")" "$value" "$by" && say "exercise $k: $name is $value without it, too"
    [ $k != 1 ] || near "$value" "$spiral" .0005 || say "the spiral's floor is $spiral"
done
model=$(perl -0777 -ne 's{/\*.*?\*/}{}gs; s/static arrow best.*//s; print scalar grep { /\S/ } split /\n/' $source)
grep -q "in $model lines of C" $source || say "the model has $model lines"
exit $bad
