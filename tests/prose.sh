#!/bin/bash
# What the book promises about itself.
set -u
cd "$(dirname "$0")/.." || exit 1
case $1 in
front) # front BUILD: what README promises: its commands, links and numbers; each kind of fault, planted, is seen
    mkdir -p "$2"; export build=$2
    tests/front.pl || exit 1
    planted() { # planted SED SAID: README changed so is refused with these words
        sed "$1" README.md >"$build/README.fault"
        cmp -s README.md "$build/README.fault" && { echo "nothing to plant by $1"; exit 1; }
        tests/front.pl "$build/README.fault" | grep "$2" || { echo "not seen: $1"; exit 1; }
    }
    planted 's/make lessons/make lessens/' 'no target "lessens"'
    planted 's|tutorial/14_circle.c|tutorial/14_square.c|' 'no tutorial/14_square.c'
    planted 's/^    make setup tour .*//' 'has lost'
    planted '/begin table/,/end/s/[0-9]\*\*,/9**,/' 'not what the tables'
    planted '/begin speed/,/end/s/[0-9] |$/99 |/' 'not what the tables'
    planted 's/[0-9]* programs/99 programs/' '99 programs' ;;
version) # version BUILD: the version stands in sgm.h, and all others agree with it
    agree() ( # agree HEADER
        v=$(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' "$1") bad=0
        miss() { echo "$1 does not say ${v:-which version it is}"; bad=1; }
        sed -n 2p sgm.h | grep -qE "^sgm\.h - v(${v%.*}|$v) - " || miss "the first line of sgm.h"
        grep -qx "version: $v" CITATION.cff || miss CITATION.cff
        grep -q "^## \[$v\] - 20" CHANGELOG.md || miss CHANGELOG.md
        grep -qF "version $v." README.md || miss README.md
        sed -n 1p examples/packages/debian/changelog | grep -qF "sgm ($v-" || miss examples/packages/debian/changelog
        grep -qx "  \"version\": \"$v\"," examples/packages/vcpkg/sgm/vcpkg.json || miss examples/packages/vcpkg/sgm/vcpkg.json
        grep -qF "version: '$v'," examples/packages/meson/meson.build || miss examples/packages/meson/meson.build
        [ "$(grep -c "sgm-$v\(\.tar\.gz\)\{0,1\}\$" examples/packages/meson/sgm.wrap)" = 2 ] || miss examples/packages/meson/sgm.wrap
        grep -q "^\.TH SGM 1 .*\"sgm $v\"" examples/sgm.1 || miss examples/sgm.1
        exit $bad
    )
    agree sgm.h || exit 1
    sed 's/^#define SGM_VERSION .*/#define SGM_VERSION "9.8.7"/' sgm.h >"$2/version.h"
    [ "$(agree "$2/version.h" | wc -l)" = 9 ] || { echo "another version is not seen by all nine"; exit 1; } ;;
dist) # dist BUILD: the release has the same bytes twice, and all that a lesson and hello need
    git rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "no git repository: not tried"; exit 0; }
    rm -rf "$2/dist"; mkdir -p "$2/dist/empty"
    BOOK=no plots/dist.sh "$2/dist/once" || exit 1
    (umask 077; TZ=Asia/Tokyo BOOK=no plots/dist.sh "$2/dist/twice") || exit 1
    cmp "$2"/dist/once/sgm-*.tar.gz "$2"/dist/twice/sgm-*.tar.gz || exit 1
    here=$PWD
    tar -xzf "$2"/dist/once/sgm-*.tar.gz -C "$2/dist/empty" && cd "$2"/dist/empty/sgm-* || exit 1
    unset SGM_OUT
    lesson=$(basename "$(ls tutorial/0[1-9]_*.c | head -1)" .c); export MODE=test
    make -s CFLAGS="-O0 -DSGM_NO_SIMD" "$lesson" || exit 1
    [ -s "out/test/$lesson/checks.tsv" ] || { echo "no table"; exit 1; }
    ${CC:-cc} -fsyntax-only -DSGM_NO_SIMD -I. examples/hello.c || exit 1
    for lost in plots/draw.sh tutorial/tutorial.h; do # what is not in a release is missed
        mv $lost lost; touch "tutorial/$lesson.c"
        make -s CFLAGS="-O0 -DSGM_NO_SIMD" "$lesson" >/dev/null 2>&1 && { echo "nobody misses $lost"; exit 1; }
        mv lost $lost
    done
    echo "$(tar -tzf "$here/$2"/dist/once/sgm-*.tar.gz | wc -l) files; $lesson runs, hello compiles"
    rm -rf "${here:?}/$2/dist" ;;
hello) # the program printed at the top of sgm.h is the file that the tests compile
    mkdir -p out/tests
    awk '/examples\/hello.c/{found=1} found&&/^    [^ ]|^        |^$/{print} /^# What it does/{exit}' sgm.h |
        sed 's/^    //' | sed '/^# What/d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | sed '/./,$!d' >out/tests/hello.printed
    diff -B out/tests/hello.printed examples/hello.c || exit 1
    awk '/^```c$/{found=1; next} /^```$/{found=0} found' README.md | diff - examples/hello.c || exit 1
    awk '/^<!-- from examples\/table.c/{found=1; next} found&&/^    /{print; n++} found&&n&&!/^    /{exit}' README.md >out/tests/table.printed
    [ -s out/tests/table.printed ] && awk 'NR==FNR{line[n++]=$0; next} $0==line[i]{i++} END{exit i<n}' \
        out/tests/table.printed examples/table.c || sed 's/^/README, not in table.c: /' out/tests/table.printed | (cat; exit 1) ;;
equations) # citations.pl says what it holds; a number that is off by one is seen where a script can tell
    tests/citations.pl sgm.h tutorial/*.[ch] tests/*.c examples/*.c tutorial/course/*.[ch] tutorial/course/*/*.c || exit 1
    ! SHIFT=1 tests/citations.pl sgm.h && ! SHIFT=-1 tests/citations.pl sgm.h ;;
page) # its lines, parts, shares of prose, lengths of functions
    tests/page.sh ;;
outputs) # no compiler is told to write to a device: some remove it first
    ! grep -nE '(\$CC|\$\{CC|\$\(CC\)|\b[t]?cc\b) [^|;]*-o /dev/' Makefile tests/*.sh tests/bench/*.sh tutorial/*.sh tutorial/web/*.sh tutorial/course/*.sh |
        grep -v 'gcc -fopenmp -O1 -S\|cc="gcc' ;;
placeholders) # what was meant to be written later
    ! grep -nE '\bEX[0-9]|@[A-Za-z0-9_]*@|\b(TODO|FIXME|TBD|XXX)\b|\?\?' \
        tutorial/*.[ch] examples/*.* examples/mpi/* sgm.h *.md *.cff Makefile plots/*.gp plots/*.sh plots/*.pl plots/*.md \
        tutorial/course/*.* tutorial/course/[0-9]*/* ;;
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
    for script in $(grep -ohE 'plots/[0-9]{2}_[a-z0-9_*]+\.gp' tutorial/*.c README.md | sort -u); do
        [ -f "$script" ] || say "named but not there: $script"
    done
    for source in tutorial/[0-9][0-9]_*.c; do
        topic=$(basename "$source" .c)
        for script in plots/"$topic"_*.gp; do
            name=$(sed -n "s|^set output dir\.'/\(.*\)'.*|\1|p" "$script")
            [ "${name%.*}" = "$(basename "$script" .gp)" ] || say "$script draws $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"
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
    rm -rf "$2/claims"; mkdir -p "$2/claims/tutorial" "$2/claims/test"
    cp tutorial/*.tsv tutorial/*.c "$2/claims/tutorial"; cp sgm.h "$2/claims"; cp -r "$2"/test/11_forward "$2/claims/test"
    cd "$2/claims" && "$OLDPWD/plots/claims.pl" test check || exit 1
    lost() { "$OLDPWD/plots/claims.pl" test check 2>&1 | grep "$1"; }
    sed -i 's/largest difference of the variances/another row/' tutorial/11_forward.c
    printf 'Lens\t900\tplanted\t11_forward\tlargest difference of the variances\n' >>tutorial/claims.tsv
    lost 'has no row\|not passed' && { echo "missed too early"; exit 1; }
    sed -i '/^largest difference of the variances/d' test/11_forward/checks.tsv
    lost 'no row of 11_forward can be called "largest difference' || { echo "a row that vanished was not missed"; exit 1; }
    sed -i '/^sub-VP.VP/s/PASS/FAIL/' test/11_forward/checks.tsv
    lost 'sub-VP/VP.*has not passed' ;;
columns) # columns FILE...: what a tutorial prints fits into 100 columns (a letter is one, however many bytes it has)
    LC_ALL=C sed 's/[\x80-\xBF]//g' "${@:2}" | LC_ALL=C awk 'length($0)>100{print length($0) " columns: " $0; bad=1} END{exit bad}' ;;
table) # table BUILD: the table of checks shows every row, aligned by letters, and a short run keeps to its own folder
    cat >"$2/table.c" <<'EOF'
#include "../../tutorial/tutorial.h"
int main(int argc, char **argv) {
    char name[64];
    tut_start("99_table", argc, argv);
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
    rm -rf "$2/full/99_table" "$2/test/99_table"
    MODE=test SGM_OUT=$2 "$2/table" >"$2/said"; [ $? = 1 ] || { echo "its status is not 1"; exit 1; }
    [ -f "$2/test/99_table/checks.tsv" ] && [ ! -e "$2/full/99_table" ] || { echo "not in test/99_table alone"; exit 1; }
    rm -r "$2/test/99_table"
    grep -q '^2 OF 302 CHECKS FAILED' "$2/said" || { tail -2 "$2/said"; exit 1; }
    LC_ALL=C sed 's/[\x80-\xBF]//g' "$2/said" | LC_ALL=C awk '/ (PASS|FAIL)$/{n++; if(length($0)!=w&&n>1){print "ragged: " $0; bad=1} w=length($0)}
        END{if(n!=302) print n " rows shown of 302"; exit bad||n!=302}' ;;
lesson) # lesson NN_topic PRINTED: the size of a lesson
    bad=0 source=tutorial/$2.c
    say() { echo "$source: $*"; bad=1; }
    [ "$(wc -l <"$source")" -le 120 ] || say "$(wc -l <"$source") lines, 120 are allowed"
    LC_ALL=C sed 's/[\x80-\xBF]//g' "$source" "$3" | LC_ALL=C awk 'length($0)>80{print "longer than 80 columns: " $0; bad=1} END{exit bad}' || bad=1
    n=$(awk 'END{print NR-1}' "out/tests/study/$2/checks.tsv")
    [ "$n" -ge 1 ] && [ "$n" -le 8 ] || say "$n checks; 1 to 8 are allowed"
    [ "$(ls plots/"$2"*.gp | wc -l)" = 1 ] || say "not one figure"
    [ "$(wc -l <"$3")" -le 24 ] || say "prints $(wc -l <"$3") lines; a terminal has 24"
    [ "$(grep -c tut_ask "$source")" -ge 1 ] || say "asks for no prediction"
    exit $bad ;;
ask) # ask BUILD: a lesson's questions and exercises
    cat >"$2/ask.c" <<'EOF'
#include "../../tutorial/tutorial.h"
int main(int argc, char **argv) {
    tut_start("09_ask", argc, argv);
    double got = getenv("CHANGED") ? atof(getenv("CHANGED")) : 1;
    tut_ask("half?", .5, .01, (tut_guess[]){{5. / 9, "a root is missing"}, {0, NULL}});
    tut_see("row", got, 1, .1, "it is %g", got);
    tut_ask("none?", 0, .02, NULL);
    tut_see("other", got > 3, 0, 0, "and this");
    tut_exercise(2, "row", 2, .1);
    tut_exercise(3, "row", 4, .1);
    return tut_done();
}
EOF
    ${CC:-cc} -std=c99 -DSGM_LINKED "$2/ask.c" "$2/sgm.o" -fopenmp -o "$2/ask" -lm || exit 1
    export SGM_OUT=$2
    try() { # try STATUS TEXT ANSWERS VARIABLE...
        local status=$1 text=$2 answers=$3; shift 3
        printf '%b' "$answers" | env "$@" "$SGM_OUT/ask" >"$SGM_OUT/said" 2>&1
        local got=$?
        [ $got = "$status" ] && grep -q "$text" "$SGM_OUT/said" && return
        echo "$* $answers: status $got, not \"$text\":"; cat "$SGM_OUT/said"; exit 1
    }
    try 0 'yes' '1/2\n' SGM_ASK=1
    try 0 'predictions: 1 of 1' '.499\n' SGM_ASK=1
    try 0 '  not so, it is 0.5: a root is missing$' 'half\n5/9\n' SGM_ASK=1
    try 0 '^your guess, within 1 % (Enter passes): .*not so, it is 0.5; see what comes out$' 'half\n7\n' SGM_ASK=1
    try 0 'within 0.02 (Enter passes):   not so, it is 0; see what comes out$' '\n.03\n' SGM_ASK=1
    try 0 'predictions: 2 of 2' '.5\n-.02\n' SGM_ASK=1
    try 0 'all 2 checks' '\n' SGM_ASK=1
    try 0 'all 2 checks' 'one\ntwo\n' SGM_ASK=1
    try 0 'all 2 checks' '' SGM_ASK=1
    try 0 'all 2 checks' '' x=y # nobody is asked who is not there
    ! grep -q 'guess' "$SGM_OUT/said" || exit 1
    try 0 'exercise 2: as declared' '' CHANGED=2.05
    try 1 '1 OF 2 CHECKS FAILED' '' CHANGED=2.2
    try 1 '2 OF 2 CHECKS FAILED' '' CHANGED=4
    try 0 'exercise 2: as declared' '' CHANGED=2 SGM_EXERCISE=2
    try 1 'exercise 2: NOT as declared' '' SGM_EXERCISE=2
    try 1 'exercise 1: NOT as declared' '' CHANGED=2 SGM_EXERCISE=1
    try 1 'exercise 3: NOT as declared' '' CHANGED=4 SGM_EXERCISE=3 # what failed besides is no part of it
    try 1 'other: failed, and exercise 3 does not declare it' '' CHANGED=4 SGM_EXERCISE=3
    try 2 'a mode is test, study or full' '' MODE=quick
    for seed in abc 7x 1e3 -1 18446744073709551616; do try 2 'a seed is a whole number' '' SGM_SEED=$seed; done
    try 0 'key 18446744073709551615' '' SGM_SEED=18446744073709551615
    try 0 'predictions: 2 of 2' "$(printf '%0300d' 7)\\n.5\\n0\\n" SGM_ASK=1 ;; # a line is one answer, however long
halves) # halves BUILD: tables that are empty, broken off or odd, in a folder with a blank: what is whole is shown
    out="$2/half run"; rm -rf "$out"; mkdir -p "$out"/full/14_circle "$out"/full/15_ncsn "$out"/full/16_gmm1d "$out"/study/03_langevin
    printf 'name\tgot\ttruth\ttolerance\tresult\n' >"$out/full/14_circle/checks.tsv"
    : >"$out/full/15_ncsn/checks.tsv"
    printf 'name\tgot\ttruth\ttolerance\tresult\n<img src=x> & "x"\t1\t1\t.1\tPASS\n\nhalf\t1\t' >"$out/full/16_gmm1d/checks.tsv"
    printf 'mode\n' >"$out/full/16_gmm1d/run.tsv"
    printf 'name\tgot\ttruth\ttolerance\tresult\nwhole\tnan\tinf\t0\tFAIL\n' >"$out/study/03_langevin/checks.tsv"
    : >"$out/study/03_langevin/a b.png"
    SGM_OUT=$out plots/report.pl >"$out/report.html" 2>"$out/said" || exit 1
    plots/claims.pl "$out/full" page >"$out/map.html" 2>>"$out/said"
    grep -E 'uninitialized|Wide|isn.t numeric' "$out/said" | head -5 | grep . && exit 1
    rm -rf "$2/no run"; SGM_OUT="$2/no run" make -s report >/dev/null && [ -s "$2/no run/report.html" ] && [ -s "$2/no run/map.html" ] || exit 1
    grep -q '&lt;img src=x&gt; &amp; &quot;x&quot;' "$out/report.html" && ! grep -q '<img src=x\|>half<' "$out/report.html" &&
        grep -q '>whole' "$out/report.html" && grep -q 'a b.png' "$out/report.html" && grep -q 'did not end' "$out/report.html" ;;
drawn) # drawn BUILD: a check that fails does not keep make from drawing, nor make from failing
    command -v gnuplot >/dev/null || { echo "no gnuplot here: not tried"; exit 0; }
    mkdir -p "$2/failing/bin"
    printf '#!/bin/sh\nexit 1\n' >"$2/failing/bin/11_forward"; chmod +x "$2/failing/bin/11_forward"
    rm -f "$2"/test/11_forward/*.png
    MODE=test SGM_OUT=$2 make OUT="$2/failing" -o "$2/failing/bin/11_forward" 11_forward && { echo "make did not fail"; exit 1; }
    [ -f "$2/test/11_forward/11_forward_paths.png" ] ;;
unwritable) # a tutorial that cannot write says so, names the cure and fails
    touch "$2/blocked"
    program=$(ls "$2"/bin/[0-9][0-9]_* | grep -v 'warnings\|/00_' | head -1)
    SGM_OUT=$2/blocked MODE=test "$program" >"$2/said" 2>&1 && { echo "it succeeded"; exit 1; }
    cat "$2/said"
    grep -q 'cannot write' "$2/said" && grep -q SGM_OUT "$2/said" ;;
watch) # watch BUILD: make watchNN runs a tutorial again when it is saved
    export MODE=test SGM_OUT=$2 MAKE="make OUT=$2/watched" CFLAGS="-O0 -DSGM_NO_SIMD" # the kernels take the longest to compile
    timeout 300 tutorial/watch.sh 02_scores >"$2/said" 2>&1 & watcher=$!
    for _ in $(seq 700); do sleep .2; grep -q '^watch: ' "$2/said" && break; done
    touch tutorial/02_scores.c
    for _ in $(seq 700); do sleep .2; [ "$(grep -c '^watch: ' "$2/said")" = 2 ] && break; done
    kill $watcher; wait $watcher 2>/dev/null
    cat "$2/said"
    [ "$(grep -c '^watch: .* status 0' "$2/said")" = 2 ] && [ "$(grep -c 'tutorial/02_scores.c .*-o' "$2/said")" = 2 ] ;;
step) # step BUILD: make stepNN stops at the first equation, and shows a tensor
    command -v gdb >/dev/null || { echo "no gdb here: not tried"; exit 0; }
    make -s CC="${CC:-cc} -DSGM_NO_SIMD" OUT="$2" "$2/step/14_circle" || exit 1
    MODE=test SGM_OUT=$2 timeout 100 gdb -q -batch -x tutorial/step.py -ex 'eq 3.4' -ex continue -ex 'print *y' -ex 'eq 99.9' \
        "$2/step/14_circle" >"$2/said" 2>&1 </dev/null
    cat "$2/said"
    grep -q 'ptrace' "$2/said" && { echo "no debugger may run here: not tried"; exit 0; }
    grep -qE '^\([1-9]\.[0-9]+\)  .' "$2/said" && grep -q '^(3.4)  y = x W + b' "$2/said" &&
        grep -qE '^\$1 = linear \([0-9]+, [0-9]+\); value \[' "$2/said" && grep -q 'has no place in the code' "$2/said" ;;
*) exit 2 ;;
esac
