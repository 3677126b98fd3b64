#!/bin/bash
# The two compilers as they are used: sgm.h in two files, included twice, static in two files, and without its parts, must compile and
# link without a word. portable.sh has the standards, flags, names and machines.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n#include "sgm.h"\nint main(void) { return 0; }\n' >"$dir/one.c"
printf '#include "sgm.h"\n#include "sgm.h"\nsgm_key other(void);\nsgm_key other(void) { return sgm_key_init(1); }\n' >"$dir/two.c"
for name in main other; do
    printf '#define SGM_STATIC\n#define SGM_IMPLEMENTATION\n#include "sgm.h"\nint %s(void);\nint %s(void) { return (int)sgm_key_init(0).k[0]; }\n' \
        $name $name >"$dir/static_$name.c"
done
warn="-Wall -Wextra -Wpedantic -Wshadow -Werror -I."
bad=0
try() { # try NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1 && [ ! -s "$dir/log" ]; then echo "silent  $name"
    else echo "NOISY   $name"; head -20 "$dir/log"; bad=1; fi
}
for cc in gcc clang; do
    command -v $cc >/dev/null || { echo "skipped $cc: not installed here"; continue; }
    if [ $cc = clang ]; then # its warnings do not hang on what it makes of the text: no code is needed
        for std in c99 c11; do try "$cc $std" $cc -std=$std $warn -fsyntax-only "$dir/one.c" "$dir/static_main.c"; done
        command -v clang++ >/dev/null || { echo "skipped clang++: not installed here"; continue; }
        try "clang++ c++17" clang++ -std=c++17 -x c++ $warn -fsyntax-only "$dir/one.c"
        continue
    fi
    try "$cc c99 -O2" $cc -std=c99 -O2 $warn "$dir/one.c" "$dir/two.c" -o "$dir/a.out" -lm # -O2 sees what is used before it is set
    try "$cc c11 -O0" $cc -std=c11 -O0 $warn "$dir/one.c" "$dir/two.c" -o "$dir/a.out" -lm
    try "$cc c99 SGM_STATIC in two files" $cc -std=c99 -O0 $warn "$dir/static_main.c" "$dir/static_other.c" -o "$dir/a.out" -lm
    for option in SGM_NO_SIMD SGM_NO_STDIO SGM_NO_THREADS; do
        try "$cc c99 $option" $cc -std=c99 -O0 -D$option $warn "$dir/one.c" -o "$dir/a.out" -lm
    done
    cxx=g++
    command -v $cxx >/dev/null || { echo "skipped $cxx: not installed here"; continue; }
    try "$cxx c++17" $cxx -std=c++17 -x c++ -O0 $warn "$dir/one.c" "$dir/two.c" -o "$dir/a.out" -lm
done
exit $bad
