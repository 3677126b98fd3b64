#!/bin/bash
# sgm_export.h: models as one .c file have the library's bits, whatever compiles them, and as WebAssembly.
#
#     tests/export.sh [FOLDER]      a part; FOLDER of tests/run.sh has sgm.h opened (open.pl)
#     tests/export.sh all           every network, compiler, level and fault; WebAssembly also in Chromium
#
# The truth is what sgm_fitted_sample and sgm_fitted_logp answer (tests/export.c): rows of two seeds, one
# row alone, log densities, also of rows with gaps and of rows that cannot be. Not a bit may differ.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
CC=${CC:-cc} open=${1:-}/open all= passed=0 failed=0
[ "${1:-}" = all ] && all=1
ok() { passed=$((passed + 1)); echo "ok      $1"; }
bad() { failed=$((failed + 1)); echo "FAILED  $1"; head -12 "$dir/log"; }
check() { local name=$1; shift; if "$@" >"$dir/log" 2>&1; then ok "$name"; else bad "$name"; fi; }
have() { command -v "${1%% *}" >/dev/null || { echo "skipped $1: not installed here"; return 1; }; }
warn="-Wall -Wextra -Wpedantic -Wshadow -Wconversion"

check "export/plain.h is plain.c as text" perl examples/export/text.pl check
names="numbers mixed gaps probes picture dit tanh"
[ -n "$all" ] && names="$names mixer resnet mlp softplus gelu relu sigmoid own"
if [ -f "$open/open.o" ]; then how="-include $open/open.h tests/export.c $open/open.o -fopenmp"
else how="-O1 tests/export.c"; fi
$CC -std=c99 -I. $how -o "$dir/export" -lm >"$dir/log" 2>&1 || { bad "tests/export.c compiles"; echo "0 passed, 1 failed"; exit 1; }
check "models are fitted and exported; what cannot be is refused" "$dir/export" "$dir" $names refusals
[ $failed = 0 ] || { echo "$passed passed, $failed failed"; exit 1; } # nothing to compile

# same NAME COMPILER...: it compiles without a word, and has the bits
same() {
    local m=$1; shift
    have "$1" || return 0
    "$@" $warn -DMODEL="\"$dir/$m.c\"" tests/export_check.c -o "$dir/check" -lm >"$dir/log" 2>&1 && [ ! -s "$dir/log" ] &&
        "$dir/check" "$dir/$m.truth" >>"$dir/log" 2>&1 && ok "$m: $*" || bad "$m: $*"
}
native=-march=native
if [ -z "$all" ]; then
    same numbers gcc -std=c99 -O2
    same numbers gcc -std=gnu17 -O1 -DMODEL_PLAIN
    same mixed clang -std=c11 -O1
    same gaps gcc -std=c2x -O1 $native
    same probes g++ -x c++ -std=c++17 -O1
    same picture gcc -std=c99 -O1
    same numbers clang++ -x c++ -std=c++20 -O1
    same dit clang -std=c99 -O1 $native
    same tanh gcc -std=c99 -O0
else
    for m in numbers mixed gaps probes picture; do
        for how in -O0 -O1 -O2 -O3 "-O3 $native" "-O2 -DMODEL_PLAIN" "-Os -ffp-contract=fast"; do
            for cc in "gcc -std=c99" "gcc -std=gnu17" "clang -std=c11"; do same $m $cc $how; done
        done
        for std in c++17 c++20; do
            for cc in g++ clang++; do same $m $cc -x c++ -std=$std -O1; done
        done
        same $m gcc -std=c2x -O1; same $m clang -std=c2x -O1
        if command -v tcc >/dev/null; then same $m tcc -w; fi
    done
    for m in dit tanh mixer resnet mlp softplus gelu relu sigmoid own; do
        same $m gcc -std=c99 -O2; same $m clang -std=c99 -O1 -DMODEL_PLAIN
    done
fi

# another processor, emulated
if [ -n "$all" ] && have aarch64-linux-gnu-gcc && have qemu-aarch64; then
    emulated() {
        aarch64-linux-gnu-gcc -O2 -static -w -DMODEL="\"$dir/$1.c\"" tests/export_check.c -o "$dir/arm" -lm && qemu-aarch64 "$dir/arm" "$dir/$1.truth"
    }
    for m in $names; do check "$m: aarch64, emulated" emulated $m; done
fi

# the file as a program: its CSV is that of sgm_table_save, byte by byte
program() {
    gcc -O1 -DMODEL_MAIN "$dir/mixed.c" -o "$dir/program" -lm && "$dir/program" 37 9 >"$dir/rows.csv" && cmp "$dir/rows.csv" "$dir/mixed.csv" &&
        "$dir/program" 3 9 logp | awk -F, 'NR > 1 && $NF + 0 >= 0 { exit 1 }' && ! "$dir/program" 0 2>/dev/null
}
check "the program prints the library's CSV, and log densities beside it" program

# any number of threads may call it: there is no variable to share
constant() {
    gcc -O1 -fno-pie -fno-pic -c "$dir/mixed.c" -o "$dir/mixed.o" && ! nm "$dir/mixed.o" | grep -i ' [bdc] '
}
check "it has no variable that is written" constant

# faults in the text of an exported model: each must be seen
fault() { # fault NAME MODEL SED-COMMAND
    sed "$3" "$dir/$2.c" >"$dir/fault.c"
    if cmp -s "$dir/$2.c" "$dir/fault.c"; then echo "nothing to change" >"$dir/log"; bad "fault: $1"; return; fi
    gcc -std=c99 -O1 -w -DMODEL="\"$dir/fault.c\"" tests/export_check.c -o "$dir/check" -lm >"$dir/log" 2>&1 || { bad "fault: $1"; return; }
    if "$dir/check" "$dir/$2.truth" >"$dir/log" 2>&1; then bad "a fault that nobody sees: $1"; else ok "seen: $1"; fi
}
fault "a product that is not fused" numbers 's/sum\[0\]\[s\] = fma_by(fused, x\[0\], y\[s\], sum\[0\]\[s\])/sum[0][s] = x[0] * y[s] + sum[0][s]/'
fault "a product rounded twice" numbers 's/bits += (rest > 0) == .*/;/'
fault "a weight's digit" numbers '0,/[0-9a-f]p-4f/s//7p-4f/'
fault "what is added to whole numbers" mixed 's|uniform_of(key, place)) / MODEL_ADDED - 0\.5;|uniform_of(key, place)) / MODEL_ADDED - 0.5000001;|'
fault "what stands for a gap" gaps 's/fill = key_child(key, 1)/fill = key_child(key, 2)/'
fault "sums in eight lanes" probes 's/lane\[i % 16\]/lane[i % 8]/g'
fault "a tile's sign" picture 's/- m\[12 \* apart\]/+ m[12 * apart]/'
if [ -n "$all" ]; then
    fault "the change of a softmax" picture 's/(g\[j\] - (float)total)/g[j]/'
    fault "a random word" numbers 's/0xD2511F53u/0xD2511F55u/'
    fault "the normal law" numbers 's/0\.9999904633f/0.9999906f/'
    fault "the exponential" numbers 's/0\.1666652011f/0.16666522f/'
    fault "a weight of Runge and Kutta" numbers 's|{1\. / 6, 1\. / 3|{1.0000000001 / 6, 1. / 3|'
    fault "the step that remembers" numbers 's|part \* (1 + 0\.5 / r)|part * (1 + 0.5000001 / r)|'
    fault "the last step" numbers 's/(double)x\[k\] + t \* t/(double)x[k] + 1.0000001 * t * t/'
    fault "the prior" numbers 's/double std = MODEL_PRIOR/double std = 1.0000001 * MODEL_PRIOR/'
    fault "a sine" numbers 's/2 \* model_pi \* (turns/6.2831 * (turns/'
    fault "the turn" numbers 's/all += model_turn\[k\]\[j\]/all += 1.0000001 * model_turn[k][j]/'
    fault "the way back" numbers 's/y += model_back\[k\]\[j\]/y += 1.0000001 * model_back[k][j]/'
    fault "the place of what is added" mixed 's/(uint64_t)(k % MODEL_ADDED)/(uint64_t)k/'
    fault "the noise on bits" mixed 's|: -1) + z / 4|: -1) + z / 5|'
    fault "the bend of cells" mixed 's/bell_a = 1\.5976/bell_a = 1.5977/'
    fault "rounding" mixed 's/floor(v\[k\] + 0\.5)/floor(v[k])/'
    fault "the nearest level" mixed 's/far < least/far > least/'
    fault "a bend" numbers 's/hyperbolic_sine(c->tail \* area/hyperbolic_sine(1.00000001 * c->tail * area/'
    fault "the mask" gaps 's/known\[k\] = v == v;/known[k] = 1;/'
    fault "a constant that never was" mixed 's/if (none) \*logp = -HUGE_VAL;/;/'
    fault "the law of probes" probes 's/v\[k\] < 0\.5f/v[k] < 0.25f/'
    fault "whose probes" probes 's/k\[0\] >> 8/k[0] >> 7/'
    fault "the norm's floor" picture 's/+ 1e-5/+ 1e-6/'
    fault "the border of an image" picture 's/col >= 0 \&\& col < w/col >= 0 \&\& col < w - 1/'
    fault "attention's weights" picture 's/0\.2402264774f/0.24022650f/'
    fault "a row that is centred" dit 's/x\[j\] - most - rest/x[j] - most/'
    fault "a row that is scaled" dit 's/-r \* r \* r \* dot/r * r * r * dot/'
    fault "GELU" dit 's/0\.0713548163f, 1\.5/0.07135483f, 1.5/'
    fault "the noise of a step" tanh 's/to \* sqrt(part)/t * sqrt(part)/'
    fault "Heun" mlp 's/{0\.5, 0\.5}}/{0.5, 0.50000001}}/'
    fault "a product of two that move" own 's/fma_by(MODEL_FUSED, v\[0\]\[k\], b\[k\], a\[k\] \* v\[1\]\[k\])/v[0][k] * b[k]/'
    fault "softplus" softplus 's/0\.4002152726f/0.40021530f/'
    fault "tanh" tanh 's/e \* 4\.0f \* q \* q/e * 4.0f * q/'
fi

# WebAssembly: clang makes it, node or Chromium runs it
cat >"$dir/check.js" <<'JS'
async function exportCheck(e, bytes, d) {
    const data = new DataView(bytes.buffer, bytes.byteOffset), n = Number(data.getBigInt64(0, true));
    let at = 8, bad = 0;
    const p = e.doubles(n * d), q = e.doubles(n);
    const same = (view, count) => {
        for (let i = 0; i < count; i++, at += 8) {
            const mine = new DataView(view.buffer, view.byteOffset + 8 * i);
            if (mine.getBigInt64(0, true) !== data.getBigInt64(at, true) && view[i] === view[i]) bad++;
        }
    };
    const take = (view, count) => {
        for (let i = 0; i < count; i++) view[i] = data.getFloat64(at + 8 * i, true);
    };
    e.model_sample(p.at, 1, 77n), same(p.view(), d);
    e.model_logp(q.at, p.at, 1), same(q.view(), 1);
    for (const seed of [1n + (1n << 40n), 2n + (2n << 40n)]) e.model_sample(p.at, n, seed), same(p.view(), n * d);
    take(p.view(), n * d), at += 8 * n * d;
    e.model_logp(q.at, p.at, n), same(q.view(), n);
    return at !== bytes.length ? 'the truth is cut off' : bad + ' differ of ' + (at / 8 - 1 - n * d);
}
JS
wasm_node() { # NAME COLUMNS
    cat tutorial/web/engine.js "$dir/check.js" - >"$dir/run.js" <<JS
const fs = require('fs');
sgmEngine(fs.readFileSync('$dir/$1.wasm')).then(e => exportCheck(e, fs.readFileSync('$dir/$1.truth'), $2)).then(s => console.log(s));
JS
    node "$dir/run.js" | tee /dev/stderr | grep -q '^0 differ'
}
wasm_browser() {
    cat >"$dir/page.html" <<HTML
<!doctype html><title>export</title>
<!-- pack script engine.js -->
<!-- pack script check.js -->
<!-- pack wasm sgmWasm $1.wasm -->
<!-- pack wasm sgmTruth $1.truth -->
<script>
const unzip = async text => new Uint8Array(await new Response(new Blob([Uint8Array.from(atob(text), c => c.charCodeAt(0))]).stream()
    .pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
Promise.all([sgmEngine(sgmWasm), unzip(sgmTruth)]).then(([e, truth]) => exportCheck(e, truth, $2)).catch(x => 'error: ' + x)
    .then(s => { window.said = s; });
</script>
HTML
    tutorial/web/pack.pl "$dir/page.html" tutorial/web "$dir" >"$dir/packed.html" && perl -e '
        require "./tests/browser.pl";
        my $b = Browser->new or do { print "skipped: $Browser::why\n"; exit 0 };
        $b->open($ARGV[0]);
        $b->until("return window.said", 60);
        my $said = $b->js("return window.said");
        print "$said\n";
        exit($said =~ /^0 differ/ ? 0 : 1)' "$dir/packed.html"
}
if ! tutorial/web/build.sh check >"$dir/log"; then echo "skipped WebAssembly: $(cat "$dir/log")"
else
    mkdir "$dir/wasm"
    check "models are exported as WebAssembly" env EXPORT_WASM=1 "$dir/export" "$dir" mixed ${all:+picture}
    runs=
    if command -v node >/dev/null; then runs=wasm_node; fi
    if [ -n "$all" ] || [ -z "$runs" ]; then
        if perl tests/browser.pl | grep -q '^skipped'; then [ -n "$runs" ] || echo "skipped WebAssembly: neither node nor Chromium is here"
        else runs="$runs wasm_browser"; fi
    fi
    for run in $runs; do
        check "mixed, as WebAssembly in ${run#wasm_}" $run mixed 7
        [ -z "$all" ] || check "picture, as WebAssembly in ${run#wasm_}" $run picture 64
    done
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
