#!/bin/sh
# Draws the figures of one tutorial: every plots/NN_topic*.gp, from the data in out/NN_topic (QUICK=1: out/quick/NN_topic).
set -u
topic=$1
out=${SGM_OUT:-out}
case "${QUICK:-0}" in 0) ;; *) out=$out/quick ;; esac
dir=$out/$topic
command -v gnuplot >/dev/null || { echo "no gnuplot here: figures of $topic skipped (make setup installs it)"; exit 0; }
failed=0
for script in plots/"$topic"*.gp; do
    [ -f "$script" ] || continue
    if gnuplot -e "dir='$dir'" "$script"; then echo "figure $(ls "$dir/$(basename "$script" .gp)".[pg][ni][gf])"
    else echo "figure $script FAILED"; failed=1; fi
done
exit $failed
