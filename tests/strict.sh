#!/bin/bash
# sgm.h as it is used: in two files, included twice, static in two files, and without its parts, it must compile and link without a
# word. portable.sh has the other compiler, standards, flags, names and machines; samebits.sh all of it as C++.
#     tests/strict.sh [OBJECT]       OBJECT: sgm.h as gcc -O2 made it without a word
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n#include "sgm.h"\n' >"$dir/bare.c"
{ cat "$dir/bare.c"; echo 'int main(void) { return 0; }'; } >"$dir/one.c"
{ echo '#define SGM_STATIC'; cat "$dir/one.c"; } >"$dir/static.c"
cat >"$dir/two.c" <<'END'
#include "sgm.h"
#include "sgm.h"
int main(void) { return (int)sgm_key_init(1).k[0] == 0 && sgm_isa()[0] == 0; }
END
object=${1:-} openmp=$(echo 'int main(void){return 0;}' | gcc -fopenmp -x c - -o "$dir/probe" 2>/dev/null && echo -fopenmp)
warn="-Wall -Wextra -Wpedantic -Wshadow -Werror -I."
bad=0
try() { # try NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1 && [ ! -s "$dir/log" ]; then echo "silent  $name"
    else echo "NOISY   $name"; head -20 "$dir/log"; bad=1; fi
}
private() { # private OBJECT: it gives no name of the library's to the linker
    ! nm "$1" | grep ' [A-TV-Z] sgm_'
}
have() { command -v "$1" >/dev/null || { echo "skipped $1: not installed here"; return 1; }; }
if have gcc; then
    if [ -n "$object" ]; then echo "silent  gcc c99 -O2 (made before)"; else
        object=$dir/one.o # -O2 sees what is used before it is set
        try "gcc c99 -O2" gcc -std=c99 -O2 $warn -c "$dir/bare.c" -o "$object"
    fi
    try "gcc, in two files" gcc -std=c99 $warn "$dir/two.c" "$object" $openmp -o "$dir/a.out" -lm
    try "gcc c99 SGM_STATIC" gcc -std=c99 -O0 $warn "$dir/static.c" -o "$dir/a.out" -lm
    try "gcc c99 SGM_STATIC, in as many files as you like" private "$dir/a.out"
    try "gcc c99 SGM_NO_SIMD" gcc -std=c99 -O0 -DSGM_NO_SIMD $warn "$dir/one.c" -o "$dir/a.out" -lm
    # of what is static clang tells without making code that it is called and not there
    for option in SGM_NO_STDIO SGM_NO_THREADS; do
        if command -v clang >/dev/null; then try "clang c99 $option" clang -std=c99 -D$option $warn -fsyntax-only "$dir/static.c"
        else try "gcc c99 $option" gcc -std=c99 -O0 -D$option $warn "$dir/one.c" -o "$dir/a.out" -lm; fi
    done
    have g++ && try "g++ c++17, with an object that gcc made" g++ -std=c++17 -x c++ $warn "$dir/two.c" -x none "$object" $openmp -o "$dir/a.out" -lm
fi
exit $bad
