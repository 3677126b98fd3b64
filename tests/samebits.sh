#!/bin/bash
# The same bits from every compiler, optimisation level, instruction set and number of threads found here.
# quick: a short run. On other machines with qemu-aarch64 and aarch64-linux-gnu-gcc installed, NEON too.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
short="10 9 5" long="200 100 50"
[ "${1:-}" = quick ] && long="40 33 10"
bad=0
isas() { # those this machine can run; sse2 has no fused multiply-add and is not part of the promise
    for isa in ref avx2 avx512 neon; do
        [ "$(SGM_ISA=$isa "$dir/isa")" = $isa ] && echo $isa
    done
}
printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\nint main(void) { puts(sgm_isa()); return 0; }\n' >"$dir/isa.c"
${CC:-cc} -I. -O1 "$dir/isa.c" -o "$dir/isa" -lm || exit 1
row() { # row NAME HASH EXPECTED
    if [ "$2" = "$3" ]; then verdict=same; else verdict=DIFFERENT; bad=1; fi
    printf '%-52s %s %s\n' "$1" "$2" "$verdict"
}
for cc in gcc clang; do
    command -v $cc >/dev/null || { echo "skipped $cc: not installed here"; continue; }
    for level in "-O0" "-O2" "-O3 -march=native"; do
        openmp=-fopenmp
        if ! $cc -std=c99 $level -fopenmp tests/samebits.c -o "$dir/run" -lm 2>/dev/null; then
            openmp=""
            $cc -std=c99 $level tests/samebits.c -o "$dir/run" -lm || { bad=1; continue; }
        fi
        for isa in $(isas); do
            for threads in 1 2; do
                [ $threads = 2 ] && [ -z "$openmp" ] && continue
                [ "${1:-}" = quick ] && [ $isa = ref ] && [ "$level$threads" != -O21 ] && continue # slow
                size=$long; [ "$level" = -O0 ] && size=$short
                hash=$(OMP_NUM_THREADS=$threads SGM_ISA=$isa "$dir/run" $size)
                if [ "$level" = -O0 ]; then expect=${short_hash:=$hash}; else expect=${long_hash:=$hash}; fi
                row "$cc $level, $isa, $threads thread(s), ($size)" "$hash" "$expect"
            done
        done
        if [ "$level" = -O2 ]; then row "$cc -O2, short run against -O0" \
            "$(SGM_ISA=$(isas | tail -1) "$dir/run" $short)" "${short_hash}"; fi
    done
done
# Other compilers, languages, libraries and machines, by the short run.
short_hash=${short_hash:-$(SGM_ISA=ref "$dir/run" $short)}
other() { # other ISA COMPILER...: the first word is what must be installed
    local isa=$1; shift
    command -v "$1" >/dev/null || { echo "skipped $1: not installed here"; return; }
    rm -f "$dir/other"*
    "$@" tests/samebits.c -o "$dir/other" -lm 2>"$dir/log" || { row "$*, $isa" "does not build" "$short_hash"; head -5 "$dir/log"; return; }
    row "$*, $isa" "$(SGM_ISA=$isa "$dir/other" $short)" "$short_hash"
}
best=$(isas | tail -1)
other $best g++ -x c++ -std=c++17 -O0
other ref gcc -std=c99 -O1 -m32 -msse2 -mfpmath=sse
other ref clang -O1 -funsafe-math-optimizations # has no macro to refuse it by
if [ "${1:-}" != quick ]; then
    other $best clang -O1 -funsafe-math-optimizations
    other $best clang++ -x c++ -std=c++20 -O0
    other $best gcc -std=c11 -O0 -include tgmath.h
    other ref musl-gcc -std=c99 -O0 -static
    other ref tcc
fi
if [ "${1:-}" = quick ]; then : # Windows and aarch64: make samebits
elif command -v x86_64-w64-mingw32-gcc >/dev/null && command -v wine >/dev/null; then
    export WINEPREFIX=$dir/wine WINEDEBUG=-all # 700 MB, for a moment
    x86_64-w64-mingw32-gcc -std=c99 -O1 tests/samebits.c -o "$dir/run.exe" -lm || bad=1
    for isa in ref $best; do
        row "Windows (mingw, wine) -O1, $isa, ($short)" "$(SGM_ISA=$isa timeout 120 wine "$dir/run.exe" $short 2>/dev/null | tr -d '\r')" "$short_hash"
    done
else
    echo "skipped Windows: needs gcc-mingw-w64-x86-64 and wine64"
fi
if [ "${1:-}" = quick ]; then :
elif command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
    aarch64-linux-gnu-gcc -std=c99 -O2 -static tests/samebits.c -o "$dir/run" -lm &&
        row "aarch64 gcc -O2 (emulated), neon, ($short)" "$(qemu-aarch64 "$dir/run" $short)" "$short_hash"
else
    echo "skipped NEON: needs aarch64-linux-gnu-gcc and qemu-aarch64"
fi
[ $bad = 0 ] && echo "one key, one result" || echo "THE BITS DIFFER"
exit $bad
