#!/bin/bash
# The page in numbers: lines, prose, comment and code of each part and chapter; its limits; its longest functions;
# and that Parts I and II need nothing of Part III but the names they borrow.
set -u
cd "$(dirname "$0")/.." || exit 1
page=${1:-sgm.h}
bad=0
LC_ALL=C.UTF-8 sed 's/[^ -~]/x/g' "$page" |
    LC_ALL=C awk '{n=length($0)} n>100{print "sgm.h:" NR ": " n " columns"; bad=1} END{exit bad}' || bad=1

# prose: a comment that starts in column 0; comment: other lines of nothing but comment; the rest is code or empty
awk '
    /^# Part I[^I]/ {part="I"; name[1]="front"; k=1} /^# Part II[^I]/ {part="II"; k=100; name[k]="opening"} /^# Part III/ {part="III"; k=200; name[k]="opening"}
    !part {part="I"; k=1; name[1]="front"}
    /^#+ (10|[0-9A-H])\. / && (part!="I" || /^## /) {c=$2; sub(/\./,"",c); k++; name[k]=c}
    /^\/\*/ {prose=1}
    {n[part,k]++; N[part]++
     if (prose) {q[part,k]++; Q[part]++}
     else if ($0 ~ /^[ \t]*\/\*.*\*\/[ \t]*$/) {c1[part,k]++; C1[part]++}
     else if ($0 !~ /^[ \t]*$/) {code[part,k]++; Code[part]++}}
    /\*\// {prose=0}
    function line(what, a, b, d, e) {printf "%-12s %6d lines  %5d prose (%2.0f %%)  %4d comment  %5d code\n", what, a, b, a ? 100*b/a : 0, d, e}
    END {
        split("I II III", P, " ")
        for (p=1; p<=3; p++) {
            for (k=1; k<300; k++) if ((P[p],k) in n) line(P[p] " " name[k], n[P[p],k], q[P[p],k], c1[P[p],k], code[P[p],k])
            line("Part " P[p], N[P[p]], Q[P[p]], C1[P[p]], Code[P[p]])
            all += N[P[p]]; prose_all += Q[P[p]]; ca += C1[P[p]]; co += Code[P[p]]
        }
        line("sgm.h", all, prose_all, ca, co)
        for (k=100; k<200; k++) if (name[k]=="3") three = q["II",k]/n["II",k]
        if (all > MOST) {print "sgm.h has " all " lines, more than " MOST; bad=1}
        if (N["II"] > BOOK) {print "Part II has " N["II"] " lines, more than " BOOK; bad=1}
        if (Q["II"] < SHARE*N["II"]) {printf "Part II has %.1f %% prose, less than %g\n", 100*Q["II"]/N["II"], 100*SHARE; bad=1}
        if (three < THREE) {printf "chapter 3 has %.1f %% prose, less than %g\n", 100*three, 100*THREE; bad=1}
        exit bad
    }' MOST=22000 BOOK=6300 SHARE=.33 THREE=.25 "$page" || bad=1

# each chapter of the book closes with what has caused bugs, and with something to run
for c in 1 2 3 4 5 6 7 8 9 10; do
    for title in 'Details that have caused bugs' 'Something to run'; do
        grep -qE "^## §$c\.[0-9]+ $title\$" "$page" || { echo "chapter $c has no section \"$title\""; bad=1; }
    done
done

# functions: at most 40 lines in Part II, 60 anywhere
awk '/^# Part III/{most=60} /^# Part II[^I]/{most=40}
    /^\/\*/{prose=1} !prose && /^[A-Za-z_].*\(/ && !/;[ \t]*$/ && !/^(typedef|struct|enum|#)/ {start=NR; name=$0}
    /\*\//{prose=0} /^}/ && start {n=NR-start+1; if (n>(most?most:60)) {print "sgm.h:" start ": " n " lines: " substr(name,1,70); bad=1} start=0}
    END{exit bad}' "$page" || bad=1
# Parts I and II compile without Part III, but for the functions whose prototypes stand on the borrowed page
mkdir -p out/tests
awk '/^# Part III/{exit} {if (NR>1) print last; last=$0}' "$page" >out/tests/book.h
printf '#endif\n' >>out/tests/book.h
printf '#define SGM_IMPLEMENTATION\n#define SGM_NO_SIMD\n#include "book.h"\n' >out/tests/book.c
LC_ALL=C ${CC:-cc} -std=c99 -fsyntax-only -Wall -Wno-unused out/tests/book.c 2>out/tests/book.log
grep -E ' error: |implicit declaration' out/tests/book.log | head -${BOOK_ERRORS:-20} | sed 's|^out/tests/book.h|sgm.h|' | grep . && [ "${BOOK_STRICT:-1}" = 1 ] && bad=1
grep -o "'sgm__[a-z0-9_]*' used but never defined" out/tests/book.log | cut -d"'" -f2 | sort -u |
    while read -r name; do
        awk '/^## What the book borrows/{on=1} /^# 1\. /{exit} on' "$page" | grep -qw "$name" || echo "Part II needs $name, which the borrowed page does not name"
    done | grep . && [ "${BOOK_STRICT:-1}" = 1 ] && bad=1
exit $bad
