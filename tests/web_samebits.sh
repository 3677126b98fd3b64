#!/bin/bash
# tests/samebits.c in Chromium: prints what `samebits 1 parts` prints, computed by WebAssembly.
#     tests/web_samebits.sh FOLDER
set -u
cd "$(dirname "$0")/.." || exit 1
dir=${1:?web_samebits.sh FOLDER}
tutorial/web/build.sh check || exit 1
cat >"$dir/web_samebits.c" <<'C'
#define main samebits_main
#include "tests/samebits.c"
#undef main
#define WEB __attribute__((used, visibility("default")))
WEB const char *web_error(void) { return sgm_error(); }
WEB int web_run(void) {
    char name[] = "samebits", one[] = "1", parts[] = "parts", *words[] = {name, one, parts, NULL};
    int status = samebits_main(3, words);
    return fflush(stdout), status;
}
C
tutorial/web/build.sh "$dir/web_samebits.c" "$dir/samebits.wasm" || exit 1
cat >"$dir/web_samebits.html" <<'HTML'
<!doctype html><title>samebits</title>
<!-- pack script engine.js -->
<!-- pack wasm sgmWasm samebits.wasm -->
<!-- pack script run.js -->
HTML
cat >"$dir/run.js" <<'JS'
window.said = '', window.done = false;
console.error = text => { window.said += text; };
sgmEngine(sgmWasm).then(e => e.web_run()).catch(x => { window.said += x; })
    .then(() => { window.done = true; });
JS
tutorial/web/pack.pl "$dir/web_samebits.html" tutorial/web "$dir" >"$dir/samebits.html" || exit 1
exec perl -e '
    require "./tests/browser.pl";
    my $b = Browser->new or do { print "skipped: $Browser::why\n"; exit 1 };
    $b->open($ARGV[0]);
    $b->until("return window.done", 100);
    print $b->js("return said")' "$dir/samebits.html"
