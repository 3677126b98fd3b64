#!/bin/bash
# The gallery of examples (examples/gallery), built and run: each says by its status whether its truth holds.
#     tests/gallery.sh FOLDER       FOLDER has sgm.o, open/ (open.pl), and sgm_tsan.o where ThreadSanitizer runs
# Ends with "N passed, N failed". Some 9 s of the processor.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:?gallery.sh FOLDER} CC=${CC:-cc} from=examples/gallery passed=0 failed=0
flags=${flags:-"-std=c99 -I. -Wall -Wextra -Wpedantic -Wshadow -Werror -O1 -fopenmp"} to=$1/gallery
export OMP_NUM_THREADS=1
rm -rf "$to" && mkdir -p "$to" || exit 1
check() { # check NAME COMMAND...
    local name=$1; shift
    if "$@" >"$to/log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
    else failed=$((failed + 1)); echo "FAILED  $name"; tail -15 "$to/log"; fi
}
make() { # make NAME FLAG...: without a word
    local name=$1 said; shift
    said=$($CC $flags "$@" -o "$to/$name" -lm 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
}
fails() { ! "$@"; }
lines() { awk 'FNR > 60 || length($0) > 100 && !/[\x80-\xff]/ {print FILENAME ":" FNR; bad = 1} END {exit bad}' "$from"/*.c "$from"/*.py "$from"/fortran/*; }
check "no program has more than 60 lines" lines
listed() { # every program has its line in examples/README.md
    local f lost=0
    for f in examples/*.c examples/gallery/*.c examples/gallery/*.py examples/gallery/fortran/*.f90; do
        grep -qF "](${f#examples/})" "${1:-examples/README.md}" || { echo "examples/README.md has no $f"; lost=1; }
    done
    return $lost
}
check "examples/README.md lists every program" listed
sed /service/d examples/README.md >"$to/README.md"
check "and one that is not there is missed" fails listed "$to/README.md"

# its allocator is the tests' library's (open.pl), so that nothing is compiled again; an allocation in the loop is seen
counted() { # counted NAME [SED]
    sed "${2:-}" "$from/game_loop.c" >"$to/$1.inc"
    printf '#include "%s"\nvoid *open_malloc(size_t n) { return SGM_MALLOC(n); }\nvoid *open_realloc(void *p, size_t n) { return SGM_REALLOC(p, n); }\n' \
        "$1.inc" >"$to/$1.c"
    make "$1" -DSGM_LINKED "$to/$1.c" "$build/open/open.o"
}
check "game_loop compiles" counted game_loop
check "game_loop: a sprite a frame, and no allocation" "$to/game_loop" "$to/strip.pgm"
check "61 sprites, and no two neighbours alike" perl -0777 -ne 's/^P5 8 488 255\n// or die; my @s = unpack "(a64)*", $_;
    die if @s != 61 || grep { $s[$_] eq $s[$_ - 1] } 1 .. 60' "$to/strip.pgm"
check "one with an allocation in its loop compiles" counted leaks 's/for (int step = 0/SGM_FREE(SGM_MALLOC(9)); &/'
check "and is told" fails "$to/leaks"

check "service compiles" make service -DSGM_LINKED -pthread $from/service.c "$build/sgm.o"
check "service: eight threads give the bits of one" "$to/service"
if [ -f "$build/sgm_tsan.o" ]; then
    check "service compiles with ThreadSanitizer" make service_tsan -DSGM_LINKED -pthread -fsanitize=thread $from/service.c "$build/sgm_tsan.o"
    check "and it is silent" "$to/service_tsan"
    sed 's/pthread_mutex_[a-z]*(&lock);/(void)lock;/' $from/service.c >"$to/race.c"
    check "service without its lock compiles" make race -DSGM_LINKED -pthread -fsanitize=thread "$to/race.c" "$build/sgm_tsan.o"
    check "and is told" fails env TSAN_OPTIONS=halt_on_error=1 "$to/race"
else echo "skipped: ThreadSanitizer does not run here"
fi

check "monte_carlo compiles" make monte_carlo -DSGM_LINKED $from/monte_carlo.c "$build/sgm.o"
check "monte_carlo: an integral within 4 standard errors" sh -c "$to/monte_carlo $to/banana.safetensors | tee $to/said"
covers() { awk -v wrong="$1" '/^integral/ {far = ($2 - $6 * wrong) / $4; exit !(far < 4 && far > -4)}' <(sed 's/,//g' "$to/said"); }
check "its error bar covers the truth" covers 1
check "and not what is 5 % off" fails covers 1.05

check "pytorch_mlp compiles" make pytorch_mlp -DSGM_LINKED $from/pytorch_mlp.c "$build/sgm.o"
check "pytorch_mlp: what PyTorch says, within rounding, and samples" "$to/pytorch_mlp" $from/pytorch_mlp.safetensors
check "its file has at most 60 KB" test "$(wc -c <$from/pytorch_mlp.safetensors)" -le 61440
# the header has 8 bytes and as many as they say; a sign of the first array's first number
perl -0777 -pe 'substr($_, 8 + unpack("V", $_) + 3, 1) ^= "\x80"' $from/pytorch_mlp.safetensors >"$to/wrong.safetensors"
check "another weight is told" fails "$to/pytorch_mlp" "$to/wrong.safetensors"

if command -v gfortran >/dev/null; then
    check "fortran compiles" sh -c "$CC $flags -DSGM_LINKED -c $from/fortran/sgm_fortran.c -o $to/sgm_fortran.o &&
        gfortran -std=f2008 -Wall -Wextra -Werror -fopenmp -J$to $from/fortran/density.f90 $to/sgm_fortran.o $build/sgm.o -o $to/density -lm"
    row() { grep '^a row' "$1" | tr -s ' '; }
    check "fortran: row and log density as in C" sh -c "$to/density $to/banana.safetensors | tee $to/fortran"
    check "to the last digit printed" test "$(row "$to/said")" = "$(row "$to/fortran")"
    check "a model that is not there is told" fails sh -c "$to/density $to/nowhere | grep 'a row'"
else echo "skipped: no gfortran here; make setup installs it"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
