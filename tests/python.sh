#!/bin/bash
# python.sh BUILD: the Python package. Its declarations are the header's; an sdist and a wheel are
# built, without a network; what the wheel holds passes examples/python/tests and, where scikit-learn
# is here, check_estimator. BUILD/sgm.o, if it is there, saves a compilation.
# python.sh BUILD all: `pip install ./examples/python` in a fresh environment with what PyPI has today.
# PYTHON names the interpreter. What is missing is skipped, and said so. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 package=examples/python
mkdir -p "$1/python"; dir=$(cd "$1/python" && pwd) objects=$(cd "$1" && pwd)
flags=${flags:--std=c99 -O1 -I. -Wall -Wextra -Wpedantic -Wshadow -Werror -fopenmp} cc=${CC:-cc}
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=2 PIP_DISABLE_PIP_VERSION_CHECK=1
check() { # check NAME COMMAND...
    local name=$1; shift
    if "$@" >"$dir/log" 2>&1; then passed=$((passed + 1)); echo "ok      $name"
    else failed=$((failed + 1)); echo "FAILED  $name"; tail -25 "$dir/log"
    fi
}
suite() { # suite NAME COMMAND...: what ends with "N passed, N failed" itself
    local name=$1; shift
    "$@" >"$dir/log" 2>&1
    if [[ $(tail -1 "$dir/log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        grep -v '^[0-9]* passed, ' "$dir/log" | head -40
    else failed=$((failed + 1)); echo "FAILED  $name"; tail -25 "$dir/log"
    fi
}

# 1. The declarations
declared() {
    examples/packages/api.pl write sgm.h >"$dir/sgm_api.json" &&
        "$py" $package/declare.py "$dir/sgm_api.json" >"$dir/_api.py" || return 1
    cmp "$dir/_api.py" $package/sgm/_api.py ||
        { echo "make api; python3 $package/declare.py out/sgm_api.json >$package/sgm/_api.py"; return 1; }
    sizes $package/sgm/_api.py || return 1
    for fault in 's/("best_step", c.c_long)/("best_step", c.c_int)/' 's/("n", c.c_long),/&("m", c.c_int),/' \
        's/"SGM_KIND_INTEGER": 2/"SGM_KIND_INTEGER": 3/'; do
        sed "$fault" $package/sgm/_api.py >"$dir/fault.py"
        cmp -s "$dir/fault.py" $package/sgm/_api.py && { echo "nothing to plant: $fault"; return 1; }
        sizes "$dir/fault.py" 2>"$dir/said" && { echo "not seen: $fault"; return 1; }
    done
    return 0
}
sizes() {
    "$py" $package/declare.py --check "$1" >"$dir/check.c" && $cc -std=c99 -I. -c "$dir/check.c" -o "$dir/check.o"
}

# 2. sdist and wheel
can_build() {
    "$py" -c 'import setuptools
try: import setuptools.command.bdist_wheel
except ImportError: import wheel.bdist_wheel' 2>/dev/null && "$py" -m pip --version >"$dir/said" 2>&1
}
sdist() {
    (cd $package && "$py" setup.py -q sdist -d "$dir/dist") || return 1
    rm -rf "$dir/unpacked" && mkdir "$dir/unpacked" && tar xzf "$dir"/dist/sgm?h-*.tar.gz -C "$dir/unpacked" &&
        cmp sgm.h "$dir"/unpacked/*/sgm.h && test -f "$(echo "$dir"/unpacked/*/tests/test_sgm.py)"
}
wheel() { # of the sdist, whose header lies beside setup.py
    CFLAGS=-O1 CC=$cc "$py" -m pip wheel -q --no-build-isolation --no-index --no-deps \
        -w "$dir/dist" "$(echo "$dir"/dist/sgm?h-*.tar.gz)" || return 1
    rm -rf "$dir/site" && "$py" -m zipfile -e "$dir"/dist/sgm_h-"$version"-py3-none-*.whl "$dir/site"
}
checkout() { # in the repository: version and sources, and nothing is made beside them
    [ "$(cd $package && "$py" setup.py --version)" = "$version" ] &&
        [ -z "$(find $package -name '*.egg-info' -o -name build -o -name dist -o -name '*.so')" ]
}
alone() { # no compiler, no OpenMP: the C library, and what comes with it
    ! objdump -p "$dir/site/sgm/_sgm.so" 2>/dev/null | grep NEEDED | grep -vE 'libc\.|libm\.|libpthread\.|ld-linux' &&
        env -i PATH=/nonexistent PYTHONPATH="$dir/site" "$(command -v "$py")" -c 'import sgm; print(sgm.__version__, sgm.isa())'
}
by_hand() { # where setuptools is not here, so that all the rest is tested
    mkdir -p "$dir/site/sgm" && cp $package/sgm/* "$dir/site/sgm/" &&
        $cc -O1 -fexpensive-optimizations -fPIC -shared -fvisibility=hidden -pthread -I$package -I. $package/library.c \
            -o "$dir/site/sgm/_sgm.so" -lm
}

# 3. The tests, and what they are compared with
same_bits() {
    local object=$objects/sgm.o
    if [ ! "$object" -nt sgm.h ]; then
        object=$dir/sgm.o
        printf '#define SGM_IMPLEMENTATION\n#include "sgm.h"\n' >"$dir/sgm.c"
        $cc $flags -c "$dir/sgm.c" -o "$object" || return 1
    fi
    $cc $flags -DSGM_LINKED $package/tests/same_bits.c "$object" -o "$dir/same_bits" -lm
}
has() { "$py" -c "import $1" 2>/dev/null; }
tests() {
    export PYTHONPATH=$dir/site SGM_SAME_BITS=$dir/same_bits
    for command in "$objects/bin/sgm" "$objects/sgm"; do [ ! "$command" -nt sgm.h ] || export SGM_COMMAND=$command; done
    suite "tests" "$py" $package/tests/test_sgm.py
    if has sklearn; then
        suite "check_estimator" env SCIPY_ARRAY_API=1 "$py" $package/tests/check_estimator.py
        suite "tests without scikit-learn" env SGM_WITHOUT=sklearn "$py" $package/tests/test_sgm.py parameters refusals copies
    else echo "skipped check_estimator: no scikit-learn here (make python-check fetches it)"
    fi
}

version=$(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' sgm.h)
py=
for p in ${PYTHON:-python3 /usr/bin/python3}; do "$p" -c 'import numpy' 2>/dev/null && { py=$p; break; }; done
if [ "${2:-}" = all ]; then
    p=${PYTHON:-python3} py=$dir/venv/bin/python
    rm -rf "$dir/venv"
    "$p" -m venv "$dir/venv" >"$dir/log" 2>&1 &&
        "$py" -m pip install -q setuptools wheel numpy pandas scikit-learn joblib pytest >"$dir/log" 2>&1 ||
        { echo "skipped: no environment with PyPI's packages: $(tail -1 "$dir/log")"; exit 0; }
    check "pip install ./examples/python" "$py" -m pip install -q ./examples/python
    check "pytest on what was installed" env -u PYTHONPATH "$py" -m pytest -q -p no:cacheprovider $package/tests/test_sgm.py
elif [ -z "$py" ]; then
    echo "skipped the Python package: no numpy here (apt-get install python3-numpy)"; exit 0
fi
rm -rf "$dir/dist" "$dir/site"
check "declarations: the header's, written anew, and as the compiler lays them out; 3 faults seen" declared
if can_build; then
    check "an sdist has the header" sdist
    check "a wheel for any Python 3, built from the sdist" wheel
    check "the wheel needs the C library alone, at run time" alone
    check "the checkout stays clean" checkout
else
    echo "skipped sdist and wheel: pip, setuptools or wheel is missing (apt-get install python3-pip python3-wheel)"
    check "the shared library compiles" by_hand
fi
check "a C program to compare with" same_bits
tests
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
