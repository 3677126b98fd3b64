#!/bin/sh
# setup.sh: what Gradescope runs once, to make the image: a compiler, the grader with its objects.
set -eu
root=${AUTOGRADER:-/autograder}
if ! command -v cc >/dev/null || ! command -v perl >/dev/null; then
    apt-get update
    apt-get install -y --no-install-recommends gcc libc6-dev perl
fi
sh "$root/source/install.sh" "$root/source/teacher.tar.gz" "$root/source/course"
