#!/bin/sh
# run.sh NN: the entry point of an external grader, in serverFilesCourse/sgm. It needs an image with
# a C compiler, tar and Perl (gcc:12 has them). SGM_HIDDEN, set in the question's environment, is a
# key for other numbers.
set -u
root=${GRADE:-/grade} number=$1
here=$root/serverFilesCourse/sgm
work=$(mktemp -d)
mkdir -p "$root/results"
mkdir "$work/course"
tar -xzf "$here/teacher.tar.gz" -C "$work/course" --strip-components=1
cd "$work/course" || exit 1
source=lab.c
[ -f $source ] || source=course/lab.c
${CC:-cc} -O1 $source -o lab
why="The grader could not do its work; tell whoever runs the course."
./lab grade "$root/student" ${SGM_HIDDEN:+--hidden "$SGM_HIDDEN"} -f gradescope \
    -o "$work/results.json" "$number" || [ $? = 1 ] ||
    printf '{"score": 0, "output": "%s", "tests": []}\n' "$why" >"$work/results.json"
perl "$here/convert.pl" prairielearn "$work/results.json" >"$root/results/results.json"
