#!/bin/bash
# What the book promises about itself.
set -u
cd "$(dirname "$0")/.." || exit 1
case $1 in
hello) # the program printed at the top of sgm.h is the file that the tests compile
    mkdir -p out/test
    awk '/examples\/hello.c/{found=1} found&&/^    [^ ]|^        |^$/{print} /^# What it does/{exit}' sgm.h |
        sed 's/^    //' | sed '/^# What/d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | sed '/./,$!d' >out/test/hello.printed
    diff -B out/test/hello.printed examples/hello.c || exit 1
    awk '/^```c$/{found=1; next} /^```$/{found=0} found' README.md | diff - examples/hello.c ;;
equations) # a number (c.n) cited anywhere is defined by a \qquad(c.n) of sgm.h
    mkdir -p out/test
    grep -o '\\qquad([0-9ABC]*\.[0-9]*)' sgm.h | grep -o '([^)]*)' | sort >out/test/defined
    uniq -d out/test/defined | sed 's/^/defined twice: /' | grep . && exit 1
    bad=0
    for number in $(cat sgm.h tutorial/*.[ch] tests/*.c examples/*.c | grep -oE '\([1-9ABC]\.[1-9][0-9]?\)' | sort -u); do
        grep -qxF "$number" out/test/defined || { echo "cited but not defined: $number"; bad=1; }
    done
    exit $bad ;;
page) # its length, 100 columns, its share of prose
    lines=$(wc -l <sgm.h)
    [ "$lines" -le 11300 ] || { echo "sgm.h has $lines lines"; exit 1; }
    LC_ALL=C.UTF-8 sed 's/[^ -~]/x/g' sgm.h |
        LC_ALL=C awk '{n=length($0)} n>100{print "sgm.h:" NR ": " n " columns"; bad=1} END{exit bad}' || exit 1
    awk 'BEGIN{inside=0} /^\/\*/{inside=1} inside{prose++} /\*\//{inside=0}
        END{share=prose/NR; printf "%.0f %% prose\n",100*share; exit !(share>.18&&share<.45)}' sgm.h ;;
unwritable) # a tutorial that cannot write says so, names the cure and fails
    touch "$2/blocked"
    program=$(ls "$2"/bin/[0-9][0-9]_* | grep -v warnings | head -1)
    SGM_OUT=$2/blocked QUICK=1 "$program" >"$2/said" 2>&1 && { echo "it succeeded"; exit 1; }
    cat "$2/said"
    grep -q 'cannot write' "$2/said" && grep -q SGM_OUT "$2/said" ;;
*) exit 2 ;;
esac
