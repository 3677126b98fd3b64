#!/bin/bash
# Builds and runs everything that can fail, and ends with the line "N passed, N failed".
# SANITIZE=1: the chapters' tests under AddressSanitizer and UBSan instead.
set -u
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
build=out/tests
mkdir -p "$build/bin"
export SGM_OUT=$build
passed=0 failed=0 before=0
cost() { # the processor's seconds since the last line, of all that ran
    local now; times >"$build/times"; now=$(awk 'NR==2{for(i=1;i<=2;i++){split($i,t,/[ms]/); s+=60*t[1]+t[2]} printf "%.1f", s}' "$build/times")
    awk -v a="$before" -v b="$now" 'BEGIN{d=b-a; if(d>=1) printf "  [%.0f s]", d}'
    before=$now
}
ok() { passed=$((passed + 1)); printf 'ok      %s' "$1"; cost; echo; }
bad() { failed=$((failed + 1)); printf 'FAILED  %s' "$1"; cost; echo; }
check() { # check NAME COMMAND...: passes if the command succeeds; shows its output if not
    local name=$1; shift
    if "$@" >"$build/log" 2>&1; then ok "$name"; else bad "$name"; tail -30 "$build/log"; fi
}
silent() { # silent COMMAND...: succeeds without a word
    local said
    said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
}
part() { # part NAME COMMAND...: what ends with "N passed, N failed", or with "skipped ..."
    local name=$1 log=$build/part.log; shift
    "$@" >"$log" 2>&1
    if [[ $(tail -1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        printf '%-8s%s: %d checks' "$([ "${BASH_REMATCH[2]}" = 0 ] && echo ok || echo FAILED)" "$name" "${BASH_REMATCH[1]}"; cost; echo
        grep -vE '^ok|passed, ' "$log" | head -40
    elif grep -q '^skipped' "$log"; then cat "$log"
    else bad "$name"; tail -20 "$log"
    fi
}

flags="-std=c99 -I. -Wall -Wextra -Wpedantic -Wshadow -Werror"
if [ "${SANITIZE:-}" ]; then
    flags="$flags -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined"
    export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
else
    flags="$flags -O1" # half the time to compile; other levels: strict.sh, samebits.sh
    # at -O1 gcc leaves a kernel without vzeroupper, and all that follows it takes three times as long
    echo 'int main(void){return 0;}' | $CC -Werror -fexpensive-optimizations -x c - -o "$build/probe" 2>/dev/null &&
        flags="$flags -fexpensive-optimizations"
fi
echo 'int main(void){return 0;}' | $CC -fopenmp -x c - -o "$build/probe" 2>/dev/null && flags="$flags -fopenmp"
export CC flags build

echo '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <zlib.h>' | $CC -x c -fsyntax-only - 2>/dev/null || {
    echo "the tests need cmocka, GSL and zlib: run make setup as root,"
    echo "or: apt-get install libcmocka-dev libgsl-dev zlib1g-dev"
    echo "0 passed, 1 failed"
    exit 1
}

# The chapters. They look inside, and are linked with sgm.h opened (open.pl), which is compiled once. Those that define macros
# for it compile it themselves; only the kernels' are worth optimising. A test prints cmocka's lines; a crash is a failure.
compile() {
    local how="-include $build/open/open.h $build/open/open.o"
    grep -qE '^#define (SGM_(MALLOC|NO_|SSE2|STATIC|ZLIB)|str|snprintf)' "tests/$1.c" && how=-O0
    case $1 in
    test_3_copies) how="$build/sgm.o -DSGM_LINKED" ;; # sees the interface alone
    test_b_*) how= ;;
    esac
    $CC $flags "tests/$1.c" $how -o "$build/$1" -lcmocka -lgsl -lgslcblas -lm 2>"$build/$1.warnings"
}
export -f compile
mkdir -p "$build/open"
printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n#include "sgm.h"\n' >"$build/sgm.c"
# shellcheck disable=SC2046 # -O2 sees what is used before it is set, as -O1 does not
check "sgm.h compiles alone, and is silent" silent $CC $flags $([ "${SANITIZE:-}" ] || echo -O2) -c "$build/sgm.c" -o "$build/sgm.o"
check "sgm.h compiles, opened for the tests" sh -c "tests/open.pl $build/open && $CC $flags -c $build/open/open.c -o $build/open/open.o"
tests=$(cd tests && ls test_*.c | sed 's/\.c$//')
printf '%s\n' $tests | xargs -P 2 -I{} bash -c 'compile {}'
for t in $tests; do
    if [ ! -x "$build/$t" ] || [ -s "$build/$t.warnings" ]; then
        bad "$t compiles"; head -20 "$build/$t.warnings"; continue
    fi
    "$build/$t" >"$build/log" 2>&1; status=$?
    good=$(grep -c '^\[       OK \]' "$build/log")
    lost=$(grep '^\[  FAILED  \]' "$build/log" | sort -u | grep -vc 'test(s)')
    [ $status -ne 0 ] && [ "$lost" -eq 0 ] && lost=1
    [ "$good" -eq 0 ] && [ "$lost" -eq 0 ] && lost=1
    passed=$((passed + good)) failed=$((failed + lost))
    printf '%-8s%s: %d tests' "$([ "$lost" -eq 0 ] && echo ok || echo FAILED)" "$t" "$good"; cost; echo
    [ "$lost" -eq 0 ] || grep -vE '^\[ (RUN  |      OK)' "$build/log" | tail -40
done

if [ -z "${SANITIZE:-}" ]; then
    # sgm.h is compiled once for the tutorials, examples and what uses its interface alone; hello is a whole program
    program() {
        local to linked="-DSGM_LINKED $build/sgm.o"; to=$build/bin/$(basename "$1" .c)
        grep -q sgm__ "$1" && linked="-include $build/open/open.h $build/open/open.o"
        [ "$1" != examples/hello.c ] || linked=
        [ "$1" != examples/sgm.c ] || linked="-D_XOPEN_SOURCE=700 $linked"
        rm -f "$to"; $CC $flags "$1" $linked -o "$to" -lm 2>"$to.warnings"
    }
    export -f program
    printf '%s\n' tutorial/[0-9][0-9]_*.c examples/*.c | xargs -P 2 -I{} bash -c 'program {}'
    check "a proof is a whole program, too" silent $CC $flags -fsyntax-only tutorial/14_circle.c
    check "00_micro: its floor, three keys, its exercises" tests/micro.sh "$build"
    # lessons: in the mode and at the size that a student sees, with three keys; and what their exercises declare
    for source in tutorial/0[1-9]_*.c; do
        t=$(basename "$source" .c)
        check "$t compiles" sh -c "cat $build/bin/$t.warnings; test -x $build/bin/$t"
        for key in 3 2 1; do
            check "$t, key $key: every sentence is true" sh -c \
                "SGM_SEED=$key $build/bin/$t </dev/null >$build/$t.txt 2>&1; status=\$?; cat $build/$t.txt; exit \$status"
        done
        check "$t: its figure is drawn" plots/draw.sh "$t"
        check "$t MODE=test" env MODE=test "$build/bin/$t"
        check "$t: its exercises do what they declare" tutorial/try.pl check "$CC $flags" "$build" "${t%%_*}"
        check "$t: 120 lines, 8 checks, one figure, 24 lines of 80 columns" tests/prose.sh lesson "$t" "$build/$t.txt"
    done
    check "the weights of lessons 07 to 09 are what lesson 06 makes" cmp \
        <(tail -c 43024 "$build/study/06_learning/circle.safetensors") <(tail -c 43024 tutorial/weights/circle.safetensors)
    # proofs: a smoke test
    for source in tutorial/[1-9][0-9]_*.c; do
        t=$(basename "$source" .c)
        check "$t compiles" sh -c "cat $build/bin/$t.warnings; test -x $build/bin/$t"
        check "$t MODE=test passes its table" sh -c \
            "MODE=test V=1 $build/bin/$t >$build/$t.txt 2>&1; status=\$?; cat $build/$t.txt; exit \$status"
        check "$t has a figure script" test -n "$(ls plots/"$t"*.gp 2>/dev/null)"
        check "$t: its figures are drawn" env MODE=test plots/draw.sh "$t" # without gnuplot it says so
    done
    check "the tutorials print at most 100 columns" tests/prose.sh columns "$build"/[0-9][0-9]_*.txt
    check "no row whose tolerance covers its truth and 0" tests/prose.sh rows "$build/test"
    check "every line of the documents and of the field map has its row" plots/claims.pl "$build/test" check
    check "and a row that vanishes is missed" tests/prose.sh claims "$build"
    check "report and map: links, texts, headings" sh -c "plots/report.pl >$build/report.html && { plots/claims.pl $build/test page >$build/map.html \
        2>/dev/null; perl tests/book.pl links $build/report.html $build/map.html; }"
    check "report and map of runs that broke off" tests/prose.sh halves "$build"
    check "the table of checks" tests/prose.sh table "$build"
    check "a lesson asks, knows wrong guesses, and tells an exercise from a failure" tests/prose.sh ask "$build"
    check "make watchNN" tests/prose.sh watch "$build"
    check "make stepNN" tests/prose.sh step "$build"
    check "figures are drawn before make fails" tests/prose.sh drawn "$build"
    for source in examples/*.c; do
        t=$(basename "$source" .c)
        check "$t.c compiles" sh -c "cat $build/bin/$t.warnings; test -x $build/bin/$t"
    done
    check "hello runs" sh -c "$build/bin/hello >$build/hello.txt && test \$(wc -l <$build/hello.txt) = 1000"
    check "hello draws the circle: 95 % within .15 of a point" awk '{ near = 9
        for (j = 0; j < 8; j++) { a = 6.2831853 * j / 8; d = sqrt(($1 - cos(a))^2 + ($2 - sin(a))^2); if (d < near) near = d }
        hit += near < .15 } END { print hit / NR; exit !(hit > .95 * NR) }' "$build/hello.txt"
    check "film: 40 frames of 400 points, the last without noise" sh -c "$build/bin/film 2>/dev/null | awk 'NF == 1 {n++; s = \$1} NF == 2 {p++} END {print n, p, s; exit !(n == 40 && p == 16000 && s == 0)}'"
    check "own_network trains, saves, loads" "$build/bin/own_network" "$build/moons.safetensors"
    check "own_operation: its derivatives, and a network made with it" "$build/bin/own_operation"
    check "foreign_sampler: a learned posterior through two callbacks" "$build/bin/foreign_sampler"
    check "own_loss: a linear autoencoder reaches the variances dropped" "$build/bin/own_loss"
    check "files through gzip (SGM_ZLIB)" sh -c \
        "$CC $flags -O0 -DSGM_ZLIB -DSGM_NO_SIMD tests/test_9_images.c -o $build/zlib -lcmocka -lgsl -lgslcblas -lz -lm && $build/zlib"
    together() { # together NAME FLAGS ARGUMENT...: what was tested alone is tested together
        local name=$1 with=$2; shift 2
        check "$name compiles" sh -c "$CC -std=c99 -fopenmp -I. -Wall -Wextra -Wshadow -Werror $with tests/$name.c -o $build/$name -lm"
        check "$name${*:+ $*}" "$build/$name" "$@"
    }
    together sweep "-O2 -DSGM_LINKED $build/sgm.o" slice
    together settings "-D_GNU_SOURCE -O1 -include $build/open/open.h $build/open/open.o" 31
    together nulls "-O1 -DSGM_LINKED $build/sgm.o"
    rm -f "$build/sgm_tsan.o"
    if echo 'int main(void){return 0;}' | $CC -fsanitize=thread -x c - -o "$build/tsan" 2>/dev/null && "$build/tsan"
    then
        check "sgm.h compiles with ThreadSanitizer" $CC -std=c99 -fopenmp -I. -O1 -g1 -fsanitize=thread -pthread -c "$build/sgm.c" -o "$build/sgm_tsan.o"
        together threads "-O1 -g1 -fsanitize=thread -pthread -DSGM_LINKED $build/sgm_tsan.o" few
    else together threads "-O1 -pthread" few
    fi
    part "the gallery of examples" tests/gallery.sh "$build"
    part "several ranks" tests/mpi.sh "$build/sgm.o"
    part "the Python package" tests/python.sh "$build"
    part "the playground" env OUT="$build" tests/web_playground.sh
    check "the program in sgm.h is examples/hello.c" tests/prose.sh hello
    check "the book's widgets in a browser have a native program's bits" tests/web_widgets.sh "$build"
    part "the course: grader and formats" tests/course.sh
    part "the course: assignments" env LAB_HASTY=1 tutorial/course/selftest.pl "$CC" "$build/labs"
    part "the book in a browser" tests/book.sh "$build" # after the widgets and the playground, which it shows
    check "every cited equation exists" tests/prose.sh equations
    check "no compiler is told to write to a device" tests/prose.sh outputs
    check "no placeholders" tests/prose.sh placeholders
    check "README: its commands, links and numbers" tests/prose.sh front "$build"
    check "the benchmark of tables: its driver, on a law that is known" tests/bench/tables/check.sh "$build"
    check "sgm_api.json says what the header says" tests/api.sh "$build"
    part "sgm.hpp: C++17 to 23, with exceptions and without" tests/cpp.sh "$build"
    part "make install: found by pkg-config and CMake" tests/packages.sh "$build"
    part "the command sgm" tests/command.sh "$build"
    part "sgm_export.h: models as one .c file and as WebAssembly have the bits" tests/export.sh "$build"
    check "one version" tests/prose.sh version "$build"
    check "a release: the same bytes twice, and complete" tests/prose.sh dist "$build"
    check "every figure named is drawn, and every figure drawn is named" tests/prose.sh figures
    check "the page: lines, lengths, share of prose" tests/prose.sh page
    made=; [ "$(readlink -f "$(command -v "$CC")")" = "$(readlink -f "$(command -v gcc)")" ] && made=$build/sgm.o
    tests/strict.sh $made >"$build/strict.log" 2>&1 & strict=$! # each has one core to itself
    tests/samebits.sh quick $made >"$build/samebits.log" 2>&1 & samebits=$!
    wait $strict; check "silent under strict flags" sh -c "cat $build/strict.log; exit $?"
    wait $samebits; check "same bits" sh -c "cat $build/samebits.log; exit $?"
    check "other compilers, flags, names, macros: silent or refused" tests/portable.sh $made
    check "bad use of a tutorial: an out/ that cannot be written" tests/prose.sh unwritable "$build"
fi
rm -f "$build/log"
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
