#!/bin/sh
# grade_all.sh COURSE HOMES RESULTS [NN...]: grades what stands in HOMES/*/labs, as root, from cron.
#
# COURSE is what install.sh has made. Files are read with the rights of their owner, so that a link
# leads nowhere new; programs run as the account GRADER (grader), which owns nothing but
# COURSE/build, or in the container CONTAINER. KEY_FILE (/etc/sgm-course.key), readable by root
# alone, has the key of the hidden numbers; without it the plain ones are taken. For each account
# RESULTS/NAME/ gets report.txt and results.json, and RESULTS/scores.tsv a line.
set -eu
course=$1 homes=$2 results=$3
shift 3
grader=${GRADER:-grader} key_file=${KEY_FILE:-/etc/sgm-course.key}
hidden=
if [ -r "$key_file" ]; then hidden=$(head -n 1 "$key_file"); fi
umask 022
mkdir -p "$results"
as() { # as ACCOUNT COMMAND...
    who=$1
    shift
    if [ "$(id -u)" = 0 ]; then runuser -u "$who" -- "$@"; else "$@"; fi
}
table=$(mktemp)
printf 'name\tscore\twhen\n' >"$table"
for home in "$homes"/*/; do
    name=$(basename "$home")
    [ -d "$home/labs" ] || continue
    spool=$(mktemp -d)
    for task in "$course"/course/[0-9][0-9]_*; do
        file=$(basename "$task").c
        # a pipe would wait for ever, a large file is no answer
        if as "$name" test -f "$home/labs/$file"; then
            as "$name" timeout 5 head -c 65536 "$home/labs/$file" >"$spool/$file" ||
                rm -f "$spool/$file"
        fi
    done
    # a new folder each time: what belongs to a student is never written to as root
    out=$(mktemp -d "$results/.new.XXXXXX")
    if [ -n "${CONTAINER:-}" ]; then
        chmod 755 "$spool" # the account in the container has another number
        run() {
            podman run --rm --network=none --memory=2g --pids-limit=64 --cap-drop=all \
                --security-opt=no-new-privileges -v "$spool:/answers:ro" "$CONTAINER" /answers "$@"
        }
    else
        if [ "$(id -u)" = 0 ]; then chown -R "$grader" "$spool"; fi # and nobody else reads it
        run() {
            as "$grader" prlimit --nproc=64 --fsize=268435456 --core=0 -- \
                timeout 600 "$course/lab" grade "$spool" "$@"
        }
    fi
    # a result of 1 says that not all is right; anything above, that the grader could not work
    run "$@" --name "$name" ${hidden:+--hidden "$hidden"} -f gradescope >"$out/results.json" ||
        [ $? = 1 ] || echo "grade_all: $name: no result" >&2
    run "$@" --name "$name" ${hidden:+--hidden "$hidden"} >"$out/report.txt" || [ $? = 1 ] || true
    score=$(sed -n '1s/^{"score": \([0-9.]*\).*/\1/p' "$out/results.json")
    printf '%s\t%s\t%s\n' "$name" "${score:--}" "$(date -u +%Y-%m-%dT%H:%MZ)" >>"$table"
    if [ "$(id -u)" = 0 ]; then chown -R "$name" "$out"; fi
    rm -rf "$spool" "${results:?}/$name"
    mv "$out" "$results/$name"
done
chmod 600 "$table"
mv "$table" "$results/scores.tsv"
