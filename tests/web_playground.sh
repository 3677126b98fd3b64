#!/bin/bash
# Builds out/playground.html and tries it in Chromium (tests/web_playground.pl): the same bits as the
# native program that it shows, and all that one can do in it. Skipped, and said, where the compiler
# for WebAssembly or Chromium is missing. Some 10 s of the processor.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=${build:-out/tests} page=${OUT:-out}/playground.html
why=$(tutorial/web/build.sh check) || { echo "skipped: $why"; exit 0; }
mkdir -p "$dir"
${MAKE:-make} -s playground OUT="${OUT:-out}" || { echo "FAILED  make playground"; exit 1; }
size=$(wc -c <"$page")
[ "$size" -le 2000000 ] || { echo "FAILED  $page has $size bytes, more than 2 MB"; exit 1; }
[ -f "$dir/sgm.o" ] || {
    printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >"$dir/sgm.c"
    ${CC:-cc} -std=c99 -O1 -fopenmp -I. -c "$dir/sgm.c" -o "$dir/sgm.o" || exit 1
}
exec perl tests/web_playground.pl "$page" "$dir"
