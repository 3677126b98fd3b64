#!/bin/sh
# dist.sh FOLDER: packs the last commit as FOLDER/sgm-VERSION.tar.gz: all that it has and, if pandoc
# is here, the woven book. The same commit gives the same bytes: names are sorted, owners are 0, and
# the time is the commit's. BOOK=no leaves out the book.
set -eu
export LC_ALL=C
folder=$1
die() { echo "dist: $*" >&2; exit 1; }
git rev-parse -q --verify HEAD >/dev/null 2>&1 || die "this is no git repository: releases are made from one"
version=$(git show HEAD:sgm.h | sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p')
when=$(git log -1 --format=%ct)
name=sgm-$version
mkdir -p "$folder"
rm -rf "${folder:?}/$name" "$folder/$name.tar.gz"
git archive --prefix="$name/" HEAD | tar -x -C "$folder"
rm -rf "$folder/$name/.ci" "$folder/$name/.gitignore"
if [ "${BOOK:-}" = no ]; then :
elif ! command -v pandoc >/dev/null; then echo "dist: without the woven book, for pandoc is not here (make setup installs it)"
else
    git diff --quiet HEAD -- || die "what is not committed would get into the book: commit it, or set BOOK=no"
    make -s book >"$folder/book.log" 2>&1 || { tail -5 "$folder/book.log" >&2; die "make book failed"; }
    cp -r out/book "$folder/$name/book"
fi
git describe --exact-match --match "v$version" HEAD >/dev/null 2>&1 || echo "dist: this commit has no tag v$version: a preview"
tar -c -C "$folder" --sort=name --format=ustar --mtime="@$when" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name" |
    gzip -n -9 >"$folder/$name.tar.gz"
rm -r "${folder:?}/$name"
echo "$folder/$name.tar.gz $(wc -c <"$folder/$name.tar.gz") bytes, $(sha256sum "$folder/$name.tar.gz" | cut -c1-16)"
