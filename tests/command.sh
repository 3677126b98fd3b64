#!/bin/bash
# The command sgm: every subcommand on small tables, every exit status, hostile and odd files, Ctrl-C, what must not be
# overwritten, and that every output recreates itself. Ends with "N passed, N failed".
#
#     tests/command.sh BUILD        where bin/sgm is (or is made)
#
# What needs gnuplot, python3, man or tcc is skipped without, and that is said.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-out}
top=$PWD
[ -x "$build/bin/sgm" ] || make -s out/bin/sgm >/dev/null || exit 1
d=$build/command
rm -rf "$d"; mkdir -p "$d"
ln -sf "$(realpath "$build/bin/sgm")" "$d/sgm"
cd "$d" || exit 1
PATH=$PWD:$PATH
export TMPDIR=$PWD/tmp OMP_NUM_THREADS=1
mkdir -p tmp
passed=0 failed=0
ok() { passed=$((passed + 1)); echo "ok      $1"; }
bad() { failed=$((failed + 1)); echo "FAILED  $1"; shift; [ $# = 0 ] || printf '        %s\n' "$@" | head -12; }
run() { timeout 60 "$@" >out.txt 2>err.txt; status=$?; }
# want NAME STATUS WORDS: of the last run, with WORDS (a regular expression) in what it printed and said
want() {
    if [ $status != "$2" ]; then bad "$1" "status $status, not $2" "$(head -3 err.txt)"
    elif [ -n "${3:-}" ] && ! cat out.txt err.txt | grep -qE -- "$3"; then bad "$1" "lacks: $3" "$(head -5 out.txt err.txt)"
    else ok "$1"
    fi
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "got: ${2:0:300}" "not: ${3:0:300}"; fi; } # is NAME GOT WANTED
holds() { local name=$1; shift; if "$@" >holds.txt 2>&1; then ok "$name"; else bad "$name" "$(head -5 holds.txt)"; fi; }
snake() { # snake NAME: what Python says of the program that it is given
    if command -v python3 >/dev/null; then holds "$1" python3 -
    else cat >/dev/null; echo "skipped: $1, no python3"; fi
}
rows() { grep -v '^#' "$1" | tail -n +2; }
json() { perl -MJSON::PP -e 'local $/; decode_json(<STDIN>)' <"$1"; }
hash() { sha256sum <"$1" | cut -d' ' -f1; }

# --- tables: a law that is known, with a category, whole numbers and gaps
perl -e 'srand(1); print "alcohol,acid,colour,bottles,\"odd, name\"\n";
    sub g { sqrt(-2*log(1-rand))*cos(6.2831853*rand) }
    for (1..178) { my $r = rand() < .5; my $a = ($r ? 13 : 12) + .6*g(); my $c = 3-.2*$a+.3*g();
        printf("%s,%.3f,%s,%d,%.1f\n", rand() < .05 ? "" : sprintf("%.2f", $a), $c, $r ? "red" : "white", 1+int(6*rand), -log(1-rand)) }' >wine.csv
awk 'NR == 1 {print "id;" $0} NR > 1 && NR < 32 {print "n" NR ";" $0}' wine.csv | sed 's/"odd, name"/"odd name"/; s/,/;/g; s/odd name/odd, name/' >ids.csv

# --- fit: what it shows, and how long 178 rows take
start=$(date +%s%N)
run sgm fit wine.csv -o wine.safetensors --quality fast --threads 1
want "fit: shows columns, kinds, gaps, levels, and what was chosen" 0 'alcohol +number .*missing'
spent=$((($(date +%s%N) - start) / 1000000))
for words in 'wine.csv: 178 rows, 5 columns' 'colour +category .*2 levels: red, white' 'bottles +integer +1 to 6' 'odd, name' \
    '--kinds NAME' 'nats a row' 'saved: wine.safetensors; next: sgm sample'; do
    want "fit: $words" 0 "$words"
done
run sgm sample wine.safetensors -n 5
holds "178 rows: from CSV to samples in 10 s (took $spent ms)" test $status = 0 -a $spent -lt 10000
run sgm fit wine.csv -o json.safetensors --quality fast --steps 40 --json -q
want "fit --json --quiet" 0
holds "fit --json: its report is JSON" json out.txt
is "fit --quiet: says nothing" "$(cat err.txt)" ""
is "the hash of the data is that of sha256sum" "$(perl -MJSON::PP -e 'local $/; print decode_json(<STDIN>)->{data}' <out.txt)" "sha256:$(hash wine.csv)"
run sgm fit wine.csv -o kinds.safetensors --quality fast --steps 20 --kinds bottles=category,acid=drop --drop colour
want "fit: kinds and columns are overridden" 0 'bottles +category'
is "fit: two columns are dropped" "$(sgm sample kinds.safetensors -n 1 -q | sed -n 2p)" 'alcohol,bottles,"odd, name"'
awk 'NR == 1 {print $0 ",w"} NR > 1 {print $0 "," NR % 3}' wine.csv >weighted.csv
run sgm fit weighted.csv -o weighted.safetensors --quality fast --steps 20 --weight w
want "fit --weight" 0 '5 columns, weighted'
cat wine.csv | sgm fit - --quality fast --steps 20 -q >piped.safetensors 2>err.txt
sgm fit wine.csv --quality fast --steps 20 -q -o named.safetensors
is "fit by pipes: the model has the same numbers" "$(tail -c 9000 piped.safetensors | hash /dev/stdin)" "$(tail -c 9000 named.safetensors | hash /dev/stdin)"

# --- sample
sgm sample wine.safetensors -n 200 -q >new.csv
is "sample: names" "$(sed -n 2p new.csv)" "$(head -1 wine.csv)"
is "sample: 200 rows of 5 fields, levels and whole numbers in their range" "$(rows new.csv |
    awk -F, 'NF == 5 && ($3 == "red" || $3 == "white") && $4 ~ /^[1-6]$/' | wc -l)" 200
sgm sample wine.safetensors -n 200 -q --seed 2 >other.csv
holds "sample: another seed gives other rows" sh -c '! cmp -s new.csv other.csv'
OMP_NUM_THREADS=3 sgm sample wine.safetensors -n 200 -q | cmp -s - new.csv
holds "sample: the same bytes with three threads" test $? = 0
sgm sample wine.safetensors -n 20 -q -o new.npy
snake "sample: NPY, as numpy reads its head" <<'END'
import ast, struct
b = open('new.npy', 'rb').read()
n = struct.unpack('<H', b[8:10])[0]
h = ast.literal_eval(b[10:10 + n].decode('latin1').lstrip())
assert b[:8] == b'\x93NUMPY\x01\0' and (10 + n) % 64 == 0 and b[9 + n:10 + n] == b'\n'
assert h == {'descr': '<f8', 'fortran_order': False, 'shape': (20, 5)}, h
assert len(b) == 10 + n + 8 * 100
END
run sgm logp wine.safetensors new.npy
want "logp of that NPY" 0 'mean log p'
sgm sample wine.safetensors -n 3 --json -q >new.json
holds "sample --json" json new.json
sgm sample wine.safetensors -n 3 -q --digits 3 >short.csv
is "sample --digits 3" "$(rows short.csv | awk -F, '{gsub(/[-.]/, "", $2); sub(/^0+/, "", $2); if (length($2) > 3) bad = 1} END {print bad + 0}')" 0

# --- logp, anomaly
sgm logp wine.safetensors ids.csv -q >logp.csv
is "logp: a row for each" "$(sed -n 2p logp.csv) $(rows logp.csv | wc -l)" "logp,se 30"
sgm logp wine.safetensors - -q <ids.csv >piped.csv
is "logp of a pipe is that of the file" "$(rows piped.csv)" "$(rows logp.csv)"
sgm logp wine.safetensors <(cat ids.csv) -q >piped.csv
is "logp of a named pipe, too" "$(rows piped.csv)" "$(rows logp.csv)"
run sgm logp wine.safetensors ids.csv --append -o appended.csv
want "logp --append: a column of the table that is not the model's" 0 "column 'id' is not the model's, and ignored"
is "logp --append: the table as it was, byte by byte" "$(rows appended.csv | sed -E 's/(;[^;]*){2}$//')" "$(tail -n +2 ids.csv)"
is "logp --append: and the answers behind, with its separator" "$(rows appended.csv | awk -F';' '{print $(NF-1) "," $NF}')" "$(rows logp.csv)"
sgm anomaly wine.safetensors ids.csv -q >anomaly.csv
is "anomaly: quantiles in (0,1)" "$(rows anomaly.csv | awk -F, '$2 > 0 && $2 < 1' | wc -l)" 30
{ head -1 wine.csv; echo '25,3,red,6,1'; tail -5 wine.csv; } >strange.csv
sgm anomaly wine.safetensors strange.csv --sorted --append -q >sorted.csv
is "anomaly --sorted: what is strange comes first, with its number" "$(rows sorted.csv | head -1 | cut -d, -f1-4)" 1,25,3,red
is "anomaly --sorted: falling" "$(rows sorted.csv | awk -F, '{print $(NF-1)}')" "$(rows sorted.csv | awk -F, '{print $(NF-1)}' | sort -grs)"

# --- given, impute
sgm given wine.safetensors -n 50 alcohol=13.2 colour=red >given.csv 2>err.txt
is "given: 50 rows with what was given" "$(rows given.csv | grep -c '^13.2,[^,]*,red,')" 50
holds "given: the effective sample size is said" grep -q 'effective sample size [0-9]* of [0-9]* particles' err.txt
holds "given: what is near what was learnt is not suspected" sh -c '! grep -q "far from" err.txt'
run sgm given wine.safetensors -n 5 alcohol=1300; want "given: what is far from it is told" 0 'alcohol=1300 is far from what was learnt'
printf 'alcohol,colour\n13,\n,white\n' | sgm given wine.safetensors - -n 4 bottles=2 -q >rows.csv
is "given: rows by pipe, and what is given for all" "$(rows rows.csv | cut -d, -f1,2,5 | sed 's/^2,.*,/2,/' | sort | uniq -c | tr -s ' \n' ' ')" " 4 1,13,2 4 2,2 "
is "given: the second row's colour" "$(rows rows.csv | grep '^2,' | cut -d, -f4 | sort -u)" white
sgm given wine.safetensors -n 2 alcohol=13 --json -q >given.json
holds "given --json has the sample size" perl -MJSON::PP -e 'local $/; open F, "given.json"; my $j = decode_json(<F>); exit !($j->{given}[0]{ess} > 0 && @{$j->{rows}} == 2)'
perl -pe 's/^(n\d+);[^;]*;/$1;;/ if $. % 3 == 2; s/;(red|white);/;;/ if $. % 5 == 0' ids.csv >holes.csv
sgm impute wine.safetensors holes.csv -q >whole.csv
holds "impute: what was known is as it was, byte by byte; what was not is filled" perl -e '
    open A, "holes.csv"; open B, "whole.csv"; <A>; <B>; my $filled = 0; <B>;
    while (<A>) { chomp; my $b = <B>; chomp $b; my @a = split /;/, $_, -1; my @b = split /;/, $b, -1; @a == @b or die "fields";
        for (0..$#a) { if ($a[$_] eq "") { $b[$_] eq "" and die "not filled: $b"; $filled++ } elsif ($a[$_] ne $b[$_]) { die "$a[$_] became $b[$_]" } } }
    die "filled $filled" unless $filled >= 16'
is "impute: the mean is no draw: two seeds agree" "$(sgm impute wine.safetensors holes.csv -q --mean | rows /dev/stdin | awk -F';' '{printf "%.1f\n", $2}')" \
    "$(sgm impute wine.safetensors holes.csv -q --mean --seed 1 | rows /dev/stdin | awk -F';' '{printf "%.1f\n", $2}')"
run sgm impute wine.safetensors holes.csv --se
want "impute --se" 0 'alcohol_se;acid_se'

# --- recreation: what an output tells gives its bytes again
again() { # again FILE
    local line; line=$(sgm info "$1" --command) || { bad "recreates itself: $1" "no command"; return; }
    if sh -c "$line" 2>again.log >again.bin && cmp -s "$1" again.bin; then ok "recreates itself: $1"
    else bad "recreates itself: $1" "$line" "$(head -2 again.log)"; fi
}
sgm sample wine.safetensors -n 7 -o seven.csv --seed 12345678901 -q
for f in new.csv new.npy new.json seven.csv logp.csv appended.csv sorted.csv given.csv given.json whole.csv named.safetensors kinds.safetensors; do again $f; done
cp wine.csv "it's odd.csv"; sgm fit "it's odd.csv" -o "odd name.safetensors" --quality fast --steps 20 -q
sgm logp "odd name.safetensors" "it's odd.csv" -q -o odd.out.csv
again odd.out.csv
again "odd name.safetensors"
sgm logp wine.safetensors -q -- ./wine.csv >dashes.csv; again dashes.csv
is "info names seed and model" "$(sgm info seven.csv | grep -E '^(seed|model) ' | tr -s ' ')" "seed 12345678901
model sha256:$(hash wine.safetensors)"
sed -i 's/--seed 12345678901/--seed 2/' seven.csv
sh -c "$(sgm info seven.csv --command)" 2>/dev/null >again.bin
holds "a seed that was changed does not" sh -c '! cmp -s seven.csv again.bin'

# --- export: the program that it makes prints what sgm samples
run sgm export wine.safetensors -o wine.c
want "export" 0
again wine.c
${CC:-cc} -O1 -DMODEL_MAIN wine.c -o wine.program -lm 2>holds.txt
is "export: the program's rows" "$(./wine.program 6 3 | tail -n +2)" "$(sgm sample wine.safetensors -n 6 --seed 3 --digits 17 -q | rows /dev/stdin)"
run sgm export wine.safetensors -o wine.c; want "export: does not overwrite" 2 'is there already'

# --- pictures: a folder in, grids out
mkdir pics; perl -e 'for my $i (1..12) { open F, ">", "pics/p$i.pgm"; print F "P5\n5 4\n255\n", map { chr(40 + ($_ * 37 + $i * 11) % 190) } 1..20 }'
echo 'no picture' >pics/notes.txt
run sgm fit pics -o pics.safetensors --quality fast --steps 4 --size 4x4 --gray
want "pictures: fit" 0 'pictures of 4 x 4 x 1'
is "pictures: the hash of the folder is that of what sha256sum * prints" "$(sgm info pics.safetensors | sed -n 's/^data *//p')" \
    "sha256:$(cd pics && LC_ALL=C sha256sum * | sha256sum | cut -d' ' -f1)"
sgm sample pics.safetensors -n 6 -q -o grid.png; sgm sample pics.safetensors -n 6 -q -o grid.pgm
again grid.png; again grid.pgm
is "pictures: a PNG of 3 x 2 of them" "$(perl -e 'open F, "grid.png"; binmode F; read F, $b, 33; print join " ", unpack("x16 NN CC", $b)')" "14 9 8 0"
snake "pictures: its chunks have their check sums, and its pixels are those of the PGM" <<'END'
import zlib, struct
b = open('grid.png', 'rb').read()
at, data = 8, b''
while at < len(b):
    n, = struct.unpack('>I', b[at:at + 4])
    assert zlib.crc32(b[at + 4:at + 8 + n]) == struct.unpack('>I', b[at + 8 + n:at + 12 + n])[0]
    if b[at + 4:at + 8] == b'IDAT': data += b[at + 8:at + 8 + n]
    at += 12 + n
raw = zlib.decompress(data)
pixels = b''.join(raw[15 * y + 1:15 * y + 15] for y in range(9))
assert open('grid.pgm', 'rb').read().endswith(b'255\n' + pixels) and len(pixels) == 126
END
is "pictures: log densities of the folder" "$(sgm logp pics.safetensors pics -q | rows /dev/stdin | wc -l)" 12
run sgm logp wine.safetensors pics; want "pictures asked of a table's model" 3 'the model is of a table'
run sgm sample pics.safetensors -n 10000000 -o wall.png; want "pictures: too many for a grid" 2 'too large'

# --- plot
if command -v gnuplot >/dev/null; then
    run sgm plot wine.safetensors --data wine.csv -o plot.png -n 60
    want "plot" 0
    holds "plot: a PNG, its script and its numbers" sh -c 'head -c 4 plot.png | grep -q PNG && test -s plot.gp -a -s plot.dat'
    again plot.png
    run sgm plot wine.safetensors -o plot.png
    want "plot: does not overwrite" 2 'plot.png is there already'
    run sgm plot wine.safetensors -o new.gp --columns 'colour,odd, name'
    want "plot: a column that is not there" 2 "no column 'odd'"
else echo "skipped: plot, no gnuplot"; fi
run env PATH=. sgm plot wine.safetensors -o nopicture.png -n 20
want "plot without gnuplot: said, with script and numbers" 1 'no gnuplot'
holds "plot without gnuplot: script and numbers are there" test -s nopicture.gp -a -s nopicture.dat -a ! -e nopicture.png
run sgm plot wine.safetensors -o script.gp -n 20; want "plot: the script alone" 0

# --- info, explain, selftest, help
run sgm info wine.safetensors --json; want "info --json" 0; holds "info: JSON" json out.txt
run sgm info wine.csv --json; want "info of a table --json" 0; holds "info of a table: JSON" json out.txt
run sgm info wine.safetensors; want "info: the command, the columns" 0 'made by +sgm fit wine.csv'
run sgm info wine.csv --command; want "info --command of what sgm has not made" 3 'does not tell how it was made'
run sgm selftest; want "selftest" 0 ', 0 failed'
run sgm selftest --json; want "selftest --json" 0; holds "selftest: JSON" json out.txt
for s in $(sed -n '/^typedef enum sgm_status/,/^}/s/^ *\(SGM_[A-Z_]*\).*/\1/p' "$top/sgm.h" | grep -v SGM_OK) 0 1 2 3 4 130; do
    [ "$s" = 0 ] || { run sgm explain "$s"; want "explain $s" 0 '^cure'; }
done
run sgm explain wine.csv is there already and would be overwritten; want "explain a message" 0 '--force'
run sgm explain "'x.csv' has no number at line 2, column 3"; want "explain another" 0 '^SGM_BAD_FILE'
run sgm explain xyzzy; want "explain what is not known" 1 'SGM_MISMATCH'
run sgm explain nan --json; holds "explain --json" json out.txt
run sgm; want "sgm alone: a short help" 0 'sgm fit wine.csv'
is "version" "$(sgm --version)" "sgm $(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' "$top/sgm.h")"
for s in fit sample logp given impute anomaly plot info export selftest explain help; do
    run sgm $s --help; want "sgm $s --help begins with examples" 0 '^examples'
    sgm help $s | cmp -s - out.txt; holds "sgm help $s is the same" test $? = 0
    for o in $(grep -oE '^ .*--[a-z]+' out.txt | grep -oE -- '--[a-z]+' | sort -u); do
        grep -q -- "${o/--/\\\\-\\\\-}" "$top/examples/sgm.1" || bad "sgm.1 has $o of sgm $s"
    done
    grep -q "^\.B $s\$" "$top/examples/sgm.1" || [ $s = help ] || bad "sgm.1 has the command $s"
done
if command -v man >/dev/null; then is "the manual: no warnings" "$(MANWIDTH=80 man --warnings -l "$top/examples/sgm.1" 2>&1 >/dev/null)" ""
else echo "skipped: the manual, no man"; fi

# --- completion
complete_() { # complete_ WORD...: what the last one may become
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sgm; printf "%s\n" "${COMPREPLY[@]}"' - "$top/examples/sgm.bash" "$@"
}
is "completion: a command" "$(complete_ sgm an)" anomaly
is "completion: an option of the command" "$(complete_ sgm fit wine.csv --qu | tr '\n' ' ')" "--quality --quiet "
is "completion: not one of another" "$(complete_ sgm sample wine.safetensors --qual)" ""
is "completion: a value" "$(complete_ sgm fit wine.csv --quality b)" best
is "completion: a model" "$(complete_ sgm sample wi)" wine.safetensors
is "completion: a file with a blank" "$(complete_ sgm fit 'it')" "it's odd.csv"

# --- usage: status 2
usage() { local name=$1 words=$2; shift 2; run "$@"; want "$name" 2 "$words"; [ -s out.txt ] && bad "$name: standard output is not empty"; }
usage "a mistyped command" "did you mean 'sgm sample'" sgm sampel
usage "a mistyped option" "did you mean --seed" sgm sample wine.safetensors --sede 3
usage "another command's option" 'is no option of sgm sample' sgm sample wine.safetensors --append
usage "an option without its value" 'needs a value' sgm sample wine.safetensors -n
usage "no number" 'a whole number from 1' sgm sample wine.safetensors -n many
usage "zero rows" 'a whole number from 1' sgm sample wine.safetensors -n 0
usage "a seed below 0" 'a whole number from 0' sgm sample wine.safetensors --seed -1
usage "no model" 'something is missing' sgm sample
usage "too much" 'there is too much' sgm sample wine.safetensors more
usage "a mistyped column" "did you mean 'alcohol'" sgm given wine.safetensors alcoho=13
usage "a level that is not known" 'it has red, white' sgm given wine.safetensors colour=rad
usage "words where a number is needed" 'a number is needed' sgm given wine.safetensors alcohol=much
usage "pictures of a table" 'not of pictures' sgm sample wine.safetensors -o table.png
usage "no folder for the output" 'there is no folder' sgm sample wine.safetensors -o nowhere/x.csv
usage "a directory as output" 'is a directory' sgm sample wine.safetensors -o tmp
before=$(hash wine.csv)
usage "an output that is there" 'would be overwritten: --force' sgm sample wine.safetensors -o wine.csv
usage "a model that is there" 'would be overwritten' sgm fit wine.csv -o wine.safetensors
usage "a column that is given twice" 'given twice' sgm given wine.safetensors alcohol=13 alcohol=12
cp wine.safetensors twin.safetensors; ln -sf wine.csv twin.csv
usage "the data in the model's place, even with --force" 'is read, and would be lost' sgm fit wine.csv -o twin.csv --force
usage "the model in the samples' place" 'is read, and would be lost' sgm sample twin.safetensors -o ./twin.safetensors --force
holds "and it is a model still" cmp wine.safetensors twin.safetensors
usage "log densities in the data's place" 'is read, and would be lost' sgm logp wine.safetensors twin.csv -o wine.csv --force
is "and it is as it was" "$(hash wine.csv)" "$before"
run sgm sample wine.safetensors -n 3 -o new.npy --force; want "--force replaces it" 0
holds "no binary to a terminal" sh -c 'command -v script >/dev/null || exit 0; script -qec "sgm sample wine.safetensors --format npy" /dev/null </dev/null | grep -q "no text for a terminal"'

# --- data that is none: status 3, a message, nothing written
data() { # data NAME WORDS FILE
    run sgm fit "$3" -o never.safetensors --quality fast --steps 20
    want "fit: $1" 3 "$2"
    [ ! -e never.safetensors ] || { bad "fit: $1: wrote a model"; rm never.safetensors; }
}
: >empty.csv; data "an empty file" . empty.csv
head -1 wine.csv >names.csv; data "names without rows" . names.csv
head -2 wine.csv >one.csv; data "one row" . one.csv
perl -e 'print "a,b\n", "3,3\n" x 40' >constant.csv; data "constant columns alone" . constant.csv
perl -e 'print "a,b\n", ",\n" x 40' >missing.csv; data "all is missing" . missing.csv
perl -e 'print "a,a\n"; print rand, ",", rand, "\n" for 1..40' >twice.csv; data "two columns of one name" . twice.csv
perl -e 'print "a,b\n"; print rand, ",inf\n" for 1..40' >inf.csv; data "infinity" . inf.csv
perl -e 'print pack("C*", map { int rand 256 } 1..3000)' >binary.csv; data "binary junk" . binary.csv
perl -e 'print "a,b\n1,2\n3\n"' >ragged.csv; data "a short line" 'line 3' ragged.csv
data "a folder without pictures" . tmp
data "no such file" 'No such file' nowhere.csv
data "a device" 'is no file' /dev/zero
perl -e 'print "a\n"; printf("%g\n", 1e300 * rand) for 1..40' >huge.csv
data "numbers of 1e300" "column 'a' reaches" huge.csv
perl -e 'print "a\n"; print rand, "\n" for 1..60' >column.csv
perl -e 'print "id,a\n"; print "n$_,", rand, "\n" for 1..60' >named.csv
data "a column that only names rows" "drop it" named.csv
run sgm fit column.csv -o column.safetensors --quality fast --steps 20; want "fit: one column" 0
sgm logp column.safetensors column.csv -q >logp1.csv; sgm anomaly column.safetensors column.csv -q >anomaly1.csv
is "anomaly: of numbers, where nothing is drawn, surprise is -log p" "$(rows anomaly1.csv | cut -d, -f1 | sed 's/^-//')" \
    "$(rows logp1.csv | cut -d, -f1 | sed 's/^-//')"
perl -e 'print "a,b\n"; print rand, ",3\n" for 1..60' >half.csv
run sgm fit half.csv -o half.safetensors --quality fast --steps 20; want "fit: one column of two is constant" 0
perl -e 'print join(",", map { "c$_" } 1..100000), "\n"; print join(",", map { int(rand 10) } 1..100000), "\n" for 1..12' >wide.csv
run sgm fit wide.csv -o wide.safetensors --quality fast --steps 5; want "fit: 100 000 columns" 3 'at most 5000'
run sgm info wide.csv; want "info: 100 000 columns" 0 'c100000 +integer'
run sgm logp wine.safetensors nowhere.csv; want "logp: no such data" 3
run sgm logp wine.safetensors column.csv; want "logp: other columns" 3 "column .*'a'"
sed 's/red/pink/' wine.csv >pink.csv
run sgm logp wine.safetensors pink.csv; want "logp: a level that was never seen" 3 pink
sed '1s/alcohol/Alcohol/' wine.csv >typed.csv
run sgm impute wine.safetensors typed.csv; want "impute: a mistyped column is not taken for a missing one" 3 Alcohol
if [ "$(id -u)" = 0 ]; then echo "skipped: a file that may not be read: root reads all"
else cp wine.csv secret.csv; chmod 0 secret.csv; data "unreadable" 'Permission' secret.csv; fi

# --- models that are none: status 4
model() { run sgm sample "$3"; want "sample: $1" 4 "$2"; [ ! -s out.txt ] || bad "sample: $1: wrote"; }
head -c 5000 wine.safetensors >cut.safetensors; model "a model cut short" . cut.safetensors
model "no such model" 'No such file' nowhere.safetensors
model "a table" . wine.csv
model "an empty file" . empty.csv
model "a folder" 'is a folder' tmp
perl -e 'print pack("Q<", 1 << 60), "{\"a\":1}"' >absurd.safetensors; model "a head of 10^18 bytes" . absurd.safetensors
perl -e 'my $h = "{\"a\":{\"dtype\":\"F32\",\"shape\":[4000000000,4000000000],\"data_offsets\":[0,64]}}"; print pack("Q<", length $h), $h, "x" x 64' >big.safetensors
model "an array of 10^19 numbers" . big.safetensors
perl -e 'my $h = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}"; print pack("Q<", length $h), $h, "\0" x 16' >other.safetensors
model "a safetensors file of something else" . other.safetensors
run sgm info other.safetensors; want "info of it: what it holds" 0 'a: 2 x 2'
perl -pe 's/(fit\.[a-z_]+":")([0-9])/$1 . ($2 ^ 1)/e' wine.safetensors >changed.safetensors
cmp -s changed.safetensors wine.safetensors || model "a digit changed" . changed.safetensors

# --- outputs that fail: status 1, nothing lost
run sgm sample wine.safetensors -n 5 -o /dev/full; want "a full disk" 1 'No space left'
sgm sample wine.safetensors -n 5 >/dev/full 2>err.txt; status=$?; : >out.txt; want "a full disk behind standard output" 1 'No space left'
sgm sample wine.safetensors -n 5 >&- 2>err.txt; status=$?; want "standard output is closed" 1 'closed'
sgm explain nan >&- 2>err.txt; status=$?; want "the same of another command" 1
sgm sample wine.safetensors -n 20000 -q 2>err.txt | head -1 >/dev/null; is "a reader that ends early ends it quietly" "${PIPESTATUS[0]} $(cat err.txt)" "141 "
sgm fit wine.csv --quality fast --steps 4 -q 2>err.txt | true; is "a model that nobody reads leaves nothing behind" "${PIPESTATUS[0]} $(ls tmp)" "141 "
cp wine.csv locked.csv; chmod 444 locked.csv
run sgm sample wine.safetensors -o locked.csv --force; want "a read-only file is not replaced" 1 'read-only'
ln -s link_target.csv link.csv; cp wine.csv link_target.csv
run sgm sample wine.safetensors -n 2 -o link.csv --force; holds "a link is followed" test $status = 0 -a -L link.csv -a "$(rows link_target.csv | wc -l)" = 2

# --- Ctrl-C: the first ends the training with a usable model, the second ends all
perl -e 'print "a,b,c\n"; print rand, ",", rand() ** 3, ",", rand, "\n" for 1..6000' >long.csv
fit_and_interrupt() { # fit_and_interrupt SIGNALS
    env --default-signal=INT sgm fit long.csv -o long.safetensors --quality best >out.txt 2>err.txt &
    local pid=$! i
    for i in $(seq 200); do grep -q training err.txt && break; sleep .05; done
    for i in $(seq "$1"); do kill -INT $pid; done
    wait $pid; status=$?
}
fit_and_interrupt 1; want "Ctrl-C: status 130, and the model is saved" 130 'interrupted: the best model so far is saved'
run sgm sample long.safetensors -n 4; want "Ctrl-C: the model is usable" 0
run sgm info long.safetensors; want "Ctrl-C: the model tells it" 0 '^ended +by Ctrl-C'
rm -f long.safetensors
env --default-signal=INT sgm fit long.csv -o long.safetensors --quality best >out.txt 2>err.txt & pid=$!
for i in $(seq 200); do grep -q training err.txt && break; sleep .05; done
kill -INT $pid; kill -INT $pid; sleep .02; kill -INT $pid 2>/dev/null; wait $pid; status=$?
holds "a second Ctrl-C: status 130, and no half of a model" sh -c "test $status = 130 && { test ! -e long.safetensors || sgm info long.safetensors; }"
sgm sample wine.safetensors -n 3000000 -o never.csv -q 2>err.txt & pid=$!
sleep .3; kill -TERM $pid; wait $pid; is "killed: no output, nothing left behind" "$? $(ls never.csv* 2>/dev/null)" "143 "
# --- command lines at random: a part of make fuzz-command, which is under ASan
if [ -f "$top/$build/open/open.o" ]; then
    (cd "$top" && ${CC:-cc} -std=c99 -O0 -D_XOPEN_SOURCE=700 -include $build/open/open.h tests/fuzz/command.c $build/open/open.o \
        -fopenmp -o $build/command/fuzz -lm) >fuzz.log 2>&1
    if [ -x fuzz ]; then holds "150 command lines at random" ./fuzz 150; else bad "the fuzzer compiles" "$(head -5 fuzz.log)"; fi
else echo "skipped: command lines at random: make fuzz-command"; fi
is "no temporary file is left" "$(ls tmp ./*.tmp 2>/dev/null | grep -v '^tmp:$')" ""

echo
echo "$passed passed, $failed failed"
[ $failed = 0 ]
