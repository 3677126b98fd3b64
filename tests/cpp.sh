#!/bin/bash
# cpp.sh BUILD: examples/cpp/sgm.hpp with g++ and clang++, C++17 to 23, with exceptions and without,
# silently; tests/cpp.cpp of both kinds under ASan and UBSan, linked with BUILD/sgm.o, which C made;
# and what must not compile, or leak, planted. FULL=1: every standard with and without exceptions.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1 dir=$1/cpp passed=0 failed=0
mkdir -p "$dir"
warn="-Wall -Wextra -Wpedantic -Wshadow -Werror -I. -Iexamples/cpp"
check() { # check NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
    else failed=$((failed + 1)); echo "FAILED  $name"; head -20 "$dir/log"
    fi
}
refuses() { # refuses SAID COMMAND...: it fails, and says so
    local said=$1; shift
    ! "$@" >"$dir/log" 2>&1 && grep -q "$said" "$dir/log"
}
silent() { "$@" && [ ! -s "$dir/log" ]; }
[ -f "$build/sgm.o" ] || { printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >"$dir/sgm.c"; ${CC:-cc} -std=c99 -O1 -fopenmp -I. -c "$dir/sgm.c" -o "$build/sgm.o" || exit 1; }
export ASAN_OPTIONS=detect_leaks=1 OMP_NUM_THREADS=2
tried=0
for cxx in g++ clang++; do
    command -v $cxx >/dev/null || { echo "$cxx is not here: not tried (apt-get install ${cxx/clang++/clang})"; continue; }
    tried=$((tried + 1))
    some="17: 20:-fno-exceptions 2b:"
    [ $cxx = g++ ] || some="17:-fno-exceptions 20: 2b:-fno-exceptions"
    [ -z "${FULL:-}" ] || some="17: 20: 2b: 17:-fno-exceptions 20:-fno-exceptions 2b:-fno-exceptions"
    for one in $some; do
        std=${one%%:*} with=${one#*:}
        check "$cxx c++$std $with is silent" silent $cxx -std=c++$std $with $warn -fsyntax-only tests/cpp.cpp
    done
    [ "$tried" = 1 ] || check "$cxx: the example" silent $cxx -std=c++17 $warn -DSGM_LINKED -fsyntax-only examples/cpp/fit.cpp
    # run one kind with each compiler that is here; both with the only one
    for with in "" -fno-exceptions; do
        [ -z "${FULL:-}" ] && [ $cxx = clang++ ] && [ -z "$with" ] && [ $tried = 2 ] && continue
        [ -z "${FULL:-}" ] && [ $cxx = g++ ] && [ "$with" ] && command -v clang++ >/dev/null && continue
        $cxx -std=c++17 -g -O0 -fsanitize=address,undefined -fno-sanitize-recover=undefined $with $warn -c tests/cpp.cpp -o "$dir/cpp.o" >"$dir/log" 2>&1
        check "$cxx $with links with C's sgm.o" $cxx -fsanitize=address,undefined "$dir/cpp.o" "$build/sgm.o" -o "$dir/cpp" -lgomp -lm
        check "$cxx $with under ASan and UBSan" "$dir/cpp" "$dir/a.safetensors"
        grep '^FAILED' "$dir/log"
    done
done
example() { # it prints rows of the mixture that it was fitted to, with their log densities
    $cxx -std=c++17 -O0 $warn -DSGM_LINKED examples/cpp/fit.cpp "$build/sgm.o" -o "$dir/fit" -lgomp -lm && [ ! -s "$dir/log" ] &&
        (cd "$dir" && rm -f fit.safetensors && ./fit >fit.txt 2>fit.said && [ -s fit.safetensors ]) && cat "$dir/fit.txt" && near "$dir/fit.txt"
}
# Two in three are long: e = 4.3 + .3 a, w = 80 + 4 a + 5 b; the others have 2 and 54. The columns' standard deviations are 1.1 and 14,
# so log p would be log(1.1 · 14) = 2.7 more if it were told of standardised rows. A model of 400 rows misses log p by some tenths of
# a nat where rows are; .7 in the mean of five is far from both.
near() {
    awk 'function part(share, e, w,  a, b) { a = ($1 - e) / .3; b = ($2 - w - 4 * a) / 5
            return share * exp(-(a * a + b * b) / 2) / (2 * 3.14159265 * .3 * 5) }
        !/^#/ && NF == 5 { d = $3 - log(part(2 / 3, 4.3, 80) + part(1 / 3, 2, 54)); off += d < 0 ? -d : d; n++ }
        END { print off / n; exit !(n == 5 && off / n < .7) }' "$1"
}
[ $tried -gt 0 ] || { echo "skipped: no C++ compiler is here"; exit 0; }
# planted: what would be wrong, and is refused
command -v g++ >/dev/null && cxx=g++ || cxx=clang++
check "the example is of the law that it was fitted to" example
units() { awk '/^#/{print; next} {$3 += 2.7; print}' "$dir/fit.txt" >"$dir/fault.txt"; ! near "$dir/fault.txt"; }
check "and log densities in other units are seen" units
$cxx -std=c++17 -fno-exceptions $warn -DREFUSED -fsyntax-only tests/cpp.cpp >"$dir/refused" 2>&1 && : >"$dir/refused"
while IFS=: read -r line text; do
    check "refused:${text##*refused:}" grep -qE "^tests/cpp\.cpp:$line:[0-9]+: error" "$dir/refused"
done < <(grep -n '// refused: ' tests/cpp.cpp)
check "and nothing else" [ "$(grep -cE '^tests/cpp\.cpp:[0-9]+:[0-9]+: error' "$dir/refused")" = "$(grep -c '// refused: ' tests/cpp.cpp)" ]
check "a leak is seen" refuses "detected memory leaks" "$dir/cpp" "$dir/a.safetensors" leak
echo "$passed passed, $failed failed"
[ $failed = 0 ]
