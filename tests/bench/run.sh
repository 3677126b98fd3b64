#!/usr/bin/env bash
# How fast is sgm.h, beside others that do the same job, and beside what the machine can do at most?
#
#     make bench, or tests/bench/run.sh          about ten minutes
#     QUICK=1 tests/bench/run.sh                 about one, rough
#     ROUNDS=9 tests/bench/run.sh                more rounds, steadier medians
#
# A computer's speed drifts: others use it, it heats up. So nothing here is measured first and
# compared later. Each round runs ours and each peer once, in turn, and all numbers are medians over
# the rounds; only of a roof (the most multiply-adds, the most bytes in a second) it is the highest.
# The results go to a table on the screen and to out/bench.tsv; every single measurement is kept in
# out/bench/raw.tsv. A peer that is not installed is named and left out.
set -u
cd "$(dirname "$0")/../.." || exit 1

here=tests/bench
dir=out/bench
raw=$dir/raw.tsv
quick=${QUICK:-0}
if [ "$quick" != 0 ]; then rounds=${ROUNDS:-1} each=0.5; else rounds=${ROUNDS:-5} each=2; fi
part=$([ "$quick" != 0 ] && echo 5 || echo 60) # steps of a sampler that is compared with itself
cores="default Zen Haswell SkylakeX Cooperlake"
python=out/venv/bin/python
missing=()
mkdir -p $dir && : >$raw && : >$dir/errors.log

say() { printf 'bench: %s\n' "$*" >&2; }

# measure SIDE COMMAND...: files each line of the command's output under that side.
measure() {
    local side=$1
    shift
    "$@" 2>>$dir/errors.log |
        awk -F'\t' -v side="$side" 'NF >= 3 && !/^#/ { print side "\t" $0 }' >>$raw
}

build() {
    local name=$1
    shift
    say "building: $* $here/bench.c"
    "$@" $here/bench.c -lm -o "$dir/$name" || exit 1
}

# ---- what there is to measure ----

build plain "${CC:-cc}" -O2
build native "${CC:-cc}" -O3 -march=native
if command -v gcc >/dev/null; then build omp gcc -O2 -fopenmp; else build omp cc -O2 -fopenmp; fi

say "building: unet.c"
"${CC:-cc}" -O2 -fopenmp $here/unet.c -lm -o $dir/unet 2>/dev/null || "${CC:-cc}" -O2 $here/unet.c -lm -o $dir/unet

has() { "$python" -c "import $1" >/dev/null 2>&1; }
torch= jax= blas=
if has torch; then torch=1; else missing+=("PyTorch"); fi
if has "jax, equinox, optax"; then jax=1; else missing+=("JAX with equinox and optax"); fi
if "${CC:-cc}" -O2 $here/peer_blas.c -lopenblas -o $dir/blas 2>>$dir/errors.log; then
    blas=1
else
    missing+=("OpenBLAS with its header")
fi
for peer in ${missing[@]+"${missing[@]}"}; do
    say "missing: $peer. \`make setup-peers\` installs it; without it those columns stay empty"
done
if [ -r /proc/loadavg ] && awk '{ exit !($1 > 0.7) }' /proc/loadavg; then
    say "the machine is busy (load $(cut -d' ' -f1 /proc/loadavg)): good numbers need it to rest"
fi

# ---- the jobs, each a round in which ours and the peers take turns ----

bench() { # bench BUILD JOB [OPTIONS]
    local build=$1 job=$2
    shift 2
    measure "$build" $dir/"$build" "$job" --seconds $each "$@"
}

torch() { [ -z "$torch" ] || measure "$1" $python $here/peer_torch.py "${@:2}" --seconds $each; }
jax() { [ -z "$jax" ] || measure jax $python $here/peer_jax.py "$@" --seconds $each; }

machine() {
    bench plain peak
    bench plain bandwidth
    bench plain memory
    bench plain mixture
    bench plain normals
}

train() {
    bench plain circle_train
    torch torch circle_train
    bench native circle_train
    jax circle_train
    bench plain circle_train
    torch torch circle_train_compiled
    jax circle_train_jit
    bench native circle_train
    jax circle_train_scan
}

# Whole runs of 998 steps beside torch; where ours meets itself, a part of them is enough.
sample() {
    local whole=998 few=3
    [ "$quick" = 0 ] || whole=$part
    bench plain circle_sample --repeats 1 --steps $whole
    torch torch circle_sample
    measure plain_part $dir/plain circle_sample --repeats $few --steps "$part"
    measure native_part $dir/native circle_sample --repeats $few --steps "$part"
    measure omp_part $dir/omp circle_sample --repeats $few --steps "$part"
    bench omp circle_sample_2threads --repeats $few --steps "$part"
    torch torch2 circle_sample --threads 2
}

matmul() {
    bench plain matmul
    [ -n "$blas" ] || return 0
    for core in $cores; do
        if [ "$core" = default ]; then
            measure "blas $core" env -u OPENBLAS_CORETYPE $dir/blas $each
        else
            measure "blas $core" env OPENBLAS_CORETYPE="$core" $dir/blas $each
        fi
    done
}

likelihood() {
    local whole=998
    [ "$quick" = 0 ] || whole=$part
    bench plain moons_train
    bench plain moons_likelihood --repeats 1 --steps $whole
    torch torch moons_likelihood
}

ncsn() {
    bench plain ncsn_train
    torch torch ncsn_train
    bench omp ncsn_train_2threads
    torch torch2 ncsn_train --threads 2
}

layers() { measure plain $dir/plain layers --seconds $((quick ? 4 : 18)); }

# The U-Net's own program: images per second of training and of evaluation.
images() {
    measure plain env OMP_NUM_THREADS=1 $dir/unet --seconds $((quick ? 1 : 6))
    torch torch unet_train
    torch torch unet_forward
    measure omp env OMP_NUM_THREADS=2 $dir/unet --seconds $((quick ? 1 : 6))
}

for ((round = 1; round <= rounds; round++)); do
    for job in machine train ncsn images layers sample likelihood matmul; do
        say "round $round of $rounds: $job"
        $job
    done
done

# ---- medians, ratios, floors ----

awk -F'\t' -v tsv=out/bench.tsv '
function median(key,    n, i, j, x, list) {
    n = count[key]
    if (!n) return ""
    if (key ~ /peak$|bandwidth/) return highest(key)
    for (i = 1; i <= n; i++) {
        x = value[key, i]
        for (j = i - 1; j >= 1 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
    }
    return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
}

function highest(key,    i, x) {
    for (i = 1; i <= count[key]; i++) x = larger(x, value[key, i])
    return x
}

function show(x) { return x == "" ? "-" : sprintf("%.4g", x) }

# One row: ours and the peer by their keys; floor is the best value that could be, or "".
function row(name, ours, peer, peer_key, floor,    a, b, u, ratio, share) {
    a = median(ours)
    if (a == "") return
    b = peer_key ~ /^=/ ? substr(peer_key, 2) + 0 : median(peer_key)
    u = unit[ours]
    ratio = b == "" ? "" : (u == "s" || u == "MiB") ? b / a : a / b
    share = floor == "" ? "" : (u == "s" || u == "MiB") ? floor / a : a / floor
    printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, show(a), u, peer, show(b), show(ratio),
           show(share) >tsv
    printf "%-44s %10s %-8s  %-34s %10s %7s %7s\n", name, show(a), u, peer, show(b),
           ratio == "" ? "-" : sprintf("%.2f", ratio), share == "" ? "-" : sprintf("%.2f", share)
}

# The fastest of the core types that OpenBLAS was told to be, for one product.
function best_core(name,    i, core, n, best, list) {
    best = ""
    n = split(cores, list, " ")
    for (i = 1; i <= n; i++) {
        core = "blas " list[i] SUBSEP name
        if (median(core) != "" && (best == "" || median(core) > median(best))) best = core
    }
    return best
}

function products(    sizes, names, theirs, i, k, B, key, core, floor) {
    split("8 64 512 5000", sizes, " ")
    split("fwd dx dw", names, " ")
    split("y dx dw", theirs, " ")
    for (i = 1; i <= 4; i++) for (k = 1; k <= 3; k++) {
        B = sizes[i]
        flops = 2 * B * 256 * 256
        bytes = 4 * (k < 3 ? B * 256 + 256 * 256 : 2 * B * 256)
        floor = 1e-9 * flops / larger(flops / peak, bytes / l2)
        key = best_core("matmul_" theirs[k] "_" B)
        core = key == "" ? "" : setting[key]
        sub(/ MAX_THREADS.*/, "", core)
        sub(/.* /, "", core)
        row("matmul_" names[k] "_" B, "plain" SUBSEP "matmul_" names[k] "_" B,
            "OpenBLAS " (core == "" ? "(missing)" : core), key, floor)
    }
}

function larger(a, b) { return a > b ? a : b }

{
    key = $1 SUBSEP $2
    value[key, ++count[key]] = $3 + 0
    unit[key] = $4
    setting[key] = $5
    if (count[key] == 1 && $2 ~ /, /) layer[++n_layers] = $2
}

END {
    P = "plain" SUBSEP
    weights = 6 * 256 + 3 * 256 * 256 + 256 * 2
    params = weights + 4 * 256 + 2
    peak = 1e9 * median(P "fma_peak")
    l2 = 1e9 * median(P "bandwidth_l2")
    near = 1e9 * median(P "bandwidth_3mb")
    train_flops = 2 * 8 * (3 * weights - 6 * 256)
    train_bytes = 3 * 4 * params
    train = 1 / larger(train_flops / peak, train_bytes / near)
    sample_flops = 2 * weights * 5000 * 998
    sample = sample_flops / peak

    print "name\tvalue\tunit\tpeer\tpeer_value\tratio\tshare_of_floor" >tsv
    printf "\n%-44s %10s %-8s  %-34s %10s %7s %7s\n", "", "ours", "", "beside", "theirs", "ratio",
           "share"
    name = "circle_train"
    row(name, P name, "PyTorch, eager", "torch" SUBSEP name, train)
    row(name, P name, "PyTorch, compiled", "torch" SUBSEP name "_compiled", train)
    row(name, P name, "JAX, as the tutorial", "jax" SUBSEP name, train)
    row(name, P name, "JAX, all of a step jitted", "jax" SUBSEP name "_jit", train)
    row(name, P name, "JAX, 1000 steps in a scan", "jax" SUBSEP name "_scan", train)
    row("circle_train_plain_O2", P "circle_train", "ours, -O3 -march=native",
        "native" SUBSEP "circle_train", train)
    row("circle_sample", P "circle_sample", "PyTorch", "torch" SUBSEP "circle_sample", sample)
    row("circle_sample_2threads", "omp" SUBSEP "circle_sample_2threads", "ours, 1 thread",
        "omp_part" SUBSEP "circle_sample", sample / 2)
    row("circle_sample_2threads", "omp" SUBSEP "circle_sample_2threads", "PyTorch, 2 threads",
        "torch2" SUBSEP "circle_sample", sample / 2)
    row("circle_sample_plain_O2", "plain_part" SUBSEP "circle_sample", "ours, -O3 -march=native",
        "native_part" SUBSEP "circle_sample", sample)
    ncsn = peak / (6 * 512 * 142178)
    row("ncsn_train", P "ncsn_train", "PyTorch, eager", "torch" SUBSEP "ncsn_train", ncsn)
    row("ncsn_train_2threads", "omp" SUBSEP "ncsn_train_2threads", "PyTorch, 2 threads",
        "torch2" SUBSEP "ncsn_train", 2 * ncsn)
    row("unet_train", P "unet_train", "PyTorch, eager, its best layout", "torch" SUBSEP "unet_train", "")
    row("unet_forward", P "unet_forward", "PyTorch, eager, its best layout", "torch" SUBSEP "unet_forward", "")
    row("unet_train_2threads", "omp" SUBSEP "unet_train", "ours, 1 thread", P "unet_train", "")
    row("moons_likelihood", P "moons_likelihood", "PyTorch, torchdiffeq",
        "torch" SUBSEP "moons_likelihood", "")
    row("moons_train", P "moons_train", "the notebook of the document", "=132", "")
    for (i = 1; i <= n_layers; i++)
        row(layer[i], P layer[i], "-", "", unit[P layer[i]] == "GB/s" ? median(P "bandwidth_memory") : peak / 1e9)
    products()
    row("circle_memory", P "circle_memory", "the bar", "=32", 16 * params / 1048576)
    row("mixture_scores", P "mixture_scores", "-", "", "")
    row("normals", P "normals", "-", "", "")
    row("fma_peak", P "fma_peak", "-", "", "")
    row("bandwidth_l2", P "bandwidth_l2", "-", "", "")
    row("bandwidth_3mb", P "bandwidth_3mb", "-", "", "")
    row("bandwidth_memory", P "bandwidth_memory", "-", "", "")

    printf "\nratio > 1: ours is faster (or smaller). share: of what the machine can do, where\n"
    printf "  a training step is at least %.2f Mflop at %.0f GFLOP/s = %.0f us (and %.1f MB of\n",
           train_flops / 1e6, peak / 1e9, 1e6 * train_flops / peak, train_bytes / 1e6
    printf "    parameters and moments at %.0f GB/s = %.0f us): %.0f steps/s,\n", near / 1e9,
           1e6 * train_bytes / near, train
    printf "  the samples are %.2f Tflop = %.1f s on one core,\n", sample_flops / 1e12, sample
    printf "  a product is its flops at the peak (or its inputs at %.0f GB/s if that is longer),\n",
           l2 / 1e9
    printf "  memory is parameters, gradient and two moments: %.1f MiB.\n", 16 * params / 1048576
}' cores="$cores" $raw

[ ${#missing[@]} -eq 0 ] || say "without ${missing[*]}: \`make setup-peers\`"
say "the table is in out/bench.tsv, every measurement in $raw"
