#!/bin/sh
# tutorial/course/looks_right.sh DIR: draws DIR/looks_right.png, nine wrong reverse steps beside the
# right one, and says whether the table of tutorial/course/teacher.md has the numbers that the
# program prints. About a second of processor time; and what sgm.h takes to compile, if the course
# has not been built (make labs-selftest does it).
set -eu
here=$(dirname "$0")
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
build=$(dirname "$1")
[ "$build/library.c" -nt "$here/../../sgm.h" ] || "$here/cut.pl" build "$build"
cc=${CC:-cc}
library="$build/library.o"
[ "$library" -nt "$build/library.c" ] ||
    $cc -std=c99 -O1 -I"$build" -c "$build/library.c" -o "$library"
$cc -std=c99 -O1 -I"$build" "$here/looks_right.c" "$build/forward.c" "$library" \
    -o "$1/looks_right" -lm
"$1/looks_right" "$1/looks_right.dat" >"$1/looks_right.md"
cat "$1/looks_right.md"
while read -r line; do
    grep -qxF -e "$line" "$here/teacher.md" || { echo "teacher.md lacks: $line" >&2; exit 1; }
done <"$1/looks_right.md"
values=$(awk -F'|' 'NR > 2 { printf "%s", $6 }' "$1/looks_right.md")
command -v gnuplot >/dev/null || { echo "no figure: there is no gnuplot" >&2; exit 0; }
cd "$here/../.."
case $1 in /*) to=$1 ;; *) to=$OLDPWD/$1 ;; esac
gnuplot -e "dat='$to/looks_right.dat'; png='$to/looks_right.png'; values='$values'" \
    tutorial/course/looks_right.gp
