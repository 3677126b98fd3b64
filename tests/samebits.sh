#!/bin/bash
# The same bits from every compiler, optimisation level, instruction set, number of threads and of
# MPI ranks found here, and the same as are stored in tests/data/samebits.txt, one hash per release.
#
#     tests/samebits.sh            all of them, some ten minutes
#     tests/samebits.sh quick      a part
#     tests/samebits.sh quick OBJECT   OBJECT: sgm.h as gcc -O2 -fopenmp made it; the cells of gcc -O2 are linked with it
#     STORE=1 tests/samebits.sh    if all agree, what they agree on is stored from now on
#
# On other machines with qemu-aarch64 and aarch64-linux-gnu-gcc installed, NEON too; and in Chromium,
# where clang compiles for wasm32.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
stored=tests/data/samebits.txt
quick=; [ "${1:-}" = quick ] && quick=1
object=${2:-}
bad=0 cells=0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# What all cells are held against: the stored lines, or when storing those of the first cell.
expected=$dir/expected
if [ -z "${STORE:-}" ]; then cp $stored "$expected" || exit 1; fi

# cell NAME COMMAND...: runs it, and says which of its parts differ, if any do.
cell() {
    local name=$1 verdict
    shift
    "$@" >"$dir/got" 2>"$dir/log"
    cells=$((cells + 1))
    [ -f "$expected" ] || ! tail -1 "$dir/got" | grep -q ' all$' || cp "$dir/got" "$expected"
    if cmp -s "$dir/got" "$expected"; then
        verdict=same
    else
        bad=$((bad + 1))
        verdict="DIFFERENT: $(grep -vxFf "$expected" "$dir/got" | sed 's/^[0-9a-f]* //; /^all$/d' |
            paste -sd';' | sed 's/;/; /g') $(head -1 "$dir/log")"
    fi
    printf '%-52s %s %s\n' "$name" "$(tail -1 "$dir/got" | cut -d' ' -f1)" "$verdict"
}

broken() { # broken NAME: it does not build
    bad=$((bad + 1))
    printf '%-52s %s\n' "$1" "DOES NOT BUILD"
    head -5 "$dir/log"
}

isas() { # those this machine can run; sse2 has no fused multiply-add and is not part of the promise
    for isa in ref avx2 avx512 neon; do
        [ "$(SGM_ISA=$isa "$dir/isa")" = $isa ] && echo $isa
    done
}
cat >"$dir/isa.c" <<'C'
#include <stdio.h>
#define SGM_IMPLEMENTATION
#include "sgm.h"
int main(void) { puts(sgm_isa()); return 0; }
C
${CC:-cc} -I. -O0 "$dir/isa.c" ${object:+-DSGM_LINKED "$object" -fopenmp} -o "$dir/isa" -lm || exit 1
best=$(isas | tail -1)

wanted() { # wanted LEVEL ISA THREADS: of a quick run, the cells most likely to differ
    [ -n "$quick" ] || return 0
    case "$1,$2,$3" in
        -O2,ref,5 | -O2,avx2,[15] | -O2,"$best",* | -O0,"$best",1 | -O3*,"$best",2) return 0 ;;
    esac
    return 1
}

for cc in gcc clang; do
    command -v $cc >/dev/null || { echo "skipped $cc: not installed here"; continue; }
    for level in -O0 -O1 -O2 "-O3 -march=native"; do
        if [ -n "$quick" ]; then
            case "$cc $level" in *-O1 | "clang -O3"* | "clang -O0") continue ;; esac
        fi
        many="1 2 5"
        made=; [ "$cc $level" = "gcc -O2" ] && made=${object:+-DSGM_LINKED $object}
        # shellcheck disable=SC2086
        if ! $cc -std=c99 $level -fopenmp tests/samebits.c $made -o "$dir/run" -lm 2>"$dir/log"; then
            many=1
            $cc -std=c99 $level tests/samebits.c -o "$dir/run" -lm 2>"$dir/log" ||
                { broken "$cc $level"; continue; }
        fi
        for isa in $(isas); do
            for threads in $many; do
                wanted "$level" $isa $threads || continue
                cell "$cc $level, $isa, $threads thread(s)" \
                    env SGM_ISA=$isa "$dir/run" $threads parts
            done
        done
    done
done

# Other compilers, languages, libraries and machines.
other() { # other ISA COMPILER...: the first word is what must be installed
    local isa=$1
    shift
    command -v "$1" >/dev/null || { echo "skipped $1: not installed here"; return; }
    rm -f "$dir/other"*
    "$@" tests/samebits.c -o "$dir/other" -lm 2>"$dir/log" || { broken "$*"; return; }
    cell "$*, $isa" env SGM_ISA=$isa "$dir/other" 1 parts
}
other $best g++ -x c++ -std=c++17 -O0
other $best clang -O1 -funsafe-math-optimizations # has no macro to refuse it by
if [ -z "$quick" ]; then
    other ref tcc
    other ref gcc -std=c99 -O1 -m32 -msse2 -mfpmath=sse
    other ref clang -O1 -funsafe-math-optimizations
    other $best clang++ -x c++ -std=c++20 -O0
    other $best gcc -std=c11 -O0 -include tgmath.h
    other ref musl-gcc -std=c99 -O0 -static
fi
if [ -n "$quick" ]; then : # Windows, aarch64 and MPI: make samebits
else
    if command -v x86_64-w64-mingw32-gcc >/dev/null && command -v wine >/dev/null; then
        export WINEPREFIX=$dir/wine WINEDEBUG=-all # 700 MB, for a moment
        if x86_64-w64-mingw32-gcc -std=c99 -O1 tests/samebits.c -o "$dir/run.exe" -lm \
            2>"$dir/log"; then
            for isa in ref $best; do
                cell "Windows (mingw, wine) -O1, $isa" \
                    sh -c "SGM_ISA=$isa timeout 300 wine '$dir/run.exe' 1 parts | tr -d '\r'"
            done
        else
            broken mingw
        fi
    else
        echo "skipped Windows: needs gcc-mingw-w64-x86-64 and wine64"
    fi
    if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
        if aarch64-linux-gnu-gcc -std=c99 -O2 -static tests/samebits.c -o "$dir/run" -lm \
            2>"$dir/log"; then
            cell "aarch64 gcc -O2 (emulated), neon" qemu-aarch64 "$dir/run" 1 parts
        else
            broken aarch64
        fi
    else
        echo "skipped NEON: needs aarch64-linux-gnu-gcc and qemu-aarch64"
    fi
fi

# WebAssembly, which has no fused multiply-add: its kernels make one, in Chromium.
if [ -n "$quick" ]; then :
elif ! tutorial/web/build.sh check >/dev/null || perl tests/browser.pl | grep -q '^skipped'; then
    echo "skipped WebAssembly: needs clang, lld, wasi-libc, libclang-rt-dev-wasm32 and chromium"
else
    cell "WebAssembly (clang -O2, Chromium), wasm" tests/web_samebits.sh "$dir"
fi

# One training on 1, 2 and 4 ranks, whose model must be one file to the last byte.
ranks() {
    command -v mpicc >/dev/null && command -v mpirun >/dev/null ||
        { echo "skipped MPI: needs mpicc and mpirun"; return; }
    mpicc -std=c99 -O2 -fopenmp -I. examples/mpi/train.c -o "$dir/train" -lm 2>"$dir/log" ||
        { broken "mpicc examples/mpi/train.c"; return; }
    local n threads net about verdict
    for net in mlp unet; do
        if [ $net = mlp ]; then about="width=128 depth=3 n=4001 batch=3001"
        else about="width=8 depth=2 n=64 batch=50"; fi
        for n in 1 2 4; do
            for threads in 1 2 5; do
                rm -f "$dir/model"
                mpirun --oversubscribe -n $n "$dir/train" net=$net $about held=-1 steps=3 \
                    threads=$threads model="$dir/model" >"$dir/log" 2>&1
                cells=$((cells + 1))
                [ "$n$threads" = 11 ] && cp "$dir/model" "$dir/$net"
                if cmp -s "$dir/model" "$dir/$net"; then verdict=same
                else verdict="DIFFERENT: $(tail -1 "$dir/log")" bad=$((bad + 1)); fi
                printf '%-52s %16s %s\n' "mpi, $net, $n rank(s), $threads thread(s)" \
                    "$(cksum <"$dir/model" | cut -d' ' -f1)" "$verdict"
            done
        done
    done
}
if [ -z "$quick" ] && [ -f examples/mpi/train.c ]; then ranks; fi

if [ $bad != 0 ]; then
    echo "THE BITS DIFFER in $bad of $cells (if in all, and that was meant: make samebits STORE=1)"
    exit 1
fi
if [ -n "${STORE:-}" ]; then
    cp "$expected" $stored
    echo "stored in $stored"
fi
echo "one key, one result: $cells"
