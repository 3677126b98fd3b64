#!/bin/sh
# Puts the widgets together, in the folder given (make web: out/web):
#
#     widgets.js         one script that holds all: the program for the browser, its loader, drawing
#     widgets.html       a page with the eight of them
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:?build.sh FOLDER}
"$here/../build.sh" "$here/widgets.c" "$to/widgets.wasm"
{
    echo "// Made by tutorial/web/widgets/build.sh out of widgets.c, sgm.h, and three scripts."
    echo "(() => {"
    echo "'use strict';"
    printf "const WASM = '"
    gzip -9nc "$to/widgets.wasm" | base64 | tr -d '\n'
    echo "';"
    cat "$here/../engine.js" "$here/widgets.js" "$here/experiments.js"
    echo "})();"
} >"$to/widgets.js.new"
mv "$to/widgets.js.new" "$to/widgets.js"
cp "$here/widgets.html" "$to/widgets.html"
