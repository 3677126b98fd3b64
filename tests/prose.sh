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
equations) # citations.pl says what it holds; a number that is off by one is seen where a script can tell
    tests/citations.pl sgm.h tutorial/*.[ch] tests/*.c examples/*.c || exit 1
    ! SHIFT=1 tests/citations.pl sgm.h && ! SHIFT=-1 tests/citations.pl sgm.h ;;
page) # its lines, parts, shares of prose, lengths of functions
    tests/page.sh ;;
placeholders) # what was meant to be written later
    ! grep -nE '\bEX[0-9]|@[A-Za-z0-9_]*@|\b(TODO|FIXME|TBD|XXX)\b|\?\?' \
        tutorial/*.[ch] examples/* sgm.h README.md Makefile plots/*.gp plots/*.sh ;;
figures) # a figure is named if and only if it is drawn: by plots/NAME.gp, or as a grid of images by the tutorial itself
    bad=0
    say() { echo "$*"; bad=1; }
    drawn() { # drawn NAME.png
        local name=${1%.*} topic
        grep -qsF "set output dir.'/$1'" "plots/$name.gp" && return
        topic=$(ls tutorial/"${name:0:3}"*.c 2>/dev/null) && grep -q '"picture.h"' "$topic" &&
            grep -qE "\"(${name#"$(basename "$topic" .c)"_}|$name)\"" "$topic"
    }
    for name in $(cat tutorial/*.c README.md | grep -oE '\b[0-9]{2}_[a-z0-9_]+\.(png|gif)' | sort -u); do
        drawn "$name" || say "named but not drawn: $name"
    done
    for script in $(grep -ohE 'plots/[0-9]{2}_[a-z0-9_*]+\.gp' tutorial/*.c README.md plots/readme.sh | sort -u); do
        [ -f "$script" ] || say "named but not there: $script"
    done
    for source in tutorial/[0-9][0-9]_*.c; do
        topic=$(basename "$source" .c)
        for script in plots/"$topic"_*.gp; do
            name=$(sed -n "s|^set output dir\.'/\(.*\)'.*|\1|p" "$script")
            [ "${name%.*}" = "$(basename "$script" .gp)" ] || say "$script draws $name"
            grep -qw "$name" "$source" || say "drawn but not named in $source: $name"
        done
        for name in $(grep -oE '\bpicture\("[a-z0-9_]+"' "$source" | cut -d'"' -f2); do
            grep -qE "\b($topic"_")?$name\.png" "$source" || say "drawn but not named in $source: $name"
        done
    done
    for script in plots/[0-9][0-9]_*.gp; do
        ls tutorial/*.c | grep -qF "/$(basename "$script" | grep -oE '^[0-9]{2}')_" || say "no tutorial for $script"
    done
    for name in 'Euler–Maruyama' DDIM Heun RK4 'DPM-Solver++'; do # whom the text praises, the figure shows
        ! grep -qF "$name" README.md || grep -q "'$name['(]" plots/17_samplers_race.gp || say "not in the race: $name"
    done
    # a filled curve down to y = 0 in the legend's own plot fills the legend
    awk 'FNR==1{on=0} /legend_band\(/&&!/^legend_band/{on=1} on&&/filledcurves y1/{print FILENAME ": " $0; bad=1} END{exit bad}' \
        plots/[0-9]*.gp || bad=1
    exit $bad ;;
rows) # rows FOLDER: a tolerance that covers the truth ± itself lets 0 pass, and often all that can come out
    cat "$2"/[0-9][0-9]_*/checks.tsv | awk -F'\t' 'function size(x){return x<0?-x:x}
        $1=="name"{next} {n++}
        $3!=0&&$4+0>=size($3){print "cannot tell it from 0: " $1 ": " $3 " ± " $4; bad=1}
        $4!~/^[0-9.e+-]*$/||$4+0<0{print "no tolerance: " $1 ": " $4; bad=1}
        END{print n+0 " rows"; exit bad||!n}' ;;
claims) # claims BUILD: a row that vanishes from a tutorial, or does not pass, is missed by plots/claims.pl
    rm -rf "$2/claims"; mkdir -p "$2/claims/tutorial" "$2/claims/quick"
    cp tutorial/*.tsv tutorial/*.c "$2/claims/tutorial"; cp sgm.h "$2/claims"; cp -r "$2"/quick/11_forward "$2/claims/quick"
    cd "$2/claims" && "$OLDPWD/plots/claims.pl" quick check || exit 1
    lost() { "$OLDPWD/plots/claims.pl" quick check 2>&1 | grep "$1"; }
    sed -i 's/largest difference of the variances/another row/' tutorial/11_forward.c
    printf 'Lens\t900\tplanted\t11_forward\tlargest difference of the variances\n' >>tutorial/claims.tsv
    lost 'has no row\|not passed' && { echo "missed too early"; exit 1; }
    sed -i '/^largest difference of the variances/d' quick/11_forward/checks.tsv
    lost 'no row of 11_forward can be called "largest difference' || { echo "a row that vanished was not missed"; exit 1; }
    sed -i '/^sub-VP.VP/s/PASS/FAIL/' quick/11_forward/checks.tsv
    lost 'sub-VP/VP.*has not passed' ;;
columns) # columns FILE...: what a tutorial prints fits into 100 columns (a letter is one, however many bytes it has)
    LC_ALL=C sed 's/[\x80-\xBF]//g' "${@:2}" | LC_ALL=C awk 'length($0)>100{print length($0) " columns: " $0; bad=1} END{exit bad}' ;;
table) # table BUILD: the table of checks shows every row, aligned by letters, and a short run keeps to its own folder
    cat >"$2/table.c" <<'EOF'
#include "../../tutorial/tutorial.h"
int main(void) {
    char name[64];
    tut_start("00_table");
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d: %s", i, i % 3 == 0 ? "½ ∂²p/∂x², ‖s‖²" : "plain");
        tut_check(name, i, i, 0);
    }
    tut_check("a tolerance without end is no check", 1, 2, HUGE_VAL);
    tut_check("nor is none", 1, 1, NAN);
    return tut_done();
}
EOF
    ${CC:-cc} -std=c99 "$2/table.c" -o "$2/table" -lm || exit 1
    rm -rf "$2/00_table" "$2/quick/00_table"
    QUICK=1 SGM_OUT=$2 "$2/table" >"$2/said"; [ $? = 1 ] || { echo "its status is not 1"; exit 1; }
    [ -f "$2/quick/00_table/checks.tsv" ] && [ ! -e "$2/00_table" ] || { echo "not in quick/00_table alone"; exit 1; }
    rm -r "$2/quick/00_table"
    grep -q '^2 OF 302 CHECKS FAILED' "$2/said" || { tail -2 "$2/said"; exit 1; }
    LC_ALL=C sed 's/[\x80-\xBF]//g' "$2/said" | LC_ALL=C awk '/ (PASS|FAIL)$/{n++; if(length($0)!=w&&n>1){print "ragged: " $0; bad=1} w=length($0)}
        END{if(n!=302) print n " rows shown of 302"; exit bad||n!=302}' ;;
drawn) # drawn BUILD: a check that fails does not keep make from drawing, nor make from failing
    command -v gnuplot >/dev/null || { echo "no gnuplot here: not tried"; exit 0; }
    mkdir -p "$2/failing/bin"
    printf '#!/bin/sh\nexit 1\n' >"$2/failing/bin/11_forward"; chmod +x "$2/failing/bin/11_forward"
    rm -f "$2"/quick/11_forward/*.png
    QUICK=1 SGM_OUT=$2 make OUT="$2/failing" -o "$2/failing/bin/11_forward" 11_forward && { echo "make did not fail"; exit 1; }
    [ -f "$2/quick/11_forward/11_forward_paths.png" ] ;;
unwritable) # a tutorial that cannot write says so, names the cure and fails
    touch "$2/blocked"
    program=$(ls "$2"/bin/[0-9][0-9]_* | grep -v warnings | head -1)
    SGM_OUT=$2/blocked QUICK=1 "$program" >"$2/said" 2>&1 && { echo "it succeeded"; exit 1; }
    cat "$2/said"
    grep -q 'cannot write' "$2/said" && grep -q SGM_OUT "$2/said" ;;
watch) # watch BUILD: make watchNN runs a tutorial again when it is saved
    export QUICK=1 SGM_OUT=$2 MAKE="make OUT=$2/watched"
    timeout 300 tutorial/watch.sh 16_gmm1d >"$2/said" 2>&1 & watcher=$!
    for _ in $(seq 700); do sleep .2; grep -q '^watch: ' "$2/said" && break; done
    touch tutorial/16_gmm1d.c
    for _ in $(seq 700); do sleep .2; [ "$(grep -c '^watch: ' "$2/said")" = 2 ] && break; done
    kill $watcher; wait $watcher 2>/dev/null
    cat "$2/said"
    [ "$(grep -c '^watch: .* status 0' "$2/said")" = 2 ] && [ "$(grep -c 'tutorial/16_gmm1d.c .*-o' "$2/said")" = 2 ] ;;
step) # step BUILD: make stepNN stops at the first equation, and shows a tensor
    command -v gdb >/dev/null || { echo "no gdb here: not tried"; exit 0; }
    make -s OUT="$2" "$2/step/14_circle" || exit 1
    QUICK=1 SGM_OUT=$2 timeout 100 gdb -q -batch -x tutorial/step.py -ex 'eq 3.4' -ex continue -ex 'print *y' -ex 'eq 99.9' \
        "$2/step/14_circle" >"$2/said" 2>&1 </dev/null
    cat "$2/said"
    grep -q 'ptrace' "$2/said" && { echo "no debugger may run here: not tried"; exit 0; }
    grep -qE '^\([1-9]\.[0-9]+\)  .' "$2/said" && grep -q '^(3.4)  y = x W + b' "$2/said" &&
        grep -qE '^\$1 = linear \([0-9]+, [0-9]+\); value \[' "$2/said" && grep -q 'has no place in the code' "$2/said" ;;
*) exit 2 ;;
esac
