#!/bin/sh
# make_zip.sh TEACHER_ARCHIVE [OUT.zip [NN...]]: the file to upload as autograder. KEY=... sets the
# hidden key.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
archive=$1 out=${2:-autograder.zip}
shift
[ $# = 0 ] || shift
work=$(mktemp -d)
cp "$here/setup.sh" "$here/run_autograder" "$here/../install.sh" "$work"
cp "$archive" "$work/teacher.tar.gz"
printf "ONLY='%s' HIDDEN='%s'\n" "$*" "${KEY:-}" >"$work/settings.sh"
chmod +x "$work/setup.sh" "$work/run_autograder"
rm -f "$out"
case $out in /*) ;; *) out=$PWD/$out ;; esac
if command -v zip >/dev/null; then (cd "$work" && zip -q -X "$out" *)
else (cd "$work" && python3 -m zipfile -c "$out" *); fi
rm -r "$work"
echo "$out"
