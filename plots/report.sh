#!/bin/sh
# Prints an HTML page with every figure and every check of the tutorials that have been run (MODE=test: of the smoke tests).
set -u
out=${SGM_OUT:-out}
case "${MODE:-full}" in full) title='the tour' ;; *) title="the tour, mode $MODE" ;; esac
mode=${MODE:-full}
cat <<HTML
<!doctype html><html lang="en"><meta charset="utf-8"><title>sgm.h: $title</title>
<meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
img{max-width:100%;border:1px solid #ddd;margin:.5rem 0}table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.15rem .7rem;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
.FAIL{background:#fdd;font-weight:bold}.PASS{color:#070}h2{margin-top:3rem}</style>
<h1>sgm.h: $title</h1>
<p>Every number below was computed by the run that wrote this page, and stands beside its truth.
<a href="map.html">The field map</a> goes from each idea to its equation, function and number, and through the documents line by line.</p>
HTML
for dir in "$out/$mode"/[0-9][0-9]_* "$out"/study/[0-9][0-9]_*; do
    [ -f "$dir/checks.tsv" ] || continue
    topic=$(basename "$dir")
    echo "<h2 id=\"$topic\">$topic</h2>"
    for figure in "$dir"/*.png "$dir"/*.gif; do
        [ -f "$figure" ] && echo "<img src=\"${dir#"$out"/}/$(basename "$figure")\" alt=\"$(basename "${figure%.*}")\">"
    done
    awk -F'\t' 'function h(s){gsub(/&/,"\\&amp;",s);gsub(/</,"\\&lt;",s);return s}
        NR==1{print "<table><tr><th>quantity<th>got<th>truth<th>tolerance<th></tr>";next}
        {printf "<tr class=\"%s\"><td>%s<td>%s<td>%s<td>%s<td>%s</tr>\n",$5=="FAIL"?"FAIL":"",h($1),$2,$3,$4,$5}
        END{print "</table>"}' "$dir/checks.tsv"
done
echo "</html>"
