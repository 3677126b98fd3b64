#!/bin/bash
# Training and sampling on several ranks (examples/mpi): the bits of one; checkpoints; ranks and hooks that die. A minute.
#     tests/mpi.sh [OBJECT]       OBJECT: sgm.h, compiled
set -u
cd "$(dirname "$0")/.." || exit 1
command -v mpicc >/dev/null && command -v mpirun >/dev/null ||
    { echo "skipped Open MPI: no mpicc or mpirun here; make setup installs them"; exit 0; }
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
export OMPI_CC=${CC:-cc}
root=; [ "$(id -u)" = 0 ] && root=--allow-run-as-root
passed=0 failed=0
check() { # check NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
    else failed=$((failed + 1)); echo "FAILED  $name"; tail -15 "$dir/log"; fi
}
run() { timeout 120 mpirun $root --oversubscribe -n "$@"; } # run RANKS PROGRAM...
refused() { # refused WORDS STATUS COMMAND...: ends with that status (*: any but 0) and says so
    local words=$1 want=$2 got; shift 2
    "$@" >"$dir/said" 2>&1; got=$?
    cat "$dir/said"
    grep -q -- "$words" "$dir/said" && [ $got != 124 ] && { [ "$want" = "$got" ] || { [ "$want" = '*' ] && [ $got != 0 ]; }; }
}
until_says() { # until_says WORDS FILE: waits up to a minute for what $pid writes there
    for _ in $(seq 1200); do
        grep -q -- "$1" "$2" 2>/dev/null && return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep .05
    done
    cat "$2"
    return 1
}
same() { local first=$1; shift; for other; do cmp "$first" "$other" || return 1; done; }

openmp=-fopenmp
echo 'int main(void){return 0;}' | $OMPI_CC -fopenmp -x c - -o "$dir/a.out" 2>/dev/null || openmp=
warn="-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -I."
if [ -f "${1:-}" ]; then cp "$1" "$dir/sgm.o" # mpicc is the same compiler with more paths
else
    printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >"$dir/sgm.c"
    mpicc $warn -O2 $openmp -c "$dir/sgm.c" -o "$dir/sgm.o" || exit 1
fi
check "sgm.h is silent by mpicc" mpicc $warn -DSGM_IMPLEMENTATION $openmp -fsyntax-only -x c sgm.h
for program in examples/mpi/train examples/mpi/sample tests/mpi_hook; do
    check "$program.c compiles" mpicc $warn -O1 $openmp -DSGM_LINKED $program.c "$dir/sgm.o" -o "$dir/$(basename $program)" -lm
done
[ $failed = 0 ] || { echo; echo "$passed passed, $failed failed"; exit 1; }
train=$dir/train sample=$dir/sample
small="width=128 depth=3 n=2000 steps=60 log=10" # 11 of 50 epochs: no points are held out
unet="net=unet width=8 depth=2 n=64 held=-1 batch=64 steps=4 log=2"

# The same bits.
check "a training on 1 rank" run 1 "$train" $small "model=$dir/1"
for n in 2 3 4; do check "on $n ranks" run $n "$train" $small "model=$dir/$n"; done
check "on 2 ranks of 2 threads" run 2 "$train" $small threads=2 "model=$dir/22"
check "one model, to the last byte" same "$dir/1" "$dir/2" "$dir/3" "$dir/4" "$dir/22"
check "the U-Net on 1 rank" run 1 "$train" $unet "model=$dir/u1"
for n in 2 4; do check "the U-Net on $n ranks" run $n "$train" $unet "model=$dir/u$n"; done
check "one U-Net, to the last byte" same "$dir/u1" "$dir/u2" "$dir/u4"
for noise in 0 1; do
    for n in 1 2 3 4; do
        check "samples on $n ranks, noise=$noise" run $n "$sample" "model=$dir/1" n=101 steps=20 noise=$noise "out=$dir/s$noise$n"
    done
    check "the same samples, to the last byte" same "$dir/s${noise}1" "$dir/s${noise}2" "$dir/s${noise}3" "$dir/s${noise}4"
done
check "more ranks than points" run 4 "$sample" "model=$dir/1" n=3 steps=20 "out=$dir/s3"
check "samples of the U-Net, a picture" run 2 "$sample" "model=$dir/u1" n=20 steps=4 "out=$dir/u.pgm"

# The hook: against a trainer that has none, and when it fails.
for n in 1 2 4; do check "the hook on $n ranks, also one that fails" run $n "$dir/mpi_hook"; done
check "a hook that fails on one rank alone ends all" refused "rank 1: " '*' run 2 "$dir/mpi_hook" alone=1

# Checkpoints. `long` is a run that can be interrupted; its end is known from one that was not.
long="$small steps=300 held=-1 every=50 log=10"
check "a long run" run 2 "$train" $long "checkpoint=$dir/whole.run" "model=$dir/whole"
start() { # start RANKS NAME: in the background, until it has made a checkpoint and more
    mpirun $root --oversubscribe -n "$1" "$train" $long "checkpoint=$dir/$2.run" "model=$dir/$2" >"$dir/$2.said" 2>&1 & pid=$!
    until_says "step 60 " "$dir/$2.said"
}
ended() { # ended STATUS: waits for it, at most half a minute
    local got
    (sleep 30; kill -9 $pid) 2>/dev/null & local watch=$!
    wait $pid; got=$?
    kill $watch 2>/dev/null
    echo "status $got"
    [ "$1" = "$got" ] || { [ "$1" = '*' ] && [ $got != 0 ] && [ $got != 137 ]; }
}
stopped() { start 2 stopped && kill -USR1 $pid && ended 75; }
check "asked to stop: status 75" stopped
check "it goes on, on 4 ranks" run 4 "$train" $long "checkpoint=$dir/stopped.run" "model=$dir/stopped"
check "with the bits of the uninterrupted run" same "$dir/whole" "$dir/stopped"
check "and of its checkpoint" same "$dir/whole.run" "$dir/stopped.run"

children() { cat "/proc/$1/task/$1/children" 2>/dev/null || pgrep -P "$1" | tr '\n' ' '; }
killed() { # killed RANKS NAME WHICH: kill -9 of one rank ends the run
    start "$1" "$2" || return 1
    local ranks; read -r -a ranks <<<"$(children $pid)"
    echo "ranks ${ranks[*]}"
    [ ${#ranks[@]} = "$1" ] && kill -9 "${ranks[$3]}" && kill -0 $pid && signal_ended
}
signal_ended() { # mpirun tells of signal 9 by 137
    (sleep 30; kill -KILL $pid && touch "$dir/hung") 2>/dev/null & local watch=$!
    wait $pid; local got=$?
    kill $watch 2>/dev/null
    echo "status $got"
    [ $got != 0 ] && [ ! -e "$dir/hung" ]
}
check "kill -9 of rank 3 of 4 ends the run" killed 4 dead 3
check "without a model, with a checkpoint" test ! -e "$dir/dead" -a -s "$dir/dead.run"
cp "$dir/dead.run" "$dir/dead1.run"
check "the checkpoint is whole: it goes on, on 1 rank" run 1 "$train" $long "checkpoint=$dir/dead1.run" "model=$dir/dead1"
check "with the bits of the uninterrupted run" same "$dir/whole" "$dir/dead1"
check "kill -9 of rank 0 of 2 ends the run" killed 2 dead0 0
check "it goes on, on 2 ranks" run 2 "$train" $long "checkpoint=$dir/dead0.run" "model=$dir/dead0"
check "with the bits of the uninterrupted run" same "$dir/whole" "$dir/dead0"
nothing_left() { [ "$(cd "$dir" && ls -A | grep -c '\.run\.')" = 0 ]; }
check "no half of a file is left" nothing_left

one_writes() { # rank 1 is given a name that it could not write
    timeout 120 mpirun $root --oversubscribe -n 1 "$train" $small "checkpoint=$dir/one.run" "model=$dir/one" : \
        -n 1 "$train" $small "checkpoint=$dir/nowhere/one.run" "model=$dir/one" && same "$dir/1" "$dir/one" && [ -s "$dir/one.run" ]
}
check "rank 0 alone writes the checkpoint" one_writes
check "ranks that begin at different checkpoints" refused "other ranks are elsewhere" '*' timeout 120 mpirun $root --oversubscribe \
    -n 1 "$train" $long log=1 "checkpoint=$dir/dead.run" : -n 1 "$train" $long log=1 "checkpoint=$dir/none.run"

# What is refused.
check "another run's checkpoint" refused "set checkpoint to a new file" '*' run 2 "$train" $long seed=4 "checkpoint=$dir/whole.run"
check "which stays as it was" same "$dir/whole.run" "$dir/stopped.run"
check "more ranks than parts of a batch" refused "raise batch" '*' run 4 "$train" $small batch=2
check "an unknown argument" refused "what is stops=3" 2 run 2 "$train" stops=3
check "no samples" refused "n=0 points" 2 run 2 "$sample" "model=$dir/1" n=0
check "no data" refused "rank 0: " '*' run 2 "$train" n=0
check "samples of no model" refused "rank 0: " '*' run 2 "$sample" "model=$dir/none"
check "the job for Slurm is a script" bash -n examples/mpi/job.slurm
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
