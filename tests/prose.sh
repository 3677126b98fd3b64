            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"#!/bin/bash
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"# What the book promises about itself.
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"set -u
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"cd "$(dirname "$0")/.." || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"case $1 in
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"front) # front BUILD: what README promises: its commands, links and numbers; each kind of fault, planted, is seen
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    mkdir -p "$2"; export build=$2
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tests/front.pl || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted() { # planted SED SAID: README changed so is refused with these words
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        sed "$1" README.md >"$build/README.fault"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        cmp -s README.md "$build/README.fault" && { echo "nothing to plant by $1"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        tests/front.pl "$build/README.fault" | grep "$2" || { echo "not seen: $1"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted 's/make lessons/make lessens/' 'no target "lessens"'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted 's|tutorial/14_circle.c|tutorial/14_square.c|' 'no tutorial/14_square.c'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted 's/^    make setup tour .*//' 'has lost'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted '/begin table/,/end/s/[0-9]\*\*,/9**,/' 'not what the tables'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted '/begin speed/,/end/s/[0-9] |$/99 |/' 'not what the tables'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    planted 's/[0-9]* programs/99 programs/' '99 programs' ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"version) # version BUILD: the version stands in sgm.h, and all others agree with it
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    agree() ( # agree HEADER
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        v=$(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' "$1") bad=0
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        miss() { echo "$1 does not say ${v:-which version it is}"; bad=1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        sed -n 2p sgm.h | grep -qE "^sgm\.h - v(${v%.*}|$v) - " || miss "the first line of sgm.h"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        grep -qx "version: $v" CITATION.cff || miss CITATION.cff
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        grep -q "^## \[$v\] - 20" CHANGELOG.md || miss CHANGELOG.md
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        grep -qF "version $v." README.md || miss README.md
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        exit $bad
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    )
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    agree sgm.h || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    sed 's/^#define SGM_VERSION .*/#define SGM_VERSION "9.8.7"/' sgm.h >"$2/version.h"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(agree "$2/version.h" | wc -l)" = 4 ] || { echo "another version is not seen by all four"; exit 1; } ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"dist) # dist BUILD: the release has the same bytes twice, and all that a lesson and hello need
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    git rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "no git repository: not tried"; exit 0; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -rf "$2/dist"; mkdir -p "$2/dist/empty"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    BOOK=no plots/dist.sh "$2/dist/once" || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    (umask 077; TZ=Asia/Tokyo BOOK=no plots/dist.sh "$2/dist/twice") || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cmp "$2"/dist/once/sgm-*.tar.gz "$2"/dist/twice/sgm-*.tar.gz || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    here=$PWD
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tar -xzf "$2"/dist/once/sgm-*.tar.gz -C "$2/dist/empty" && cd "$2"/dist/empty/sgm-* || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    unset SGM_OUT
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    lesson=$(basename "$(ls tutorial/0[1-9]_*.c | head -1)" .c); export MODE=test
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    make -s CFLAGS=-O0 "$lesson" || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ -s "out/test/$lesson/checks.tsv" ] || { echo "no table"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ${CC:-cc} -O0 -I. examples/hello.c -o hello -lm || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for lost in plots/draw.sh tutorial/tutorial.h; do # what is not in a release is missed
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        mv $lost lost; touch "tutorial/$lesson.c"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        make -s CFLAGS=-O0 "$lesson" >/dev/null 2>&1 && { echo "nobody misses $lost"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        mv lost $lost
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    echo "$(tar -tzf "$here/$2"/dist/once/sgm-*.tar.gz | wc -l) files; $lesson runs, hello compiles"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -rf "${here:?}/$2/dist" ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"hello) # the program printed at the top of sgm.h is the file that the tests compile
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    mkdir -p out/tests
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    awk '/examples\/hello.c/{found=1} found&&/^    [^ ]|^        |^$/{print} /^# What it does/{exit}' sgm.h |
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        sed 's/^    //' | sed '/^# What/d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' | sed '/./,$!d' >out/tests/hello.printed
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    diff -B out/tests/hello.printed examples/hello.c || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    awk '/^```c$/{found=1; next} /^```$/{found=0} found' README.md | diff - examples/hello.c ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"equations) # citations.pl says what it holds; a number that is off by one is seen where a script can tell
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tests/citations.pl sgm.h tutorial/*.[ch] tests/*.c examples/*.c || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ! SHIFT=1 tests/citations.pl sgm.h && ! SHIFT=-1 tests/citations.pl sgm.h ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"page) # its lines, parts, shares of prose, lengths of functions
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tests/page.sh ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"placeholders) # what was meant to be written later
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ! grep -nE '\bEX[0-9]|@[A-Za-z0-9_]*@|\b(TODO|FIXME|TBD|XXX)\b|\?\?' \
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        tutorial/*.[ch] examples/*.* examples/mpi/* sgm.h *.md *.cff Makefile plots/*.gp plots/*.sh plots/*.pl plots/*.md ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"figures) # a figure is named if and only if it is drawn: by plots/NAME.gp, or as a grid of images by the tutorial itself
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    bad=0
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    say() { echo "$*"; bad=1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    drawn() { # drawn NAME.png
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        local name=${1%.*} topic
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        grep -qsF "set output dir.'/$1'" "plots/$name.gp" && return
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        topic=$(ls tutorial/"${name:0:3}"*.c 2>/dev/null) && grep -q '"picture.h"' "$topic" &&
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"            grep -qE "\"(${name#"$(basename "$topic" .c)"_}|$name)\"" "$topic"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for name in $(cat tutorial/*.c README.md | grep -oE '\b[0-9]{2}_[a-z0-9_]+\.(png|gif)' | sort -u); do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        drawn "$name" || say "named but not drawn: $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for script in $(grep -ohE 'plots/[0-9]{2}_[a-z0-9_*]+\.gp' tutorial/*.c README.md | sort -u); do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        [ -f "$script" ] || say "named but not there: $script"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for source in tutorial/[0-9][0-9]_*.c; do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        topic=$(basename "$source" .c)
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        for script in plots/"$topic"_*.gp; do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"            name=$(sed -n "s|^set output dir\.'/\(.*\)'.*|\1|p" "$script")
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"            [ "${name%.*}" = "$(basename "$script" .gp)" ] || say "$script draws $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"|| say "drawn but not named in $source: $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        for name in $(grep -oE '\bpicture\("[a-z0-9_]+"' "$source" | cut -d'"' -f2); do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"            grep -qE "\b($topic"_")?$name\.png" "$source" || say "drawn but not named in $source: $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for script in plots/[0-9][0-9]_*.gp; do
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        ls tutorial/*.c | grep -qF "/$(basename "$script" | grep -oE '^[0-9]{2}')_" || say "no tutorial for $script"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for name in 'Euler–Maruyama' DDIM Heun RK4 'DPM-Solver++'; do # whom the text praises, the figure shows
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        ! grep -qF "$name" README.md || grep -q "'$name['(]" plots/17_samplers_race.gp || say "not in the race: $name"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    # a filled curve down to y = 0 in the legend's own plot fills the legend
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    awk 'FNR==1{on=0} /legend_band\(/&&!/^legend_band/{on=1} on&&/filledcurves y1/{print FILENAME ": " $0; bad=1} END{exit bad}' \
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        plots/[0-9]*.gp || bad=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    exit $bad ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"rows) # rows FOLDER: a tolerance that covers the truth ± itself lets 0 pass, and often all that can come out
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat "$2"/[0-9][0-9]_*/checks.tsv | awk -F'\t' 'function size(x){return x<0?-x:x}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        $1=="name"{next} {n++}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        $3!=0&&$4+0>=size($3){print "cannot tell it from 0: " $1 ": " $3 " ± " $4; bad=1}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        $4!~/^[0-9.e+-]*$/||$4+0<0{print "no tolerance: " $1 ": " $4; bad=1}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        END{print n+0 " rows"; exit bad||!n}' ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"claims) # claims BUILD: a row that vanishes from a tutorial, or does not pass, is missed by plots/claims.pl
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -rf "$2/claims"; mkdir -p "$2/claims/tutorial" "$2/claims/test"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cp tutorial/*.tsv tutorial/*.c "$2/claims/tutorial"; cp sgm.h "$2/claims"; cp -r "$2"/test/11_forward "$2/claims/test"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cd "$2/claims" && "$OLDPWD/plots/claims.pl" test check || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    lost() { "$OLDPWD/plots/claims.pl" test check 2>&1 | grep "$1"; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    sed -i 's/largest difference of the variances/another row/' tutorial/11_forward.c
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    printf 'Lens\t900\tplanted\t11_forward\tlargest difference of the variances\n' >>tutorial/claims.tsv
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    lost 'has no row\|not passed' && { echo "missed too early"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    sed -i '/^largest difference of the variances/d' test/11_forward/checks.tsv
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    lost 'no row of 11_forward can be called "largest difference' || { echo "a row that vanished was not missed"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    sed -i '/^sub-VP.VP/s/PASS/FAIL/' test/11_forward/checks.tsv
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    lost 'sub-VP/VP.*has not passed' ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"columns) # columns FILE...: what a tutorial prints fits into 100 columns (a letter is one, however many bytes it has)
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    LC_ALL=C sed 's/[\x80-\xBF]//g' "${@:2}" | LC_ALL=C awk 'length($0)>100{print length($0) " columns: " $0; bad=1} END{exit bad}' ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"table) # table BUILD: the table of checks shows every row, aligned by letters, and a short run keeps to its own folder
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat >"$2/table.c" <<'EOF'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"#include "../../tutorial/tutorial.h"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"int main(int argc, char **argv) {
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    char name[64];
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_start("99_table", argc, argv);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for (int i = 0; i < 300; i++) {
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        snprintf(name, sizeof name, "%d: %s", i, i % 3 == 0 ? "½ ∂²p/∂x², ‖s‖²" : "plain");
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        tut_check(name, i, i, 0);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_check("a tolerance without end is no check", 1, 2, HUGE_VAL);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_check("nor is none", 1, 1, NAN);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    return tut_done();
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"EOF
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ${CC:-cc} -std=c99 "$2/table.c" -o "$2/table" -lm || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -rf "$2/full/99_table" "$2/test/99_table"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    MODE=test SGM_OUT=$2 "$2/table" >"$2/said"; [ $? = 1 ] || { echo "its status is not 1"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ -f "$2/test/99_table/checks.tsv" ] && [ ! -e "$2/full/99_table" ] || { echo "not in test/99_table alone"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -r "$2/test/99_table"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    grep -q '^2 OF 302 CHECKS FAILED' "$2/said" || { tail -2 "$2/said"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    LC_ALL=C sed 's/[\x80-\xBF]//g' "$2/said" | LC_ALL=C awk '/ (PASS|FAIL)$/{n++; if(length($0)!=w&&n>1){print "ragged: " $0; bad=1} w=length($0)}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        END{if(n!=302) print n " rows shown of 302"; exit bad||n!=302}' ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"lesson) # lesson NN_topic PRINTED: the size of a lesson
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    bad=0 source=tutorial/$2.c
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    say() { echo "$source: $*"; bad=1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(wc -l <"$source")" -le 120 ] || say "$(wc -l <"$source") lines, 120 are allowed"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    LC_ALL=C sed 's/[\x80-\xBF]//g' "$source" "$3" | LC_ALL=C awk 'length($0)>80{print "longer than 80 columns: " $0; bad=1} END{exit bad}' || bad=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    n=$(awk 'END{print NR-1}' "out/tests/study/$2/checks.tsv")
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$n" -ge 1 ] && [ "$n" -le 8 ] || say "$n checks; 1 to 8 are allowed"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(ls plots/"$2"*.gp | wc -l)" = 1 ] || say "not one figure"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(wc -l <"$3")" -le 24 ] || say "prints $(wc -l <"$3") lines; a terminal has 24"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(grep -c tut_ask "$source")" -ge 1 ] || say "asks for no prediction"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    exit $bad ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"ask) # ask BUILD: a lesson's questions and exercises
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat >"$2/ask.c" <<'EOF'
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"#include "../../tutorial/tutorial.h"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"int main(int argc, char **argv) {
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_start("09_ask", argc, argv);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    double got = getenv("CHANGED") ? atof(getenv("CHANGED")) : 1;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_ask("half?", .5, .01, (tut_guess[]){{5. / 9, "a root is missing"}, {0, NULL}});
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_see("row", got, 1, .1, "it is %g", got);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_see("other", got > 3, 0, 0, "and this");
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    tut_exercise(2, "row", 2, .1);
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    return tut_done();
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"}
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"EOF
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ${CC:-cc} -std=c99 -DSGM_LINKED "$2/ask.c" "$2/sgm.o" -fopenmp -o "$2/ask" -lm || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    export SGM_OUT=$2
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try() { # try STATUS TEXT ANSWERS VARIABLE...
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        local status=$1 text=$2 answers=$3; shift 3
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        printf '%b' "$answers" | env "$@" "$SGM_OUT/ask" >"$SGM_OUT/said" 2>&1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        local got=$?
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        [ $got = "$status" ] && grep -q "$text" "$SGM_OUT/said" && return
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        echo "$* $answers: status $got, not \"$text\":"; cat "$SGM_OUT/said"; exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'yes' '1/2\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'predictions: 1 of 1' '.499\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'a root is missing' 'half\n5/9\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'see what comes out' '7\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'all 2 checks' '\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'all 2 checks' 'one\ntwo\n' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'all 2 checks' '' SGM_ASK=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'all 2 checks' '' x=y # nobody is asked who is not there
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    ! grep -q 'guess' "$SGM_OUT/said" || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'exercise 2: as declared' '' CHANGED=2.05
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 1 '1 OF 2 CHECKS FAILED' '' CHANGED=2.2
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 1 '2 OF 2 CHECKS FAILED' '' CHANGED=4
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 0 'exercise 2: as declared' '' CHANGED=2 SGM_EXERCISE=2
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 1 'exercise 2: NOT as declared' '' SGM_EXERCISE=2
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 1 'exercise 1: NOT as declared' '' CHANGED=2 SGM_EXERCISE=1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    try 2 'a mode is test, study or full' '' MODE=quick ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"drawn) # drawn BUILD: a check that fails does not keep make from drawing, nor make from failing
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    command -v gnuplot >/dev/null || { echo "no gnuplot here: not tried"; exit 0; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    mkdir -p "$2/failing/bin"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    printf '#!/bin/sh\nexit 1\n' >"$2/failing/bin/11_forward"; chmod +x "$2/failing/bin/11_forward"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    rm -f "$2"/test/11_forward/*.png
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    MODE=test SGM_OUT=$2 make OUT="$2/failing" -o "$2/failing/bin/11_forward" 11_forward && { echo "make did not fail"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ -f "$2/test/11_forward/11_forward_paths.png" ] ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"unwritable) # a tutorial that cannot write says so, names the cure and fails
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    touch "$2/blocked"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    program=$(ls "$2"/bin/[0-9][0-9]_* | grep -v 'warnings\|/00_' | head -1)
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    SGM_OUT=$2/blocked MODE=test "$program" >"$2/said" 2>&1 && { echo "it succeeded"; exit 1; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat "$2/said"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    grep -q 'cannot write' "$2/said" && grep -q SGM_OUT "$2/said" ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"watch) # watch BUILD: make watchNN runs a tutorial again when it is saved
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    export MODE=test SGM_OUT=$2 MAKE="make OUT=$2/watched"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    timeout 300 tutorial/watch.sh 16_gmm1d >"$2/said" 2>&1 & watcher=$!
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for _ in $(seq 700); do sleep .2; grep -q '^watch: ' "$2/said" && break; done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    touch tutorial/16_gmm1d.c
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    for _ in $(seq 700); do sleep .2; [ "$(grep -c '^watch: ' "$2/said")" = 2 ] && break; done
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    kill $watcher; wait $watcher 2>/dev/null
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat "$2/said"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    [ "$(grep -c '^watch: .* status 0' "$2/said")" = 2 ] && [ "$(grep -c 'tutorial/16_gmm1d.c .*-o' "$2/said")" = 2 ] ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"step) # step BUILD: make stepNN stops at the first equation, and shows a tensor
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    command -v gdb >/dev/null || { echo "no gdb here: not tried"; exit 0; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    make -s OUT="$2" "$2/step/14_circle" || exit 1
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    MODE=test SGM_OUT=$2 timeout 100 gdb -q -batch -x tutorial/step.py -ex 'eq 3.4' -ex continue -ex 'print *y' -ex 'eq 99.9' \
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        "$2/step/14_circle" >"$2/said" 2>&1 </dev/null
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    cat "$2/said"
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    grep -q 'ptrace' "$2/said" && { echo "no debugger may run here: not tried"; exit 0; }
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"    grep -qE '^\([1-9]\.[0-9]+\)  .' "$2/said" && grep -q '^(3.4)  y = x W + b' "$2/said" &&
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"        grep -qE '^\$1 = linear \([0-9]+, [0-9]+\); value \[' "$2/said" && grep -q 'has no place in the code' "$2/said" ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"*) exit 2 ;;
            # a lesson has one figure, which its make names
            [ "${topic:0:1}" = 0 ] || grep -qw "$name" "$source" || say "drawn but not named in $source: $name"esac
