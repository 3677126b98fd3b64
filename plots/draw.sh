#!/bin/sh
# Draws the figures of one lesson or proof: every plots/NN_topic*.gp, from the data in out/MODE/NN_topic. Without MODE
# that is what a run without MODE has made: study for a lesson (00 to 09), full for a proof.
set -u
topic=$1
case $topic in 0*) mode=${MODE:-study} ;; *) mode=${MODE:-full} ;; esac
dir=${SGM_OUT:-out}/$mode/$topic
command -v gnuplot >/dev/null || { echo "no gnuplot here: figures of $topic skipped (make setup installs it)"; exit 0; }
stamp=$(awk -F'\t' '$1=="mode"{m=$2} $1=="key"{k=$2} END{print m ", key " k}' "$dir/run.tsv" 2>/dev/null) || stamp="$mode, unfinished"
failed=0
for script in plots/"$topic"*.gp; do
    [ -f "$script" ] || continue
    if LC_ALL=C.UTF-8 gnuplot -e "dir='$dir'; stamp='$stamp'" "$script"; then echo "figure $(ls "$dir/$(basename "$script" .gp)".[pg][ni][gf])"
    else echo "figure $script FAILED"; failed=1; fi
done
exit $failed
