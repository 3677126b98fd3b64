#!/bin/bash
# The book's widgets, built and held against the same program compiled natively (web_widgets.pl).
#     tests/web_widgets.sh FOLDER       FOLDER/sgm.o is the library, compiled
# Says "skipped: ..." where a compiler for WebAssembly or a browser is missing. PLANT=1 plants a
# fault, one number of one widget for the browser, and passes if it is seen.
set -u
cd "$(dirname "$0")/.." || exit 1
to=${1:?web_widgets.sh FOLDER}
source=tutorial/web/widgets/widgets.c
flags="-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 -ffp-contract=off"
mkdir -p "$to/web" || exit 1
missing=$(tutorial/web/build.sh check) || { echo "skipped: $missing"; exit 0; }
# the library may have been compiled with OpenMP
omp=$(echo 'int main(void){return 0;}' |
    ${CC:-cc} -fopenmp -x c - -o "$to/web/probe" 2>/dev/null && echo -fopenmp)
# shellcheck disable=SC2086
${CC:-cc} $flags $omp -I. -DNATIVE -DSGM_LINKED $source "$to/sgm.o" \
    -o "$to/web/native" -lm || exit 1
if [ "${PLANT:-}" ]; then
    copy=$to/web/planted && rm -rf "$copy" && mkdir -p "$copy/tutorial" && cp sgm.h "$copy" &&
        cp -r tutorial/web "$copy/tutorial" || exit 1
    sed -i 's/var\[i\] = .06;/var[i] = .0601;/' "$copy/$source"
    cmp -s $source "$copy/$source" && { echo "nothing was planted"; exit 1; }
    "$copy/tutorial/web/widgets/build.sh" "$copy" || exit 1
    if said=$(perl tests/web_widgets.pl "$copy" "$to/web/native"); then
        echo "not seen: $said"
        exit 1
    fi
    grep '^NO' <<<"$said"
    exit 0
fi
make -s OUT="$to" "$to/web/widgets.js" >/dev/null || exit 1
exec perl tests/web_widgets.pl "$to/web" "$to/web/native"
