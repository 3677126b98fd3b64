#!/bin/bash
# sgm.h with other compilers, standards, flags, file names and macros: it builds without a word, or is refused by one #error that names
# the cure. FULL=1: every standard and pair of options, all of it compiled and run. `names` prints the guard list that sgm.h needs.
# An object that gcc made of sgm.h as an argument: what is the same is linked with it.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
full=${FULL:-}
bad=0 cells=0
have() { command -v "$1" >/dev/null || { echo "skipped $1: not installed here"; return 1; }; }
try() { # try silent|REFUSAL NAME COMMAND...: no word and status 0; or status 1 and one error, whose text has REFUSAL
    local want=$1 name=$2 status errors
    shift 2
    "$@" >"$dir/log" 2>&1; status=$?
    cells=$((cells + 1))
    errors=$(grep -c ': error: ' "$dir/log")
    if [ "$want" = silent ]; then
        [ $status = 0 ] && [ ! -s "$dir/log" ] && { [ -z "$full" ] || echo "silent   $name"; return; }
    elif [ $status != 0 ] && [ "$errors" = 1 ] && grep ': error: ' "$dir/log" | grep -q -- "$want"; then
        [ -z "$full" ] || echo "refused  $name"; return
    fi
    echo "WRONG    $name: wanted $want"; head -8 "$dir/log"; bad=1
}

# --- names: what a macro of one or two letters, or of a word that people do define, would break
words='batch|bins|bits|buffer|channels|classes|cols|columns|cond|count|data|depth|dim|dims|eps|family|gamma|grid|index|key|label|labels|lambda|level|levels|name|noise|real|rows|scale|score|seed|shape|sigma|size|state|steps|theta|width'
names() { # the identifiers in the code on stdin
    gcc -fpreprocessed -dD -E -P -x c - 2>/dev/null |
        sed -E 's/"([^"\\]|\\.)*"//g; s/'"'([^'\\\\]|\\\\.)*'"'//g; /^ *# *(include|pragma|error)/d; /^ *# *(el)?if .*defined /d; s/\\$//' |
        sed -E '/^ *(\|\| )?defined /d' | grep -oE '\b[A-Za-z_][A-Za-z0-9_]*\b' | sort -u
}
public() { sed '/^#endif \/\* SGM_H/,$d' sgm.h | names; }
private() { sed '1,/^#endif \/\* SGM_H/d' sgm.h | names; }
short() { grep -xE ".|..|$words" | grep -vxE 'do|if|_'; }
guard() { # the names on stdin as a condition, up to 100 columns
    awk '{ word = "defined " $1; if (NR == 1) line = "    " word
        else if (length(line word) > 90) { print line " || \\"; line = "    " word } else line = line " || " word }
        END { print line ")" }'
}
list() {
    echo '#if (!defined(SGM_H) || (defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED))) && ( \'
    guard <"$dir/public"
    echo '#define SGM__TAKEN'
    echo '#elif defined(SGM_IMPLEMENTATION) && !defined(SGM__IMPLEMENTED) && ( \'
    guard <"$dir/private"
    echo '#define SGM__TAKEN'
    echo '#endif'
}
public | short >"$dir/public"
private | short | comm -23 - "$dir/public" >"$dir/private"
if [ "${1:-}" = names ]; then # writes them into sgm.h, between its two marks
    list >"$dir/list"
    sed -i -e '/^\/\* Macros of these names/,/^#ifdef SGM__TAKEN/{/^\/\* Macros/r '"$dir/list" -e '/^\/\* Macros\|^#ifdef/!d}' sgm.h
    exit
fi
unguarded=$(cat "$dir/public" "$dir/private" | while read -r name; do grep -q "defined $name\b" sgm.h || printf '%s ' "$name"; done)
if [ -z "$unguarded" ]; then echo "every short name of sgm.h is guarded: $(cat "$dir/public" "$dir/private" | wc -l)"
else echo "WRONG    no guard for: $unguarded(write it by tests/portable.sh names)"; bad=1; fi
# Names that macros of system headers take, and N (<complex.h>, <windows.h>, <term.h>, curses, gettext) are not used at all.
taken=$({ public; private; } | grep -xE 'I|N|complex|imaginary|near|far|small|hyper|min|max|interface|IN|OUT|ERROR|OPTIONAL|unix|linux|minor|major|TRUE|FALSE' | tr '\n' ' ')
[ -z "$taken" ] || { echo "WRONG    sgm.h uses the name of a system's macro: $taken"; bad=1; }

# Windows' printf knows no %zu.
formats=$(grep -nE '"[^"]*%[0-9.*-]*[zjt][diux]' sgm.h) && { echo "WRONG    formats that Windows does not know:"; echo "$formats"; bad=1; }

# --- sources: alone, twice, static in two files, renamed, pasted
one='#define SGM_IMPLEMENTATION
#include "sgm.h"
#include "sgm.h"
int main(void) { return sgm_isa()[0] == 0; }'
echo "$one" >"$dir/one.c"
printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n#include "sgm.h"\n' >"$dir/bare.c"
for first in complex.h tgmath.h; do printf '#include <%s>\n%s\n' $first "$one" >"$dir/$first.c"; done
printf '#include "sgm.h"\n#include "sgm.h"\nsgm_key other(void);\nsgm_key other(void) { return sgm_key_init(1); }\n' >"$dir/two.c"
printf '#define SGM_STATIC\n%s\n' "$one" >"$dir/static.c"
printf '#define SGM_STATIC\n#define SGM_IMPLEMENTATION\n#include "sgm.h"\nint other(void);\nint other(void) { return (int)sgm_key_init(0).k[0]; }\n' >"$dir/static2.c"
mkdir "$dir/renamed"
cp sgm.h "$dir/renamed/my_sgm.h"
echo "$one" | sed 's/sgm\.h/my_sgm.h/' >"$dir/renamed.c"
echo "$one" | sed 's/sgm\.h/renamed\/my_sgm.h/' >"$dir/renamed2.c"
{ echo '#define SGM_IMPLEMENTATION'; cat sgm.h; echo "$one" | sed 1,3d; } >"$dir/pasted.c"
{ printf '#ifndef ALL_H\n#define ALL_H\n#define SGM_IMPLEMENTATION\n'; cat sgm.h; echo '#endif'; } >"$dir/all.h"
echo "$one" | sed 's/sgm\.h/all.h/' >"$dir/pasted2.c"
alone="-Wall -Wextra -Wpedantic -Wshadow" # without this folder, where the text also lies under its own name
warn="$alone -I."

# --- the table
check() { # check COMPILER STANDARD...: only the syntax, unless all is wanted
    local cc=$1 std x cxx=""
    shift
    have "$cc" || return
    case $cc in *++) cxx="-x c++";; esac
    for std in "$@"; do
        try silent "$cc $std" $cc $cxx -std=$std $warn -fsyntax-only "$dir/one.c"
    done
}
check gcc c99 c11 c17 c2x
check clang c99 c11 c17 c2x
check g++ c++17 c++20 c++2b
check clang++ c++17 c++20 c++2b
check musl-gcc c99
have tcc && try silent "tcc" tcc -Wall -I. -c "$dir/one.c" -o "$dir/one.o"
for cc in gcc clang; do
    have $cc || continue
    for first in complex.h tgmath.h; do try silent "$cc <$first> first" $cc -std=c11 $warn -fsyntax-only "$dir/$first.c"; done
    try silent "$cc SGM_STATIC" $cc -std=c99 $warn -fsyntax-only "$dir/static.c"
    try silent "$cc renamed" $cc -std=c99 $alone -I"$dir/renamed" -fsyntax-only "$dir/renamed.c"
    try silent "$cc in a folder" $cc -std=c99 $alone -I"$dir" -fsyntax-only "$dir/renamed2.c"
    try silent "$cc pasted" $cc -std=c99 $alone -fsyntax-only "$dir/pasted.c"
    try silent "$cc pasted into a header" $cc -std=c99 $alone -I"$dir" -fsyntax-only "$dir/pasted2.c"
    [ -n "$full" ] || try silent "$cc, short macros of systems, all at once" $cc -std=c99 $warn -DI=1 -DN=100 -D_=1 -Dfar= -Dnear= -Dsmall=char \
        '-Dmin(a,b)=0' '-Dmax(a,b)=0' -Dinterface=struct -DIN= -DOUT= -DERROR=0 -DTRUE=1 -Dunix=1 -DPI=3.14 -fsyntax-only "$dir/one.c"
    for macro in I=1 N=100 _=1 far= near= small=char 'min(a,b)=0' 'max(a,b)=0' interface=struct IN= OUT= ERROR=0 TRUE=1 unix=1 PI=3.14; do
        [ -n "$full" ] || break
        try silent "$cc #define $macro" $cc -std=c99 $warn "-D$macro" -fsyntax-only "$dir/one.c"
    done
    for macro in T=1000 B=16 D=2 K=8 x=1 n=10 size=3 data= dx=1; do
        try "include it before" "$cc #define $macro" $cc -std=c99 $warn "-D$macro" -fsyntax-only "$dir/bare.c"
    done
    try silent "$cc a macro that only the code meets, in a file without it" $cc -std=c99 $warn -DB=16 -fsyntax-only "$dir/two.c"
    for flag in -ffast-math -Ofast -ffinite-math-only; do
        try "-ffast-math" "$cc $flag" $cc -std=c99 $warn $flag -fsyntax-only "$dir/one.c"
    done
    if printf '#include <stdint.h>\n#include <errno.h>\n' | $cc -m32 -x c -fsyntax-only - 2>/dev/null; then
        try "-mfpmath=sse" "$cc -m32" $cc -m32 -std=c99 $warn -fsyntax-only "$dir/one.c"
        try silent "$cc -m32 -msse2 -mfpmath=sse" $cc -m32 -msse2 -mfpmath=sse -std=c99 $warn -fsyntax-only "$dir/one.c"
    else echo "skipped $cc -m32: no headers for it here"
    fi
    try "all three or none" "$cc SGM_MALLOC alone" $cc '-DSGM_MALLOC(n)=malloc(n)' $warn -fsyntax-only "$dir/one.c"
    try "all three or none" "$cc SGM_FREE, SGM_REALLOC" $cc '-DSGM_FREE(p)=free(p)' '-DSGM_REALLOC(p,n)=realloc(p,n)' $warn -fsyntax-only "$dir/one.c"
    try silent "$cc SGM_API" $cc '-DSGM_API=extern __attribute__((visibility("default")))' $warn -fsyntax-only "$dir/one.c"
    try "and then no SGM_API" "$cc SGM_API and SGM_STATIC" $cc -DSGM_API=extern -DSGM_STATIC $warn -fsyntax-only "$dir/one.c"
done
for flag in -funsafe-math-optimizations -freciprocal-math "-fassociative-math -fno-signed-zeros -fno-trapping-math"; do
    have gcc && try "-ffast-math" "gcc $flag" gcc -std=c99 $warn $flag -fsyntax-only "$dir/one.c"
done
try "-mfpmath=sse" "gcc -mfpmath=387" gcc -std=c99 $warn -mfpmath=387 -fsyntax-only "$dir/one.c"
try "single_precision" "gcc -fsingle-precision-constant" gcc -std=c99 -I. -w -fsingle-precision-constant -fsyntax-only "$dir/one.c"
try silent "gcc -march=sapphirerapids" gcc -march=sapphirerapids $warn -fsyntax-only "$dir/one.c"
options="SGM_SSE2 SGM_NO_SIMD SGM_NO_THREADS SGM_NO_STDIO SGM_STATIC SGM_ZLIB"
echo '#include <zlib.h>' | gcc -x c -fsyntax-only - 2>/dev/null || options=${options% *}
# gcc tells of what is unused only where it writes code, clang always
cc="gcc -O0 -S -o /dev/null" && command -v clang >/dev/null && cc="clang -fsyntax-only"
for a in $options; do
    for b in $options; do
        [[ $a < $b && -n $full || $a = "$b" ]] || continue # pairs: make portable
        try silent "${cc%% *} $a $b" $cc -std=c99 $warn -D$a=1 -D$b=1 "$dir/one.c"
        [ -z "$full" ] || try silent "gcc $a $b" gcc -fopenmp -O1 -S -o /dev/null -std=c99 $warn -D$a=1 -D$b=1 "$dir/one.c"
    done
done

# --- Windows: silent also beside <windows.h>, and the clock is that on the wall
for first in windows.h winsock2.h; do printf '#include <%s>\n%s\n' $first "$one" >"$dir/$first.c"; done
printf '%s\n#include <windows.h>\n' "$one" >"$dir/windows_last.c"
win=x86_64-w64-mingw32-gcc
if have $win; then
    check $win c99 gnu17
    for source in windows.h winsock2.h windows_last; do try silent "$win $source" $win $warn -fsyntax-only "$dir/$source.c"; done
    for option in SGM_NO_STDIO SGM_STATIC SGM_NO_SIMD; do try silent "$win $option" $win -D$option=1 -std=c99 $warn -fsyntax-only "$dir/one.c"; done
    cat >"$dir/clock.c" <<'END'
#include <windows.h>
#define SGM_IMPLEMENTATION
#include "sgm.h"
int main(void) {
    double start = sgm_seconds(), slept;
    Sleep(300);
    slept = sgm_seconds() - start;
    if (!(slept > 0.28 && slept < 30)) return printf("300 ms took %g s\n", slept), 1;
    if (sgm_set_threads(-1) != SGM_BAD_ARGUMENT || !strstr(sgm_error(), "sgm_set_threads(-1)")) return puts(sgm_error()), 1;
    return sgm_threads() != 1;
}
END
    try silent "$win clock.c" $win -std=c99 -O0 $warn "$dir/clock.c" -o "$dir/clock.exe"
    if [ -n "$full" ] && have wine; then
        export WINEPREFIX=$dir/wine WINEDEBUG=-all # 700 MB, for a moment
        timeout 120 wine "$dir/clock.exe" >"$dir/log" 2>&1 # the first run talks of its new folder
        try silent "the clock under wine" timeout 120 wine "$dir/clock.exe"
        try silent "$win windows_files.c" $win -std=c99 -O0 $warn tests/windows_files.c -o "$dir/files.exe"
        try silent "saving and reading under wine" sh -c "cd '$dir' && timeout 120 wine files.exe"
    fi
fi

# --- runs: which kernels a renamed and a pasted header have; many threads make their first call at once
run() { # run NAME WANT SOURCE: builds and prints
    gcc -std=c99 -O0 -I"$dir/renamed" "$3" -o "$dir/run" -lm && try silent "$1" test "$(env -u SGM_ISA "$dir/run")" = "$2"
}
puts='int main(void) { puts(sgm_isa()); return 0; }'
for source in one renamed pasted; do sed "s/^int main.*/$puts/" "$dir/$source.c" >"$dir/$source.isa.c"; done
gcc -std=c99 -O0 -I. "$dir/one.isa.c" ${1:+-DSGM_LINKED "$1" -fopenmp} -o "$dir/run" -lm
isa=$(env -u SGM_ISA "$dir/run")
run "renamed: kernels for $isa" "$isa" "$dir/renamed.isa.c"
run "pasted: plain kernels" ref "$dir/pasted.isa.c"
cat >"$dir/first.c" <<'END'
#define SGM_IMPLEMENTATION
#include "sgm.h"
#include <pthread.h>
static pthread_barrier_t gate;
static void *first(void *at) {
    long i = (long)(intptr_t)at;
    float z[600];
    char said[80];
    sgm_key key = sgm_key_init((uint64_t)i);
    sgm_sde sde = sgm_sde_vp(0.1, 20);
    pthread_barrier_wait(&gate);
    sgm_normal(z, 600, key, 0);
    sgm_mixture mix;
    double weight = 1, mean[2] = {0, 0}, var = 1;
    if (sgm_mixture_init(&mix, 1, 2, &weight, mean, &var, SGM_COV_ISOTROPIC, &sde)) return at;
    sgm_mixture_free(&mix);
    snprintf(said, sizeof said, "sgm_set_threads(%ld)", -i - 1); /* each thread has its own message */
    if (sgm_set_threads((int)-i - 1) == SGM_OK || !strstr(sgm_error(), said)) return at;
    return sgm_isa()[0] && sgm_threads() == 1 && sgm_energy_distance(z, 100, z + 300, 100, 3) < 1 ? NULL : at;
}
int main(void) {
    pthread_t thread[8];
    int bad = 0;
    pthread_barrier_init(&gate, NULL, 8);
    for (long i = 0; i < 8; i++) pthread_create(&thread[i], NULL, first, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 8; i++) {
        void *said = NULL;
        pthread_join(thread[i], &said);
        bad |= said != NULL;
    }
    return bad;
}
END
if echo 'int main(void) { return 0; }' | gcc -fsanitize=thread -x c - -o "$dir/first" 2>/dev/null && "$dir/first" 2>/dev/null; then
    gcc -std=gnu11 -O0 -g -fsanitize=thread -I. "$dir/first.c" -o "$dir/first" -lm -lpthread
    try silent "8 threads call for the first time at once (ThreadSanitizer)" "$dir/first"
else
    echo "skipped ThreadSanitizer: it does not run here"
fi
echo "$cells cells"
exit $bad
