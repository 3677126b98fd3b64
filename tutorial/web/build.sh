#!/bin/sh
# Compiles a C program for the browser (see web.h), with clang and Debian's C library for wasm32:
#
#     tutorial/web/build.sh program.c program.wasm [flags of the compiler]
#     tutorial/web/build.sh check       silent if all is there; else what to install, and status 1
#
# apt-get install clang lld wasi-libc libclang-rt-dev-wasm32
# The stack (1 MB) lies below the data: what overflows it stops with an error, and spoils nothing.
# Memory grows up to 1 GB.
set -u
clang=${WASM_CC:-clang}
here=$(cd "$(dirname "$0")" && pwd)
probe=$(mktemp -d) && trap 'rm -rf "$probe"' EXIT
printf '#include <math.h>\nint main(void) { return (int)fmod(5, 3); }\n' >"$probe/a.c"
"$clang" --target=wasm32-wasi -msimd128 "$probe/a.c" -o "$probe/a.wasm" >"$probe/log" 2>&1 || {
    echo "no compiler for WebAssembly: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32"
    exit 1
}
[ "${1:-}" = check ] && exit 0
[ $# -ge 2 ] || { sed -n '2,5s/^# *//p' "$0"; exit 2; }
from=$1 to=$2
shift 2
exec "$clang" --target=wasm32-wasi -msimd128 -O2 -std=c99 -Wall -Wextra -Wpedantic -Wshadow \
    -Wno-unused-function -I"$here/../.." -I"$here" "$@" "$from" -o "$to" \
    -mexec-model=reactor -fvisibility=hidden -Wl,--export-dynamic,--export=malloc,--export=free \
    -Wl,--gc-sections,-s,--stack-first,-z,stack-size=1048576,--max-memory=1073741824
