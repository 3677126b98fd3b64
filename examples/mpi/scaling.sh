#!/bin/bash
# Strong scaling: the same U-Net training on 1, 2 and 4 ranks of one thread. Medians of rounds in turn.
#     examples/mpi/scaling.sh [argument=value of train...]       ROUNDS=7 RANKS="1 2 4" PROGRAM=out/bin/mpi/train
# On a machine whose cores are all ours, the time falls as ranks are added; processor time per step stays, whoever else is there.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${PROGRAM:-out/bin/mpi/train}
[ -x "$program" ] || { echo "no $program: run make mpi"; exit 1; }
[ "$(id -u)" = 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
ranks=${RANKS:-1 2 4}
echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown): $program net=unet batch=128 steps=6 $*"
for round in $(seq "${ROUNDS:-7}"); do
    for n in $ranks; do
        mpirun --oversubscribe -n "$n" "$program" net=unet n=1000 held=-1 batch=128 steps=6 log=1000 "$@" >"$dir/out" 2>&1 ||
            { cat "$dir/out"; exit 1; }
        sed -n 's/.*threads: \([0-9.]*\) ms a step, \([0-9.]*\) ms of processors; exchange \([0-9.]*\) ms, \([0-9.]*\) MB.*/\1 \2 \3 \4/p' \
            "$dir/out" >>"$dir/$n"
    done
done
median() { cut -d' ' -f"$2" "$dir/$1" | sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }
set -- $ranks
one_wall=$(median "$1" 1) one=$(median "$1" 2)
echo "ranks   ms a step   times faster   processor ms a step   times that of $1   exchange ms   MB to a rank"
for n in $ranks; do
    echo "$n $(median "$n" 1) $(median "$n" 2) $(median "$n" 3) $(median "$n" 4)" | awk -v wall="$one_wall" -v one="$one" \
        '{ printf "%5d %11.1f %14.2f %21.1f %17.3f %13.1f %14.2f\n", $1, $2, wall / $2, $3, $3 / one, $4, $5 }'
done
