#!/usr/bin/env bash
# How fast is sgm.h, beside others that do the same job, and beside what the machine can do at most?
#
#     make bench, or tests/bench/run.sh          about half an hour
#     QUICK=1 tests/bench/run.sh                 about five minutes, rough, under out/quick
#     ROUNDS=9 tests/bench/run.sh                more rounds, steadier medians
#
# A computer's speed drifts: others use it, it heats up. So nothing here is measured first and
# compared later. Each round runs ours and each peer once, in turn; table.awk says what it makes of
# the rounds. The results go to a table on the screen and to out/bench.tsv, the machine to
# out/bench/machine.txt; every single measurement is kept in out/bench/raw.tsv. A peer that is not
# installed is named and left out.
#
# Numbers of a machine that others use are not published: with a load above .3 at the start, or
# others at work during a round, the table goes to out/bench/unpublished.tsv and the exit status is
# 3. FORCE=1 publishes all the same.
set -u
cd "$(dirname "$0")/../.." || exit 1

here=tests/bench
# part: steps of a sampler that is compared with itself
if [ "${QUICK:-0}" != 0 ]; then
    quick=1 out=out/quick rounds=${ROUNDS:-1} each=0.5 part=5
else
    quick=0 out=out rounds=${ROUNDS:-5} each=2 part=60
fi
dir=$out/bench
raw=$dir/raw.tsv
cores="default Zen Haswell SkylakeX Cooperlake"
python=out/venv/bin/python
release=cd610bf # 0.1.0
missing=() disturbed=()
mkdir -p $dir out/bench && : >$raw && : >$dir/errors.log

say() { printf 'bench: %s\n' "$*" >&2; }

# measure SIDE COMMAND...: files each line of the command's output under that side.
measure() {
    local side=$1
    shift
    "$@" 2>>$dir/errors.log |
        awk -F'\t' -v side="$side" 'NF >= 3 && !/^#/ { print side "\t" $0 }' >>$raw
}

# ---- who else is at work ----

load() { [ -r /proc/loadavg ] && cut -d' ' -f1 /proc/loadavg || echo 0; }

# Into `worked`: the seconds that all processors have worked, and that we and our own children have;
# and the clock's. (Not by $(...), whose shell would have no children.)
worked=
count_work() {
    [ -r /proc/stat ] || return 0
    times >$dir/times
    worked=$(awk -v tick="$(getconf CLK_TCK)" '
        FILENAME == "/proc/uptime" { clock = $1; next }
        FILENAME == "/proc/stat" { if ($1 == "cpu") all = $2 + $3 + $4 + $7 + $8 + $9; next }
        { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); own += 60 * t[1] + t[2] } }
        END { print all / tick, own, clock }' /proc/uptime /proc/stat $dir/times)
}

# others BEFORE AFTER: how many processors others kept busy in between.
others() {
    echo "$1 $2" | awk 'NF == 6 && $6 > $3 { printf "%.2f", ($4 - $1 - $5 + $2) / ($6 - $3) }'
}

start_load=$(load)
if awk -v l="$start_load" 'BEGIN { exit !(l > 0.3) }'; then
    disturbed+=("the load was $start_load at the start")
    say "the machine is busy (load $start_load, .3 is the most): the numbers will not be published"
fi

# ---- what there is to measure ----

build() { # build NAME COMPILER...: the benchmark; 0.1.0's own has its own source
    local name=$1 source=${source:-$here/bench.c}
    shift
    say "building: $* $source"
    "$@" "$source" -lm -o "$dir/$name" 2>>$dir/errors.log
}

cc=${CC:-cc}
build ours "$cc" -O2 -fopenmp || build ours "$cc" -O2 || exit 1
build native "$cc" -O3 -march=native || exit 1
mkdir -p $dir/release/tests/bench
if git show $release:sgm.h >$dir/release/sgm.h 2>/dev/null &&
    git show $release:$here/bench.c >$dir/release/$here/bench.c 2>/dev/null &&
    source=$dir/release/$here/bench.c build old "$cc" -O2; then old=1; else old=; fi

has() { "$python" -c "import $1" >/dev/null 2>&1; }
torch= jax= blas= sbgm= diffusers=
if has torch; then torch=1; else missing+=("PyTorch"); fi
if has "jax, equinox, optax"; then jax=1; else missing+=("JAX with equinox and optax"); fi
if has diffusers && $python $here/peer_diffusers.py write $dir/diffusers 2>>$dir/errors.log; then
    diffusers=1
else
    missing+=("diffusers")
fi
if has "sbgm, diffrax"; then sbgm=1; else missing+=("sbgm with diffrax"); fi
if "$cc" -O2 $here/peer_blas.c -lopenblas -o $dir/blas 2>>$dir/errors.log; then
    blas=1
else
    missing+=("OpenBLAS with its header")
fi
ranks=
if command -v mpirun >/dev/null &&
    OMPI_CC=$cc mpicc -O2 -I. examples/mpi/train.c -o $dir/train -lm 2>>$dir/errors.log; then
    ranks="1 2 4"
else
    missing+=("Open MPI")
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for peer in ${missing[@]+"${missing[@]}"}; do
    say "missing: $peer. \`make setup-peers\` installs it; without it those columns stay empty"
done
[ -n "$old" ] || say "missing: 0.1.0, which is built from this repository's history"

# The machine in a sentence, without its name.
machine_text() {
    local model n caches system compiler
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -1)
    model="${model:-$(uname -m)}$(awk -F': *' '/^cpu family/ { f = $2 } /^model[ \t]*:/ { m = $2 }
        END { if (f != "") printf " (family %s, model %s)", f, m }' /proc/cpuinfo 2>/dev/null)"
    n=$(getconf _NPROCESSORS_ONLN)
    caches=$(for c in /sys/devices/system/cpu/cpu0/cache/index*; do
        [ -r "$c/size" ] && [ "$(cat "$c/type")" != Instruction ] &&
            printf ' L%s %s' "$(cat "$c/level")" "$(cat "$c/size")"
    done)
    system=$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release 2>/dev/null)
    compiler=$("$cc" --version | head -1)
    printf 'Measured on: %s, %s processors,%s caches (of the first), %s; %s -O2; %s, %s' "$model" \
        "$n" "$caches" "$($dir/ours --isa)" "$compiler" "${system:-$(uname -s)}" "$(uname -srm)"
    if command -v clang >/dev/null; then printf '; beside it %s' "$(clang --version | head -1)"; fi
    if [ -n "$torch$jax$sbgm" ]; then
        $python - <<'PY'
from importlib.metadata import PackageNotFoundError, version
found = []
for name in ("torch", "torchdiffeq", "jax", "equinox", "optax", "diffrax", "sbgm", "diffusers"):
    try:
        found.append(f"{name} {version(name)}")
    except PackageNotFoundError:
        pass
print("; peers " + ", ".join(found), end="")
PY
    fi
    printf '; rounds: %s.\n' "$rounds"
}

# ---- the jobs, each a round in which ours and the peers take turns ----

one() { measure one $dir/ours "$@" --threads 1; }
two() { measure two $dir/ours "$@" --threads 2; }
torch() { [ -z "$torch" ] || measure "$1" $python $here/peer_torch.py "${@:2}" --seconds $each; }
jax() { [ -z "$jax" ] || measure jax $python $here/peer_jax.py "$@" --seconds $each; }
sbgm() { [ -z "$sbgm" ] || measure sbgm $python $here/peer_sbgm.py "$@" --seconds $each; }
old() { [ -z "$old" ] || measure old $dir/old "$@"; }

machine() {
    one peak --seconds $each
    one bandwidth --seconds $each
    one memory
    two memory
    one mixture --seconds $each
    one normals --seconds $each
    torch torch normals
    old normals --seconds $each
}

train() {
    one circle_train --seconds $each
    torch torch circle_train
    jax circle_train_scan
    two circle_train --seconds $each
    measure native $dir/native circle_train --seconds $each
    torch torch circle_train_compiled
    jax circle_train
    jax circle_train_jit
}

ncsn() {
    one ncsn_train --seconds $each
    torch torch ncsn_train
    two ncsn_train --seconds $each
    torch torch2 ncsn_train --threads 2
}

# A step takes a third of a second.
images() {
    local job seconds=$((quick ? 2 : 6))
    for job in unet_train unet_forward; do
        one $job --seconds $seconds
        torch torch $job
        two $job --seconds $seconds
        torch torch2 $job --threads 2
    done
}

# The lesson's U-Net of 17 million parameters, with the package's own weights if it is there.
diffusers() {
    local seconds=$((quick ? 2 : 8))
    [ -z "$diffusers" ] || export DIFFUSERS=$dir/diffusers
    one diffusers --seconds $seconds
    [ -z "$diffusers" ] || measure torch $python $here/peer_diffusers.py forward --seconds $each
    two diffusers --seconds $seconds
    [ -z "$diffusers" ] ||
        measure torch2 $python $here/peer_diffusers.py forward --seconds $each --threads 2
}

layers() {
    one layers --seconds $((quick ? 4 : 18))
    old layers --seconds $((quick ? 2 : 9))
}

# Whole runs of 998 steps beside torch; where ours meets itself, a part of them is enough.
sample() {
    local whole=$((quick ? part : 998))
    one circle_sample --repeats 1 --steps $whole
    torch torch circle_sample
    two circle_sample --repeats 1 --steps $whole
    torch torch2 circle_sample --threads 2
    measure part $dir/ours circle_sample --repeats 3 --steps $part
    measure native $dir/native circle_sample --repeats 3 --steps $part
}

moons() {
    local whole=$((quick ? part : 998))
    one moons_train --seconds $each
    sbgm moons_train
    sbgm moons_train_jit
    two moons_train --seconds $each
    one moons_likelihood --repeats 1 --steps $whole
    torch torch moons_likelihood
    sbgm moons_likelihood
    sbgm moons_likelihood_single
    sbgm moons_likelihood_diffrax
    two moons_likelihood --repeats 1 --steps $whole
}

# The same U-Net training on 1, 2 and 4 ranks of one thread: milliseconds of a step.
ranks() {
    local n about="net=unet n=1000 held=-1 log=1000 batch=128 steps=$((quick ? 3 : 6))"
    for n in $ranks; do
        measure mpi eval "mpirun --oversubscribe -n $n $dir/train $about |
            sed -n 's/.*threads: \([0-9.]*\) ms a step, \([0-9.]*\) ms of proc.*/$n \1 \2/p' |
            awk '{ printf \"unet_train_%dranks\t%s\tms\n\", \$1, \$2
                   printf \"unet_train_%dranks_cpu\t%s\tms of cpu\n\", \$1, \$3 }'"
    done
}

busy() { measure free $dir/ours busy --threads 0 --repeats 3 --seconds $((quick ? 6 : 24)); }

matmul() {
    one matmul --seconds $each
    torch torch matmul
    jax matmul
    [ -n "$blas" ] || return 0
    for core in $cores; do
        if [ "$core" = default ]; then
            measure "blas $core" env -u OPENBLAS_CORETYPE $dir/blas $each
        else
            measure "blas $core" env OPENBLAS_CORETYPE="$core" $dir/blas $each
        fi
    done
}

machine_text | tee $dir/machine.txt
for ((round = 1; round <= rounds; round++)); do
    count_work
    before=$worked
    for job in ${JOBS:-machine train ncsn images diffusers layers sample moons ranks busy matmul}; do
        say "round $round of $rounds: $job"
        $job
    done
    count_work
    guests=$(others "$before" "$worked")
    if awk -v o="${guests:-0}" 'BEGIN { exit !(o > 0.1) }'; then
        disturbed+=("others kept $guests processors busy in round $round")
        say "others keep $guests processors busy: the numbers will not be published"
    fi
done

# ---- medians, ratios, floors, bars ----

if [ ${#disturbed[@]} -eq 0 ] || [ "${FORCE:-0}" != 0 ]; then
    table=$out/bench.tsv
else
    table=$dir/unpublished.tsv
fi
awk -F'\t' -v tsv=$table -v cores="$cores" -v memory=$here/memory_0_1_0.tsv -f $here/table.awk $raw

[ ${#missing[@]} -eq 0 ] || say "without ${missing[*]}: \`make setup-peers\`"
say "the table is in $table, every measurement in $raw"
[ ${#disturbed[@]} -eq 0 ] && exit 0
for why in "${disturbed[@]}"; do say "$why"; done
[ "${FORCE:-0}" != 0 ] && { say "published by force"; exit 0; }
say "not published: let the machine rest, and run it again (FORCE=1 publishes all the same)"
exit 3
