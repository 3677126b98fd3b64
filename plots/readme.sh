#!/bin/bash
# Writes the numbers of the last full run into README.md, between its <!-- begin NAME --> and <!-- end --> lines,
# and refreshes the gallery. Run by `make readme`, after `make tour` and `make bench`.
set -u
cd "$(dirname "$0")/.." || exit 1
got() { awk -F'\t' -v n="$2" '$1==n {printf "%.'"${3:-3}"'g", $2; found=1} END{if(!found) printf "(not run)"}' "out/full/$1/checks.tsv"; }
truth() { awk -F'\t' -v n="$2" '$1==n {printf "%.'"${3:-3}"'g", $3; found=1} END{if(!found) printf "(not run)"}' "out/full/$1/checks.tsv"; }
gap() { awk -F'\t' -v p="$2" 'index($1,p)==1 {d=$2-$3; if(d<0)d=-d; if(d>m)m=d} END{printf "%.2g", m}' "out/full/$1/checks.tsv"; }
table() {
    cat <<EOF
| document | tutorial | figure | measured |
|---|---|---|---|
| *Masterclass Notes* (A. Shysheya), *Score-Based Generative Modeling through SDEs* (README after Song et al. 2021), *Diffusion Through the Lens of Score Matching* (EngineersOfAI) | [11_forward](tutorial/11_forward.c) | [kernels](plots/11_forward_kernels.gp), [paths](plots/11_forward_paths.gp), [Fokker–Planck](plots/11_forward_fokker_planck.gp) | VP and sub-VP differ most at ᾱ = $(got 11_forward "abar where VP and sub-VP differ most"); Fokker–Planck on a grid converges with order $(got 11_forward "Fokker-Planck: order of convergence, 512-1024") |
| *SGM_GTAP* (H. Gangloff, 2025, after J. Pidstrigach) | [14_circle](tutorial/14_circle.c) | [loss](plots/14_circle_loss.gp), [samples](plots/14_circle_samples.gp), [paths](plots/14_circle_paths.gp), [field](plots/14_circle_field.gp), [error](plots/14_circle_error.gp), [memory](plots/14_circle_memory.gp) | every row of its loss table within $(gap 14_circle "loss of the document"); floor $(truth 14_circle "floor of the loss, by tangents" 5); second rung $(got 14_circle "excess of the second rung" 2) above it |
EOF
    while IFS='|' read -r topic documents; do
        [ -f "out/full/$topic/checks.tsv" ] && echo "| $documents | [$topic](tutorial/$topic.c) | $(figures "$topic") | $(passed "$topic") |"
    done <<'EOF'
12_langevin|*Masterclass Notes*, *Lens of Score Matching*
13_score_matching|*Masterclass Notes*, *Lens of Score Matching*
15_ncsn|*Lens of Score Matching*
16_gmm1d|*Score-Based Generative Modeling through SDEs*
17_samplers|*Lens of Score Matching*, *Masterclass Notes*
18_likelihood|*SBGM: Score-Based Generative Models in JAX* (J. Homer)
19_guidance|*Masterclass Notes*
20_tricks|*Masterclass Notes*
21_ddpm|*Masterclass Notes*, *Lens of Score Matching*
22_digits|*SBGM*, *Score-Based Generative Modeling through SDEs*
23_conditional|*SBGM*
24_architectures|*SBGM*
26_errata|all five: what is wrong in them
27_diffusers|*Lens of Score Matching*
28_families|*Lens of Score Matching*, *SBGM*
29_fields|*SBGM*
30_posterior|*SBGM*
31_inference|*SBGM*
32_flow_matching|*SBGM*
33_latent|*SBGM*
34_marginals|*Masterclass Notes*, *Lens of Score Matching*, *SGM_GTAP*
35_likelihood_digits|*SBGM*, *Score-Based Generative Modeling through SDEs*
36_waveforms|*SBGM*
37_completion|*SBGM*
EOF
    echo "| — | [25_speed](tutorial/25_speed.c) | [ladder](plots/25_speed_ladder.gp) [cost](plots/25_speed_cost.gp) | see below |"
}
figures() { for f in plots/"$1"*.gp; do n=$(basename "$f" .gp); printf '[%s](%s) ' "${n#"$1"_}" "$f"; done; }
passed() { awk -F'\t' 'NR>1{n++; if($5=="PASS")p++} END{printf "%d of %d numbers within their derived or stated tolerance", p, n}' "out/full/$1/checks.tsv"; }
speed() {
    if [ ! -f out/bench.tsv ]; then echo "(run make bench)"; return; fi
    echo "Medians of rounds in which ours and each peer take turns. *cpu* is the same ratio by processor time; *bar* is what the project asks of itself; NO: it is missed."
    echo
    echo "| job | here | peer | its | ratio | cpu | share of the floor | bar | met |"
    echo "|---|---|---|---|---|---|---|---|---|"
    awk -F'\t' 'function s(x){return x==""||x=="-"?"":x}
        NR>1 && $1 !~ /, /{printf "| %s | %s %s | %s | %s | %s | %s | %s | %s | %s |\n",$1,s($2),s($3),s($4),s($5),s($6),s($10),s($7),s($8),s($9)}' out/bench.tsv
    echo
    echo "Each kind of layer alone, 64 images, one thread: forward, and forward with backward. The share is that of the"
    echo "multiply-adds' peak (Winograd's form of a 3 × 3 convolution does with fewer than its definition), or of the memory's bandwidth."
    echo
    echo "| layer | forward | share | with backward | share |"
    echo "|---|---|---|---|---|"
    awk -F'\t' '$1 ~ /, / && $1 !~ /with backward$/{layer=$1; f=$2 " " $3; fs=$7}
        $1 ~ /with backward$/{printf "| %s | %s | %s | %s %s | %s |\n",layer,f,fs,$2,$3,$7}' out/bench.tsv
    [ -f out/bench/machine.txt ] && echo && cat out/bench/machine.txt
}
export -f got truth gap table speed figures passed
for part in table speed; do
    $part >"out/readme.$part"
    awk -v part="$part" -v file="out/readme.$part" '
        $0=="<!-- begin " part " -->" {print; while((getline line < file) > 0) print line; skip=1; next}
        $0=="<!-- end -->" {skip=0}
        !skip' README.md >out/README.new && cp out/README.new README.md
done
cp out/full/14_circle/14_circle_samples.png plots/gallery/
echo "README.md and plots/gallery are up to date"
