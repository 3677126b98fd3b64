# The table of run.sh, from its single measurements: side, name, value, unit, setting.
#
#     awk -F'\t' -v tsv=FILE -v cores="CORE TYPES" -v memory=FILE -f table.awk raw.tsv
#
# A value is the median over the rounds, only of a roof the highest; a ratio is the median of the
# rounds' own ratios, since what two programs see in one round is more alike than two medians are. A
# bar is what the row is held to: ratio (to the peer), share (of the floor), value, or best (share
# of the best product of matrices that any library here has reached). "by cpu" is the ratio again,
# by the seconds that processors spent instead of the clock's.

function median_of(list, n,    i, j, x) {
    if (!n) return ""
    for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j >= 1 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
    }
    return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
}

function median(key,    i, list) {
    if (key ~ /peak$|bandwidth/) return highest(key)
    for (i = 1; i <= count[key]; i++) list[i] = value[key, i]
    return median_of(list, count[key] + 0)
}

function highest(key,    i, x) {
    for (i = 1; i <= count[key]; i++) x = larger(x, value[key, i])
    return x
}

function larger(a, b) { return a > b ? a : b }
function show(x) { return x == "" ? "-" : sprintf("%.4g", x) }
function two(x) { return x == "" ? "-" : sprintf("%.2f", x) }
function smaller_is_better(u) { return u ~ /^m?s($| )/ || u == "MiB" }

# How many times better ours is, round by round if both were measured as often.
function times_better(ours, peer,    i, n, list, down) {
    down = smaller_is_better(unit[ours])
    n = count[ours]
    if (!n || !count[peer]) return ""
    if (n != count[peer]) return down ? median(peer) / median(ours) : median(ours) / median(peer)
    for (i = 1; i <= n; i++)
        list[i] = down ? value[peer, i] / value[ours, i] : value[ours, i] / value[peer, i]
    return median_of(list, n)
}

# bar: "ratio >= 1.5 or share >= .92". "": nothing is asked; what cannot be told counts as missed,
# unless the peer is not here.
function judge(name, bar, a, ratio, share,    parts, word, n, i, x, ok, told, text) {
    if (bar == "") return "-"
    n = split(bar, parts, " or ")
    for (i = 1; i <= n; i++) {
        split(parts[i], word, " ")
        x = word[1] == "ratio" ? ratio : word[1] == "share" ? share : word[1] == "best" ? \
            (best_product ? a / best_product : "") : a
        if (x == "") continue
        told = 1
        if (word[2] == "<=" ? x <= word[3] + 0 : x >= word[3] + 0) ok = 1
        text = text (text == "" ? "" : ", ") word[1] " " two(x)
    }
    if (!told) return "-"
    n_bars++
    if (ok) n_met++
    else missed[++n_missed] = name ": " bar " (" text ")"
    return ok ? "yes" : "NO"
}

# One row: ours and the peer by their keys ("=x": a number); floor is the best that could be, if
# known.
function row(name, ours, peer, peer_key, floor, bar,    a, b, u, ratio, share, cpu) {
    a = median(ours)
    if (a == "") return
    u = unit[ours]
    if (peer_key ~ /^=/) {
        b = substr(peer_key, 2) + 0
        ratio = smaller_is_better(u) ? b / a : a / b
    } else {
        b = median(peer_key)
        ratio = times_better(ours, peer_key)
        cpu = times_better(ours "_cpu", peer_key "_cpu")
    }
    share = ""
    if (floor > 0 && floor < 1e99) share = smaller_is_better(u) ? floor / a : a / floor
    put(name, a, u, peer, b, ratio, share, bar, cpu)
}

function put(name, a, u, peer, b, ratio, share, bar, cpu,    met) {
    met = judge(name (peer == "-" ? "" : " vs " peer), bar, a, ratio, share)
    printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, show(a), u, peer, show(b),
           show(ratio), show(share), bar == "" ? "-" : bar, met, show(cpu) >tsv
    printf "%-44s %9s %-8s %-31s %9s %6s %6s %6s  %-16s %s\n", name, show(a), u, peer, show(b),
           two(ratio), two(cpu), two(share), bar, met == "-" ? "" : met
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
        row("matmul_" names[k] "_" B, P "matmul_" names[k] "_" B,
            "OpenBLAS " (core == "" ? "(missing)" : core), key, floor, B < 512 ? "" : "best >= .90")
    }
}

# What each job does per second of the clock and of the processors, on one thread and on two.
function processors(    jobs, n, i, p, q, ratio) {
    n = split("circle_train ncsn_train moons_train unet_train unet_forward circle_sample " \
              "moons_likelihood", jobs, " ")
    printf "\n%-44s %9s %10s %10s %10s\n", "per second of clock and of processors", "1 thread",
           "cpu", "2 threads", "cpu"
    for (i = 1; i <= n; i++) {
        p = P jobs[i]; q = Q jobs[i]
        printf "%-34s%-10s %9s %10s %10s %10s\n", jobs[i], unit[p], show(median(p)),
               show(median(p "_cpu")), show(median(q)), show(median(q "_cpu"))
    }
    print ""
    for (i = 1; i <= n; i++) {
        ratio = times_better(P jobs[i] "_cpu", Q jobs[i] "_cpu")
        if (ratio == "") continue
        put(jobs[i] "_2threads_cpu", ratio, "of 1\47s", "-", "", "", "", "value <= 1.06", "")
    }
}

function ranks(    name, n, one, ratio) {
    one = "mpi" SUBSEP "unet_train_1ranks"
    for (n = 2; n <= 4; n += 2) {
        name = "unet_train_" n "ranks"
        row(name, "mpi" SUBSEP name, "1 rank", one, "")
        ratio = times_better(one "_cpu", "mpi" SUBSEP name "_cpu")
        if (ratio != "") put(name "_cpu", ratio, "of 1\47s", "-", "", "", "", "value <= 1.05", "")
    }
}

function memories(    jobs, n, i, t, name, old) {
    n = split("circle_train ncsn_train moons_train unet_train unet_forward circle_sample " \
              "moons_likelihood", jobs, " ")
    for (i = 1; i <= n; i++) for (t = 1; t <= 2; t++) {
        name = jobs[i] "_memory"
        old = old_memory[name, t]
        row(name (t == 1 ? "" : "_2threads"), (t == 1 ? P : Q) name, "0.1.0",
            old == "" ? "" : "=" old, "", old == "" ? "" : "value <= " old + .5)
    }
}

{
    key = $1 SUBSEP $2
    value[key, ++count[key]] = $3 + 0
    unit[key] = $4
    setting[key] = $5
    if (count[key] == 1 && $1 == "one" && $2 ~ /, /) layer[++n_layers] = $2
}

END {
    P = "one" SUBSEP
    Q = "two" SUBSEP
    T = "torch" SUBSEP
    U = "torch2" SUBSEP
    while ((getline line < memory) > 0) # name, threads, MiB
        if (line !~ /^#/ && split(line, word, "\t") == 3) old_memory[word[1], word[2]] = word[3]
    for (key in count)
        if (key ~ SUBSEP "matmul_(fwd|y|dx|dw)_[0-9]+$")
            best_product = larger(best_product, median(key))
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

    print "name\tvalue\tunit\tpeer\tpeer_value\tratio\tshare_of_floor\tbar\tmet\tratio_cpu" >tsv
    printf "\n%-44s %9s %-8s %-31s %9s %6s %6s %6s  %-16s %s\n", "", "ours", "", "beside", "theirs",
           "ratio", "by cpu", "share", "bar", "met"
    name = "circle_train"
    row(name, P name, "PyTorch, eager", T name, train, "ratio >= 6")
    row(name, P name, "PyTorch, compiled", T name "_compiled", train)
    row(name, P name, "JAX, as the tutorial", "jax" SUBSEP name, train)
    row(name, P name, "JAX, all of a step jitted", "jax" SUBSEP name "_jit", train)
    row(name, P name, "JAX, 1000 steps in a scan", "jax" SUBSEP name "_scan", train, "ratio >= 2.6")
    row(name, P name, "ours, -O3 -march=native", "native" SUBSEP name, train)
    name = "circle_sample"
    row(name, P name, "PyTorch", T name, sample, "ratio >= 1.15 or share >= .92")
    row(name "_2threads", Q name, "PyTorch, 2 threads", U name, sample / 2,
        "ratio >= 1.15 or share >= .92")
    row(name, "part" SUBSEP name, "ours, -O3 -march=native", "native" SUBSEP name, sample)
    ncsn = peak / (6 * 512 * 142178)
    row("ncsn_train", P "ncsn_train", "PyTorch, eager", T "ncsn_train", ncsn, "ratio >= 1.5")
    row("ncsn_train_2threads", Q "ncsn_train", "PyTorch, 2 threads", U "ncsn_train", 2 * ncsn,
        "ratio >= 1.75")
    for (i = 1; i <= 2; i++) {
        name = i == 1 ? "unet_train" : "unet_forward"
        row(name, P name, "PyTorch, eager, its best layout", T name, "", "ratio >= 1.8")
        row(name "_2threads", Q name, "PyTorch, 2 threads", U name, "", "ratio >= 1.8")
    }
    name = "diffusers_forward"
    row(name, P name, "diffusers, its best layout", T name, "", "ratio >= 1.6")
    row(name "_2threads", Q name, "diffusers, 2 threads", U name, "", "ratio >= 1.6")
    row("diffusers_off", P "diffusers_off", "of diffusers\47 outputs", "=0.00002", "", \
        "value <= 0.00002")
    name = "moons_train"
    row(name, P name, "sbgm", "sbgm" SUBSEP name, "", "ratio >= 4")
    row(name, P name, "sbgm, all of a step in one jit", "sbgm" SUBSEP name "_jit", "")
    row(name, P name, "the notebook of the document", "=132", "")
    name = "moons_likelihood"
    row(name, P name, "PyTorch, torchdiffeq", T name, "", "ratio >= 2")
    row(name, P name, "sbgm, a point a call", "sbgm" SUBSEP name "_single", "", "ratio >= 15")
    row(name, P name, "sbgm, vmapped, its best block", "sbgm" SUBSEP name, "", "ratio >= 15")
    row(name, P name, "diffrax", "sbgm" SUBSEP name "_diffrax", "")
    processors()
    ranks()
    print ""
    n = split("circle ncsn moons unet", jobs, " ")
    for (i = 1; i <= n; i++)
        row(jobs[i] "_train_busy_share", "free" SUBSEP jobs[i] "_train_busy_share", "-", "", "",
            "value >= .40")
    for (i = 1; i <= n_layers; i++) {
        name = layer[i]
        row(name, P name, name ~ /^norm/ ? "0.1.0" : "-", name ~ /^norm/ ? "old" SUBSEP name : "",
            unit[P name] == "GB/s" ? median(P "bandwidth_memory") : peak / 1e9,
            name ~ /^attention/ ? "best >= .45" : name ~ /^conv 1x1/ ? "best >= .80" : \
            name ~ /^norm/ ? "ratio >= 1.6" : "")
    }
    products()
    row("circle_memory", P "circle_memory", "the bar", "=32", 16 * params / 1048576, "ratio >= 1")
    memories()
    row("mixture_scores", P "mixture_scores", "-", "", "")
    row("normals", P "normals", "PyTorch", T "normals", "", "ratio >= 2")
    row("normals", P "normals", "0.1.0", "old" SUBSEP "normals", "", "ratio >= 5")
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
    printf "best: of the best product of matrices that any library reached here, %.0f GFLOP/s.\n",
           best_product
    printf "%d of %d bars are met.\n", n_met, n_bars
    for (i = 1; i <= n_missed; i++) printf "  missed: %s\n", missed[i]
}
