#!/bin/bash
# The course on other systems: the archive for students is unpacked for each compiler and machine that is here, and then a student's
# first minutes are gone through: compile lab.c, "lab ready", every blank (0 points), every model answer (100). What is not installed is
# skipped, with a message. Ends with a table of what was measured, and "N passed, N failed".
#     tests/course_portable.sh [SYSTEM...]   of: gcc clang tcc m32 aarch64 windows sanitizers bare
#     ROOT=FOLDER for bare: a system with a compiler and nothing else, as a root folder, for root to change into
#                 (debootstrap --variant=minbase --include=gcc,libc6-dev bookworm FOLDER)
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C OMP_NUM_THREADS=1
unset CC CFLAGS LAB_RUN LAB_NAME LAB_CPU LAB_WALL SANITIZE
to=${build:-out/tests}/course_portable passed=0 failed=0
rm -rf "$to"; mkdir -p "$to/answers"; to=$(cd "$to" && pwd)
labs=$(sed -n 's/^\([0-9][0-9]\)_.*/\1/p' tutorial/course/course.tsv)
ok() { passed=$((passed + 1)); echo "ok      $*"; }
bad() { failed=$((failed + 1)); echo "FAILED  $*"; }
have() { command -v "$1" >/dev/null || { echo "skipped: $name; $1 is not installed"; return 1; }; }
builds() { # builds WHY COMMAND...: whether a compiler makes a program that runs
    local why=$1; shift
    printf '#include <stdio.h>\nint main(void) { return printf("") != 0; }\n' >"$to/try.c"
    "$@" "$to/try.c" -o "$to/try.exe" 2>/dev/null && ${run:-} "$to/try.exe" 2>/dev/null || { echo "skipped: $name; $why"; return 1; }
}
timed() { # timed COMMAND...: its output in $to/log; wall and processor seconds in $wall and $cpu
    local TIMEFORMAT='%R %U %S' status
    { time "$@" >"$to/log" 2>&1; } 2>"$to/time"; status=$?
    read -r wall cpu < <(awk '{ printf "%.2f %.2f\n", $1, $2 + $3 }' "$to/time")
    return $status
}
most() { awk -v a="$1" -v b="$2" 'BEGIN { print (a > b ? a : b) }'; }

tutorial/course/cut.pl build "$to/labs" && BUILT=$to/labs BOOK=none tutorial/course/handout.sh "$to" >"$to/log" ||
    { cat "$to/log"; echo "0 passed, 1 failed"; exit 1; }
for n in $labs; do
    tutorial/course/cut.pl answer "$n" "$to/labs"
    for f in "$to"/labs/"${n}"_*/answer.c; do cp "$f" "$to/answers/$(basename "${f%/*}").c"; done
done

# A student's way through the archive. $in: what runs a command in the folder (a shell, or a chroot); $at: the folder, seen from here.
# $cc compiles lab.c; CC, CFLAGS, LAB_RUN and SANITIZE are the driver's. $cap: seconds of processor time that a check may take.
way() {
    local green checks=0 slow="0.00 0.00" twelve=- wide=0 most_cpu=0 n
    local first="tar -xzf ../course.tar.gz --strip-components=1 && $cc -O1 lab.c -o lab && ./lab ready"
    mkdir -p "$at"; cp "$to"/sgm-course-[0-9]*.tar.gz "$at/../course.tar.gz"; cp -r "$to/answers" "$at/"
    timed $in "$first" && grep '100 of 100' "$to/log" >/dev/null && ok "$name: the first green line, $wall s ($cpu s of processor time)" ||
        { bad "$name: the first green line"; tail -20 "$to/log"; return; }
    green="$wall ($cpu)"
    $in "./lab 01" >"$to/log" 2>&1
    [ $? = 1 ] && grep 'your file is labs/01_' "$to/log" >/dev/null && ok "$name: assignment 1 is begun" || { bad "$name: lab 01"; cat "$to/log"; }
    for n in $labs; do
        rm -rf "$at/blank"; mkdir "$at/blank"
        for f in "$at"/course/"${n}"_*/start.c; do cp "$f" "$at/blank/$(basename "${f%/*}").c"; done
        $in "./lab grade blank $n" >"$to/log" 2>&1; status=$?
        if [ $status = 1 ] && grep -E '^Assignment .*: 0 of 100' "$to/log" >/dev/null && grep 'exact answers 0 of' "$to/log" >/dev/null; then ok "$name: the blank of $n has 0"
        else bad "$name: the blank of $n"; cat "$to/log"; fi
        if timed $in "./lab grade answers $n" && grep -E '^Assignment .*: 100 of 100' "$to/log" >/dev/null; then
            ok "$name: the answer of $n has 100, $wall s ($cpu s)"
            if [ -n "$cap" ] && [ "$n" != 12 ] && awk -v a="$cpu" -v b="$cap" 'BEGIN { exit !(a > b) }'; then bad "$name: the check of $n takes $cpu s, allowed are $cap"; fi
        else bad "$name: the answer of $n"; cat "$to/log"; fi
        if [ "$n" = 12 ]; then twelve="$wall ($cpu)"
        else checks=$((checks + 1)); wide=$(most "$wide" "$wall"); most_cpu=$(most "$most_cpu" "$cpu"); sum=$(awk -v a="${sum:-0}" -v b="$cpu" 'BEGIN { print a + b }'); fi
    done
    printf '| %s | %s | %.2f | %.2f (%.2f) | %s |\n' "$name" "$green" "$(awk -v s="$sum" -v n=$checks 'BEGIN { print s/n }')" "$wide" "$most_cpu" "$twelve" >>"$to/table"
}
here() { (cd "$at" && sh -c "$1"); }
other() { chroot "$ROOT" sh -c "cd /tmp/course_portable/course && $1"; }
only=" $* "
wanted() { [ "$only" = "  " ] || [[ "$only" == *" $1 "* ]]; }
on() { # on KEY NAME COMPILER FLAGS RUN SANITIZE CAP
    wanted "$1" || return
    export CC=$3 CFLAGS=$4 LAB_RUN=$5 SANITIZE=$6
    local at=$to/$1/course in=here cap=$7 cc="$3 $4" run=$5 name=$2 sum=0
    have "${3%% *}" || return
    [ -z "$run" ] || have "${run%% *}" || return
    builds "\"$3 $4\" makes no program that runs" $3 $4 $([ -z "$6" ] || echo -fsanitize=address,undefined) || return
    if [ -n "$run" ]; then
        cc=cc; have cc || return
        $3 $4 -O1 tutorial/course/lab.c -o "$to/lab.exe" >"$to/log" 2>&1 && (cd "$to" && $run ./lab.exe -c "$OLDPWD/tutorial/course" -b labs) 2>/dev/null | grep '01  Mean' >/dev/null &&
            ok "$name: lab.c lists the assignments" || { bad "$name: lab.c"; cat "$to/log"; }
    fi
    way
}
on gcc "gcc" gcc "" "" "" 2
on clang "clang" clang "" "" "" 2
on tcc "tcc" tcc "" "" "" 2
# without gcc-multilib's link the kernel's headers are in the other machine's folder
wide="-m32 -msse2 -mfpmath=sse"
echo '#include <errno.h>' | gcc -m32 -E -x c - >/dev/null 2>&1 || wide="$wide -idirafter /usr/include/$(gcc -print-multiarch 2>/dev/null)"
on m32 "gcc -m32, SSE2" gcc "$wide" "" "" 2
on aarch64 "gcc for aarch64, in qemu" aarch64-linux-gnu-gcc "" "qemu-aarch64 -L /usr/aarch64-linux-gnu" "" ""
WINEDEBUG=-all on windows "mingw-w64, in wine" x86_64-w64-mingw32-gcc "" wine "" ""
on sanitizers "gcc, ASan and UBSan" gcc "" "" 1 ""
if wanted bare; then
    name="Debian 12 with gcc and libc6-dev alone" cap=2 cc=cc sum=0
    unset CC CFLAGS LAB_RUN SANITIZE
    if [ -z "${ROOT:-}" ] || [ "$(id -u)" != 0 ]; then echo "skipped: $name; it needs ROOT=FOLDER and root (see this file's head)"
    elif ! chroot "$ROOT" sh -c 'command -v cc' >/dev/null; then echo "skipped: $name; there is no cc in $ROOT"
    else
        at=$ROOT/tmp/course_portable/course in=other; rm -rf "$ROOT/tmp/course_portable"; way; rm -rf "$ROOT/tmp/course_portable"
    fi
fi
[ ! -f "$to/table" ] || { echo; echo "seconds, and in brackets those of the processor"; echo "| system | first green line | a check: mean of the processor | the longest | A12 |"; echo "|---|---|---|---|---|"; cat "$to/table"; echo; }
echo "$passed passed, $failed failed"
[ $failed = 0 ]
