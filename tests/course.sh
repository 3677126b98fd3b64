#!/bin/bash
# The course's grader: answers with known points, hostile answers, the four formats and their schemas, faults planted in the
# grader itself. Ends with "N passed, N failed". The assignments themselves: tutorial/course/selftest.pl.
set -u
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc} to=${build:-out/tests}/course passed=0 failed=0
rm -rf "$to"; mkdir -p "$to"; to=$(cd "$to" && pwd)
ok() { passed=$((passed + 1)); echo "ok      $*"; }
bad() { failed=$((failed + 1)); echo "FAILED  $*"; }
check() { local name=$1; shift; if "$@" >"$to/log" 2>&1; then ok "$name"; else bad "$name"; tail -20 "$to/log"; fi; }

check "lab.c compiles without a warning" $CC -std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 tutorial/course/lab.c -o "$to/lab"
check "sgm.h is cut" tutorial/course/cut.pl build "$to/labs"
export CC CFLAGS="-O0 -I$PWD/tutorial/course" LAB_CPU=1 LAB_WALL=30 LAB_NAME= LAB_RUN= SANITIZE=
lab() { "${lab:-$to/lab}" -c tests/course -b "$to/labs" "$@"; }
answer() { mkdir -p "$to/$1"; cat >"$to/$1/99_mini.c"; } # answer NAME <FILE
# graded LABEL NAME SCORE SAYS [ARGUMENT...]: grades NAME into four files; results.pl looks at them all at the end
graded() {
    local label=$1 name=$2 score=$3 says=$4 from=${from:-$2}; shift 4
    lab grade "$to/$from" -f text,tap,gradescope,exercism -o "$to/$name" "$@" >"$to/log" 2>&1
    printf '%s\t%s\t%s\t%s\t%s\n' "$label" "$name" "$score" $? "$says" >>"$to/list"
}

head='#include "lab.h"
#include <stdio.h>
#include <stdlib.h>'
right='double half(double x) { return x/2; }
double twice(double x) { return 2*x; }
const char lab_why[] = "Twice a half is the whole, as one sees at once.";'
changed() { printf '%s\n%s\n' "$head" "${right/"${1-}"/"${2-}"}"; } # changed OLD NEW: the right answer with another text

answer blank <tests/course/99_mini/start.c
graded "a blank has 0 points" blank 0 'It is 0: nothing was written'
changed | answer right
graded "a right answer has 100" right 100 '100 of 100'
changed 'return 2*x' 'return x > 0 ? 2*x : 4*x' | answer law
graded "half of the laws are 20 points" law 80 'twice of -1|yours -4, truth -2'
changed 'return 2*x' 'return 3*x' | answer unit
graded "two thirds of the exact answers are 33.3 points, rounded down" unit 63 'Likely: It is "three times" . x: two belongs there'
changed 'return 2*x' 'return x > 0 ? 2*x : 3*x' | answer valid
graded "a valid answer passes with a comment" valid 100 'Valid: Twice the other way|100 of 100'
changed 'Twice a half is the whole, as one sees at once.' 'So it is.' | answer wordless
graded "a sentence has six words" wordless 90 '3 words, at least 6; a person reads it'
changed '{ ' '{ for (int i = 0; i < 40; i++) printf("a \"quote\" \\ \x1b[31m \xff \xc3\xa9\n"); fputs("too", stderr); ' | answer prints
graded "what is printed is shown, and costs nothing" prints 100 'What your file prints goes to you|100 of 100'
changed 'double twice' 'static inline double other' | answer undefined
graded "a function that is not there is named" undefined 0 '99_mini.c does not define twice'
changed '{ ' '{ elsewhere(); ' | sed '1a void elsewhere(void);' | answer calls
graded "a function that nothing defines is named" calls 0 '99_mini.c calls elsewhere, which nothing defines'
changed | sed '1a void sgm_rng_seed(void) {}\nsgm_key sgm_key_init(uint64_t n) { (void)n; abort(); }' | answer again
graded "a function that stands elsewhere too is named" again 0 'it defines sgm_key_init, which the checker takes from elsewhere'
changed | answer "two words"
graded "a folder with a blank in its name" "two words" 100 '100 of 100'
changed ';' '' | answer syntax
graded "an error of syntax is the compiler's to tell" syntax 0 '99_mini.c:4:'
changed 'return 2*x' 'if (x < 0) exit(0); return 2*x' | answer late
graded "nothing counts before the end" late 0 'before the checker was done'
mkdir -p "$to/nothing"
graded "an answer that is not there" nothing 0 'There is no file 99_mini.c' 99
from=right graded "two assignments, one of them not handed in" both 50 'All: 50 of 100|50 of 100' 98 99
from=right graded "a hidden test says that it is one" hidden 100 '[Hh]idden test: other numbers' --name Ada --hidden sesame
from=right graded "a name's own numbers" ada 100 '100 of 100' --name Ada
LAB_NAME=Ada from=right graded "the same name from the environment" ada2 100 '100 of 100'
check "... are this name's alone" sh -c "cmp '$to/ada.tap' '$to/ada2.tap' && ! cmp -s '$to/ada.tap' '$to/right.tap'"

# files as students hand them in
answer twice_included <<<"#include \"lab.h\"
$(changed)"
graded "lab.h is included twice" twice_included 100 '100 of 100'
{ printf '\xEF\xBB\xBF'; changed | sed 's/$/\r/'; } | answer "its mark"
graded "a byte order mark and lines that end as on Windows" "its mark" 100 '100 of 100'
printf '%s\n' '#include "lab.h"' 'double half(x) double x; { register double y; y = x / 2; return y; }' \
    'double twice(x)' 'double x;' '{ return 2 * x; }' "${right##*$'\n'}" 'void lab_checks(void) {}' | answer oldest
graded "a file in the oldest style, with a lab_checks of its own" oldest 100 '100 of 100'
answer "it's \$(0) \"so\"" < <(changed)
graded "a folder whose name has quotes, a name that is no ASCII" "it's \$(0) \"so\"" 100 '100 of 100' --name $'Zo\xc3\xab "O\'N" \xe6\x9d\x8e'
answer empty </dev/null
graded "a file of 0 bytes" empty 0 'does not define half'
{ changed; head -c 2000000 /dev/zero | tr '\0' '\n'; } | answer long
graded "a file of 2 MB" long 0 'Refused: it is longer than'
{ changed; printf 'a\0b'; } | answer zero
graded "a zero byte" zero 0 'Refused: it contains a zero byte'
{ printf '\xEF\xBB\xBF#include "/etc/passwd"\n'; changed; } | answer "marked include"
graded "an #include behind a byte order mark" "marked include" 0 'Refused: it includes'
{ printf '// \r#include "/etc/passwd"\n'; changed; } | answer "hidden include"
graded "an #include behind what ends a line for some" "hidden include" 0 'Refused: it includes'
mkdir -p "$to/link" "$to/folder/99_mini.c" "$to/pipe"
ln -s "$to/right/99_mini.c" "$to/link/99_mini.c"; mkfifo "$to/pipe/99_mini.c"
for kind in link folder pipe; do graded "a $kind is no answer" $kind 0 'is no plain file'; done
refused() { local said=$1; shift; "$@" >"$to/refused" 2>&1; [ $? = 2 ] && grep -e "$said" "$to/refused"; }
check "an empty key is refused" refused 'an empty key' lab --hidden "" grade "$to/right"
check "a full disk is told" refused 'No space left' sh -c "'$to/lab' -c tests/course -b '$to/labs' grade '$to/empty' >/dev/full"
check "a folder that is not there is told" refused 'No such file' lab grade "$to/empty" -o "$to/not/there"
: >"$to/a_file"
check "labs/ that cannot be made is told" refused 'a_file' lab -d "$to/a_file" 99

# hostile: the right answer with an attack at its beginning
for source in tutorial/course/hostile/*.c; do
    name=$(basename "$source" .c)
    { echo '#include "lab.h"'; cat "$source"; echo "${right/'{'/'{ attack();'}"; } | answer "$name"
    case $name in waits|closes*) wall=2 ;; *) wall=30 ;; esac # the clock is for what computes nothing: a busy machine is slow
    LAB_WALL=$wall graded "hostile: $name" "$name" 0 "$(sed -n '1s/^.. says: \(.*\) ..$/\1/p' "$source")"
done
from=endless_loop LAB_CPU=9 LAB_WALL=.5 graded "hostile: endless_loop, by the clock" clock 0 'Stopped after 0.5 s: it waits'

# faults in the grader are seen
planted() { # planted LABEL OLD NEW ANSWER SCORE SAYS
    OLD=$2 NEW=$3 perl -0pe 's/\Q$ENV{OLD}\E/$ENV{NEW}/' tutorial/course/lab.c >"$to/fault.c"
    cmp -s "$to/fault.c" tutorial/course/lab.c && { bad "nothing to plant: $1"; return; }
    $CC -std=c99 -w -O0 "$to/fault.c" -o "$to/fault" || { bad "$1 does not compile"; return; }
    lab=$to/fault from=$4 graded "seen: $1" "faulty_$4" "$5" "$6"
}
mkdir -p "$to/faulty"
planted "a row is lost" 'r->n_rows < ROWS)' 'r->n_rows < ROWS && strcmp(f[8], "twice x"))' unit 63 'It is "three times"'
planted "laws do not count" 'if (r->total[k]) sum +=' 'if (r->total[k] && k != 1) sum +=' law 80 'twice of -1'
planted "a quote is not escaped" "*s == '\"' || " '' unit 63 'It is "three times"'
planted "the end is not waited for" 'what_happened(&p, l, cpu, done)' 'what_happened(&p, l, cpu, 1)' late 0 'before the checker'
planted "any word begins a row" 'n < 2 || strcmp(f[0], word)' 'n < 2' forges_the_report 0 'It ended'
rm -f "$to"/faulty_*.gradescope "$to"/faulty_*.exercism.bad

tests/course/results.pl "$to" <"$to/list" >"$to/results" || bad "results.pl"
cat "$to/results"
passed=$((passed + $(grep -c '^ok' "$to/results"))) failed=$((failed + $(grep -c '^FAILED' "$to/results")))
[ "$(grep -cE '^(ok|FAILED)' "$to/results")" = "$(wc -l <"$to/list")" ] || bad "results.pl broke off"
check "nothing is left behind" sh -c "! find '$to' -name 'work-*' -o -name '*.????????????????' | grep ."

python3=$(PATH=/usr/bin:$PATH command -v python3)
if [ -n "$python3" ] && "$python3" -c 'import jsonschema' 2>/dev/null; then
    rm -f "$to"/faulty_*
    for format in gradescope exercism; do
        sed 's/"status": "\(fail\|pass\)[a-z]*"/"status": "\1ure"/' "$to/unit.$format" >"$to/fault1.$format.json"
        sed 's/"\(score\|version\)": [0-9]*/"\1": "3"/' "$to/right.$format" >"$to/fault2.$format.json"
        sed 's/"status"/"state"/' "$to/right.$format" >"$to/fault3.$format.json"
    done
    check "the schemas take all files, and none with a fault" "$python3" tests/course/validate.py \
        tests/course/gradescope.schema.json "$to"/*.gradescope "$to"/fault?.gradescope.json -- \
        tests/course/exercism.schema.json "$to"/*.exercism "$to"/fault?.exercism.json
else
    echo "skipped: the schemas; python3-jsonschema is not there"
fi

# what a student calls
student() { (cd "$to" && LAB_CPU= ./lab -c "$OLDPWD/tests/course" -b labs -d mine "$@"); }
begin() { student 99 | grep -q 'your file is' && cmp "$to/mine/99_mini.c" tests/course/99_mini/start.c; }
hints() { local n; for n in 1 2 3 3; do student hint 99 | grep -q "Hint $n of 3" || return 1; done; student hint 99 | grep 'return x/2'; }
again() {
    cp "$to/right/99_mini.c" "$to/mine/99_mini.c"
    student 99 | grep 'done$' && student | grep 'Half and "twice" .* done$' && cmp "$to/right/99_mini.c" "$to/mine/99_mini.c"
}
usage() {
    local arguments
    for arguments in grade "-f xml grade $to/right" 97 --what watch; do
        student $arguments; [ $? = 2 ] || { echo "status of: $arguments"; return 1; }
    done
}
watch() { # one run at the start, one when the file is saved, and no more
    student watch 99 >"$to/watch" & local pid=$! n=0
    until grep -q waiting "$to/watch" || [ $((n += 1)) -gt 50 ]; do sleep .1; done
    cp "$to/law/99_mini.c" "$to/mine/99_mini.c"
    until [ "$(grep -c waiting "$to/watch")" = 2 ] || [ $((n += 1)) -gt 100 ]; do sleep .1; done
    sleep .5; pkill -P $pid 2>/dev/null; kill $pid; wait $pid
    [ "$(grep -c waiting "$to/watch")" = 2 ] && grep -q '100 of 100' "$to/watch" && grep -q '80 of 100' "$to/watch"
}
check "the first call makes the file" begin
check "three hints, one by one" hints
check "the second checks it, and leaves it alone" again
check "the picture's data are there" test -s "$to/labs/99_mini/picture.dat"
check "watch checks once more when the file is saved" watch
check "what makes no sense has status 2" usage
# the archive for students, unpacked where there is nothing else
handout() {
    BUILT=$to/labs BOOK=none tutorial/course/handout.sh "$to/archive" && BUILT=$to/labs BOOK=none tutorial/course/handout.sh "$to/again" &&
        BUILT=$to/labs BOOK=none tutorial/course/handout.sh "$to/archive" teacher && cmp "$to"/archive/sgm-course-[0-9]*.gz "$to"/again/*.gz &&
        tar -xzf "$to"/archive/sgm-course-[0-9]*.gz -C "$to/archive" && tar -tzf "$to"/archive/sgm-course-teacher-*.gz >"$to/teachers" || return 1
    for f in answer.c variants.txt teacher.md sgm.h; do grep "teacher/.*$f" "$to/teachers" >/dev/null || { echo "no $f for teachers"; return 1; }; done
    cd "$to"/archive/sgm-course-[0-9]*/ && ! find . -name answer.c -o -name variants.txt | grep . || { echo "answers are handed out"; return 1; }
    grep 'sgm_sde_m(const sgm_sde \*sde, double t) {' build/sgm.h && { echo "the header has what it should not have"; return 1; }
    $CC -O0 lab.c -o lab && ./lab ready && ! ./lab 01 >said && test -f labs/01_*.c && grep 'First to mend' said
}
unset LAB_CPU LAB_WALL; export CFLAGS=-O0
check "an archive for students: the same bytes twice, no answer in it; compiled and begun in an empty folder" handout

echo "$passed passed, $failed failed"
[ $failed = 0 ]
