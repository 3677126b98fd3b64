#!/bin/sh
# Builds, runs and draws one tutorial whenever it, a script of its figures or sgm.h is saved, until Ctrl-C.
set -u
cd "$(dirname "$0")/.." || exit 1
topic=$1
stamp=$(mktemp) || exit 1
trap 'rm -f "$stamp"' EXIT
trap 'exit 0' INT TERM
saved=first
while :; do
    if [ -n "$saved" ]; then
        touch "$stamp"
        start=$(date +%s)
        ${MAKE:-make} --no-print-directory "$topic"; status=$?
        echo "watch: $(($(date +%s) - start)) s, status $status; waiting for you to save tutorial/$topic.c (Ctrl-C ends)"
    fi
    sleep 0.3
    saved=$(find sgm.h tutorial/"$topic".c tutorial/*.h plots/style.gp plots/"$topic"*.gp -newer "$stamp" 2>/dev/null)
done
