#!/bin/sh
# handout.sh FOLDER [teacher]: packs FOLDER/sgm-course-VERSION.tar.gz, which needs a C compiler and
# nothing else: the header without what the assignments ask for, the library's own of that for all
# other assignments, the checkers, lab.c, and the pages. For teachers also the answers, the wrong
# answers, the files for platforms and sgm.h itself. The same tree gives the same bytes.
# BUILT is the folder that cut.pl has filled (out/labs), BOOK the woven book (out/book), if it is there.
set -eu
export LC_ALL=C
folder=$1 kind=${2:-student} built=${BUILT:-out/labs} book=${BOOK:-out/book}
version=$(sed -n 's/^#define SGM_VERSION "\(.*\)"/\1/p' sgm.h)
name=sgm-course-$version
[ "$kind" = student ] || name=sgm-course-teacher-$version
to=$folder/$name
rm -rf "${to:?}"; mkdir -p "$to/course" "$to/build" "$to/plots"
for f in sgm.h lab.h own.h own.inc forward.c library.c; do cp "$built/$f" "$to/build/$f"; done
cp tutorial/course/lab.c "$to/lab.c"
cp plots/style.gp "$to/plots/style.gp"
cp tutorial/course/course.tsv tutorial/course/check.h "$to/course/"
cp LICENSE "$to/"
{ echo ready; cut -f1 tutorial/course/course.tsv | grep "^[0-9]"; } | while read -r lab; do
    mkdir -p "$to/course/$lab"
    for f in task.md start.c check.c picture.gp; do
        [ ! -f "tutorial/course/$lab/$f" ] || cp "tutorial/course/$lab/$f" "$to/course/$lab/$f"
    done
    [ "$kind" = teacher ] && [ "$lab" != ready ] || continue
    tutorial/course/cut.pl answer "${lab%%_*}" "$built"
    mkdir -p "$to/teacher/$lab"
    cp "$built/$lab/answer.c" "$to/teacher/$lab/answer.c"
    cp "tutorial/course/$lab/variants.txt" "$to/teacher/$lab/variants.txt"
done
if [ "$kind" = teacher ]; then
    cp sgm.h "$to/teacher/sgm.h"
    cp tutorial/course/teacher.md "$to/teacher/"
    cp -r tutorial/course/platforms tutorial/course/hostile "$to/teacher/"
fi
if [ -f "$book/index.html" ]; then cp -r "$book" "$to/pages"
    # students are given neither the exam nor the wrong answers; links to that page still lead there
    [ "$kind" = teacher ] || [ ! -f "$to/pages/teacher.html" ] || perl -0 -pi -e \
        's{(<h1.*?</h1>).*?(</article>)}{$1<p>This page is in the archive for teachers.</p>$2}s' \
        "$to/pages/teacher.html"
    page="pages/index.html in a browser (no network is needed)"
else page="course/NN_topic/task.md (the woven pages were not made: make book)"
fi
# there is no Makefile in it; the course's first page tells of both, but for what is set before a command
find "$to/course" "$to/pages" \( -name '*.md' -o -name '*.html' \) ! -name 'course.*' ! -name 'teacher.*' 2>/dev/null |
    xargs perl -pi -e 's{\bmake lab(\d\d|NN)\b}{./lab $1}g; s{\bmake watchlab(\d\d|NN)\b}{./lab watch $1}g; s{\bmake hint(\d\d|NN)\b}{./lab hint $1}g'
[ ! -f "$to/pages/course.html" ] || perl -pi -e 's{(\b[A-Z_]+=\w+ )make lab(\d\d)}{$1./lab $2}g' "$to/pages/course.html"
cat >"$to/README.txt" <<END
Score-based generative models in C: the assignments (sgm.h $version).

You need a C compiler, and nothing else. In this folder:

    cc -O1 lab.c -o lab     (Windows: gcc -O1 lab.c -o lab.exe)
    ./lab ready             compiles the library once, and says whether all is in order
    ./lab                   what there is to do
    ./lab 01                begins assignment 1: your file is then labs/01_*.c
    ./lab 01                the same again checks what you wrote, and says what is wrong
    ./lab watch 01          checks whenever you save
    ./lab hint 01           the next of three hints
    ./lab grade labs        all that you have written, in one table

What an assignment is about stands in $page.
With gnuplot, each check also draws a figure. Your score is what the table says: it is computed by
the same program that grades it, with the same numbers (--name: your own ones).
END
tar -c -C "$folder" --sort=name --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name" |
    gzip -n -9 >"$folder/$name.tar.gz"
rm -r "${to:?}"
echo "$folder/$name.tar.gz $(wc -c <"$folder/$name.tar.gz") bytes"
