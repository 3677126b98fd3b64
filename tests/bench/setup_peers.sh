#!/usr/bin/env bash
# Installs what the peers of the benchmark need, and says what it does:
#
#     OpenBLAS's headers and library, from Debian, when you are root
#     torch, torchdiffeq, jax, equinox, optax, diffrax and diffusers, from PyPI, in a virtual
#     environment in out/venv, and sbgm with all that it imports
#
# A second run changes nothing that is already there. A peer that can't be had is named and left
# out: the benchmark then runs without it. PYTHON=python3.11 picks another interpreter. Mind the
# size: torch from PyPI brings its GPU libraries along, some five gigabytes in all.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/out/venv
python=${PYTHON:-python3}
missing=()

say() { printf 'setup_peers: %s\n' "$*"; }

skip() {
    say "can't have $1: $2"
    missing+=("$1")
}

have_blas() {
    printf '#include <cblas.h>\nint main(void) { return cblas_isamax(0, 0, 1) != 0; }\n' |
        cc -x c - -o "${TMPDIR:-/tmp}/sgm_peer_probe" -lopenblas 2>/dev/null
}

install_blas() {
    if have_blas; then
        say "OpenBLAS is already here"
    elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        skip openblas "install libopenblas-dev by hand (this needs root and apt-get)"
    else
        say "installing libopenblas-dev with apt-get"
        apt-get update -qq || say "the package lists could not be refreshed; trying as they are"
        apt-get install -y -qq --no-install-recommends libopenblas-dev ||
            skip openblas "apt-get failed"
    fi
}

make_venv() {
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        say "the virtual environment $venv is already here"
        return 0
    fi
    say "making a virtual environment in $venv"
    mkdir -p "$root/out" && "$python" -m venv "$venv"
}

has_module() { "$venv/bin/python" -c "import $1" >/dev/null 2>&1; }

# install_module MODULE [ARGUMENTS of pip install; the module's name if there are none]
# Each package is installed alone, so that one that fails does not take the others with it.
install_module() {
    local module=$1
    shift
    [ $# -gt 0 ] || set -- "$module"
    if has_module "$module"; then
        say "$module is already here"
        return
    fi
    say "installing $module with pip"
    if ! "$venv/bin/python" -m pip install --quiet "$@"; then
        skip "$module" "pip failed"
    elif ! has_module "$module"; then
        skip "$module" "it installed, but does not import"
    fi
}

# sbgm asks for Python 3.12 and for releases of two years ago, jax 0.4.33 among them. It runs on
# Python 3.11 and beside today's, so they are what it gets, and what it is measured with.
install_sbgm() {
    local torch
    torch=$("$venv/bin/python" -c 'import torch; print(torch.__version__.split("+")[0])' 2>/dev/null)
    install_module torchvision torchvision ${torch:+"torch==$torch"} # else it may change torch
    for module in diffrax jaxtyping beartype powerbox einx einops ml_collections matplotlib \
        cloudpickle tqdm; do
        install_module $module
    done
    install_module sklearn scikit-learn
    install_module sbgm --ignore-requires-python --no-deps sbgm==0.0.38
}

install_blas
if make_venv; then
    for module in numpy torch torchdiffeq jax equinox optax diffusers; do install_module "$module"; done
    install_sbgm
else
    skip "the Python peers" "no virtual environment (on Debian: apt-get install python3-venv)"
fi
if [ ${#missing[@]} -eq 0 ]; then
    say "all peers are ready; run them with $venv/bin/python"
else
    say "ready, but without: ${missing[*]}"
fi
