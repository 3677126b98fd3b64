#!/bin/sh
# bin/run.sh SLUG SOLUTION_FOLDER OUT_FOLDER: a test runner. The slug is the assignment's folder
# with dashes for lines (08-reverse); the solution is 08_reverse.c there. Only /tmp and OUT_FOLDER are
# written to. Ends with 0 whatever the result, which is OUT_FOLDER/results.json.
set -u
slug=$1 in=${2%/} out=${3%/}
runner=${RUNNER:-/opt/test-runner}
name=$(printf %s "$slug" | tr - _)
work=$(mktemp -d)
cp -r "$runner/course/build" "$work/build"
"$runner/course/lab" -c "$runner/course/course" -b "$work/build" grade "$in" -f exercism \
    -o "$work/results.json" "${name%%_*}"
status=$?
if [ $status -gt 1 ] || [ ! -s "$work/results.json" ]; then
    why="The test runner could not do its work."
    printf '{"version": 3, "status": "error", "message": "%s", "tests": []}\n' "$why" \
        >"$work/results.json"
fi
cp "$work/results.json" "$out/results.json"
rm -r "$work"
