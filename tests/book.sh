#!/bin/bash
# Weaves the book and holds its pages, and the report, map and playground that stand beside it, to what a reader may
# expect: links, texts, formulas; in Chromium widths, contrast, paper, keyboard, a screen reader's tree, widgets (book.pl).
#     tests/book.sh [FOLDER]       FOLDER (out) is where make puts things
# Ends with "N passed, N failed"; says "skipped: ..." where pandoc or Chromium is missing. 30 s of the processor.
set -u
cd "$(dirname "$0")/.." || exit 1
out=${1:-out}
command -v pandoc >/dev/null || { echo "skipped: no pandoc here; make setup installs it"; exit 0; }
mkdir -p "$out"
if ! ${MAKE:-make} -s book OUT="$out" >"$out/book.log" 2>&1; then
    tail -20 "$out/book.log"
    echo "FAILED  make book"
    echo "0 passed, 1 failed"
    exit 1
fi
pages=("$out/book")
for page in report map; do [ -s "$out/$page.html" ] && pages+=("$out/$page.html"); done
[ -s "$out/book/playground.html" ] || [ ! -s "$out/playground.html" ] || pages+=("$out/playground.html")
perl tests/course_book.pl "$out" >"$out/course_book.log" 2>&1
sed '$d' "$out/course_book.log"
[[ $(tail -1 "$out/course_book.log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || { cat "$out/course_book.log"; BASH_REMATCH=(x 0 1); }
more=("${BASH_REMATCH[@]:1}")
perl tests/book.pl all "${pages[@]}" >"$out/pages_book.log" 2>&1
sed '$d' "$out/pages_book.log"
[[ $(tail -1 "$out/pages_book.log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || { cat "$out/pages_book.log"; BASH_REMATCH=(x 0 1); }
failed=$((more[1] + BASH_REMATCH[2]))
echo "$((more[0] + BASH_REMATCH[1])) passed, $failed failed"
[ "$failed" = 0 ]
