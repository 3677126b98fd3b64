#!/bin/bash
# api.sh BUILD: sgm_api.json says what the header says. A C program made from the JSON alone repeats
# every declaration beside the header's, and the compiler refuses what differs; each kind of fault,
# planted in the JSON, is refused so. BUILD/sgm.o, if it is there, has the functions in JSON and no others.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$1/api cc=${CC:-cc}
mkdir -p "$dir"
examples/packages/api.pl write >"$dir/sgm_api.json" 2>"$dir/said" && [ ! -s "$dir/said" ] || { head -5 "$dir/said"; exit 1; }
agrees() { # agrees JSON: does the program made from it compile, silently, and say so?
    examples/packages/api.pl check "$1" >"$dir/check.c" 2>"$dir/said" &&
        $cc -std=c99 -Wall -Wextra -Wpedantic -Wno-array-parameter -Werror -I. -DSGM_API= -c "$dir/check.c" -o "$dir/check.o" >>"$dir/said" 2>&1 &&
        $cc "$dir/check.o" -o "$dir/check" >>"$dir/said" 2>&1 && "$dir/check"
}
# gcc names a warning that clang does not know
echo 'int main(void){return 0;}' | $cc -Werror -Wno-array-parameter -x c - -o "$dir/probe" 2>/dev/null || cc="$cc -Wno-unknown-warning-option"
agrees "$dir/sgm_api.json" || { head -20 "$dir/said"; echo "the JSON is not what the header says"; exit 1; }
planted() { # planted NAME WORD SED: the JSON changed so is refused with this word, or by the program
    sed "$3" "$dir/sgm_api.json" >"$dir/fault.json"
    cmp -s "$dir/sgm_api.json" "$dir/fault.json" && { echo "nothing to plant for $1"; exit 1; }
    if agrees "$dir/fault.json"; then echo "not seen: $1"; exit 1; fi
    if [ "$2" ]; then grep -q "$2" "$dir/said"; else [ ! -s "$dir/said" ]; fi || { echo "refused for another reason: $1"; head -5 "$dir/said"; exit 1; }
}
planted "an argument of another type" "types for .sgm_uniform" '/"name": "sgm_uniform"/s/"float \*"/"double *"/'
planted "an argument without its const" "types for .sgm_train" '/"name": "sgm_train"/s/"const float \*"/"float *"/'
planted "an argument too few" "types for .sgm_key_split" '/"name": "sgm_key_split"/s/, {"name": "i"[^}]*}//'
planted "another type returned" "types for .sgm_threads" '/"name": "sgm_threads"/s/"returns": "int"/"returns": "long"/'
planted "a field of another type" "place" '/"name": "sgm_sde", "opaque"/,/\]}/s/"name": "t_min", "type": "double"/"name": "t_min", "type": "float"/'
planted "a field that is missing" "size_sgm_images" '/"name": "sgm_images", "opaque"/,/\]}/{/"name": "names"/d}'
planted "an array that is too short" "size_sgm_key" '/"name": "k", "type": "uint32_t"/s/"array": 2/"array": 1/'
planted "two fields of one type changed about" "place" \
    '/"name": "sgm_mixture", "opaque"/,/\]}/{s/"name": "mean"/"name": "_"/;s/"name": "var"/"name": "mean"/;s/"name": "_"/"name": "var"/}'
planted "another value" "value_SGM_MISMATCH" 's/"SGM_MISMATCH": 5/"SGM_MISMATCH": 6/'
planted "a value that is missing" "SGM_COV_FULL" 's/, "SGM_COV_FULL": 3//'
planted "another macro" "" 's/"SGM_BINS", "value": "8"/"SGM_BINS", "value": "9"/'
planted "another version" "" '0,/"version"/s/"version": "/&9./'
if [ -f "$1/sgm.o" ]; then
    nm -g "$1/sgm.o" | sed -n 's/.* T _\{0,1\}\(sgm_[a-z0-9]\)/\1/p' | grep -v '^sgm__' | sort >"$dir/linked"
    sed -n 's/^  {"name": "\(sgm_[a-z0-9_]*\)", "chapter".*/\1/p' "$dir/sgm_api.json" | sort >"$dir/listed"
    diff "$dir/linked" "$dir/listed" || { echo "not the functions of sgm.o"; exit 1; }
fi
for copy in $(find examples -name sgm_api.json); do # what a package ships
    cmp "$copy" "$dir/sgm_api.json" || { echo "make api writes it anew, to out/: copy it"; exit 1; }
done
echo "$(grep -c '"chapter"' "$dir/sgm_api.json") functions, $(grep -c '"opaque"' "$dir/sgm_api.json") structs; 12 faults seen"
