#!/usr/bin/perl
# The course as a book: its pages have the form that they promise, what they cite is there and leads
# back, the exam's numbers are those of a program, the platforms' scripts do what their platforms ask.
#
#     perl tests/course_book.pl OUT     OUT is where make puts things; ends "N passed, N failed"
#
# Every kind of fault is planted, in every run. Two seconds of the processor.
use strict;
use warnings;
use utf8;
use Cwd 'abs_path';
use File::Copy 'copy';
use File::Path qw(make_path remove_tree);
use JSON::PP ();
use MIME::Base64 'decode_base64';
BEGIN { require './tutorial/book/task.pl' }
binmode $_, ':utf8' for *STDOUT, *STDERR;

my $out = shift // 'out';
my $course = 'tutorial/course';
my $work = "$out/course_book";
remove_tree($work);
make_path($work);
$work = abs_path($work);
my ($passed, $failed) = (0, 0);
sub check {
    my ($name, @wrong) = @_;
    if (@wrong) {
        $failed++;
        print "FAILED  $name\n", map { "        $_\n" } @wrong[0 .. ($#wrong < 11 ? $#wrong : 11)];
    } else { $passed++; print "ok      $name\n" }
}
sub slurp { return Task::slurp($_[0]) // '' }
sub spew { my ($f, $s) = @_; open my $o, '>:encoding(UTF-8)', $f or die "$f: $!\n"; print $o $s }
sub said { # what a check prints
    my ($dir) = @_;
    my $said = '';
    { open my $o, '>:utf8', \$said or die; my $was = select $o; Task::check($dir); select $was; }
    utf8::decode($said);
    return $said;
}

my @rows = Task::rows($course);
if (!@rows) { print "skipped: no assignments here\n0 passed, 0 failed\n"; exit }

# ---- the pages as they are written ----

my $said = said($course);
check(scalar @rows . ' assignments: form, citations, texts of pictures',
    grep { !/ 0 faults$/ } split /\n/, $said);

# a copy of one, in which each kind of fault is planted
my $row = $rows[0];
my $name = $row->{name};
sub planted { # file, change, what must be said
    my ($file, $change, $want) = @_;
    my $dir = "$work/planted";
    remove_tree($dir);
    make_path("$dir/$name");
    my ($line) = grep { /^\Q$name\E\t/ } split /\n/, slurp("$course/course.tsv");
    spew("$dir/course.tsv", "$line\n");
    for my $f (glob "$course/$name/*") { copy($f, "$dir/$name") or die "$f: $!\n" }
    my $path = $file eq 'course.tsv' ? "$dir/$file" : "$dir/$name/$file";
    local $_ = slurp($path);
    my $before = $_;
    $change->();
    return "nothing to plant for \"$want\"" if $_ eq $before;
    spew($path, $_);
    my $found = said($dir);
    return $found =~ /$want/ ? () : "not seen: $want";
}
my @lost;
push @lost, planted(@$_) for (
    ['task.md', sub { s/^ {0,2}2\. .*?(?=^ {0,2}3\. )//ms }, 'hints "1 3"; there must be three'],
    ['task.md', sub { s/^ {0,2}3\. .*?(?=^## )//ms }, 'hints "1 2"'],
    ['task.md', sub { s/^(?=## Going on)/4. And so on.\n\n/m }, 'hints "1 2 3 4"'],
    ['task.md', sub { s{<details>.*</details>}{}s }, 'no predict box'],
    ['task.md', sub { s{</details>}{} }, 'a fold within a fold|has no end'],
    ['task.md', sub { s{(?<=</summary>).*?(?=</details>)}{\n\n}s }, 'an empty fold'],
    ['task.md', sub { s/^(## Predict\n)(.*?)(?=<details>)/$1\n/ms }, 'an answer without a question'],
    ['task.md', sub { s/^## Picture\n.*?(?=^## )//ms }, 'its sections are'],
    ['task.md', sub { s/^## Going on$/## Onwards/m }, 'its sections are'],
    ['task.md', sub { s/^# Assignment \d+/# Assignment 77/ }, 'is called assignment 77'],
    ['task.md', sub { s/make lab\d\d/make it/g }, 'does not name make lab'],
    ['task.md', sub { s/^## Task$/## Task\n\nAs (9.99) says./m }, 'cites \(9\.99\)'],
    ['task.md', sub { s/^## Task$/## Task\n\nSee §9.99./m }, 'cites §9\.99'],
    ['task.md', sub { s/^## Task$/## Task\n\nSee lesson 99 and proof 98./m }, 'lesson or proof 98'],
    ['task.md', sub { s/^## Task$/## Task\n\nSee assignment 88./m }, 'names assignment 88'],
    ['task.md', sub { s/^## Task$/"## Task\n\n" . 'x' x 101/me }, '101 columns'],
    ['start.c', sub { $_ .= "/* (9.98) */\n" }, 'start.c:\d+: cites \(9\.98\)'],
    ['picture.gp', sub { s/^# alt:.*\n// }, 'no text for who cannot see'],
    ['course.tsv', sub { s/^(\S+\t)/$1X /m }, 'is called'],
    ['course.tsv', sub { my @f = split /\t/; $f[4] = 'some'; $_ = join "\t", @f }, 'minutes "some"'],
    ['course.tsv', sub { my @f = split /\t/; $f[2] = '9.99'; $_ = join "\t", @f }, 'no section §9\.99'],
);
check('a fault of each kind in a page is seen', @lost);

{ # minutes and titles of other files
    my @other = map { {%$_, minutes => $_->{minutes} + 1} } @rows;
    my @same = grep { slurp("$course/$_") eq Task::updated(slurp("$course/$_"), @other) } qw(course.md teacher.md);
    check('minutes that have changed are missed in the pages', map { "$course/$_ would stay as it is" } @same);
}
my @parts = Task::folds(7, 'a', '', 'b <details><summary>Answer</summary> c', '', 'd </details>', '', 'e');
my $shape = join ' | ', map { "$_->{line}: " . ($_->{text} ? join '/', @{$_->{text}} : $_->{open} // 'end') } @parts;
check('paragraphs and folds are told apart', $shape eq '7: a//b  | 9: Answer | 9:  c//d  | 11: end | 13: e' ? () : $shape);

# ---- the exam ----

my $teacher = slurp("$course/teacher.md");
my $exam = "$work/exam";
my $compiled = system("\${CC:-cc} -std=c99 -O1 -Wall -Wextra -Wpedantic -Wshadow tests/course_exam.c -o '$exam' -lm") == 0;
my %number = map { my ($id, @n) = split /\t/; ($id => \@n) } split /\n/, do {
    my $t = $compiled ? `'$exam'` : ''; utf8::decode($t); $t };
sub exam { # a page's answers, held to the program's numbers
    my $page = shift;
    my (@wrong, %seen);
    while ($page =~ /^\*\*(\d+[a-z])\.\*\*(.*?)<details><summary>Answer<\/summary>(.*?)<\/details>/msg) {
        my ($id, $question, $answer) = ($1, $2, $3);
        push @wrong, "$id stands there twice" if $seen{$id}++;
        push @wrong, "$id: no question" if $question !~ /\?/;
        push @wrong, "$id: tests/course_exam.c computes nothing" if !@{$number{$id} || []};
        for my $n (@{$number{$id} || []}) { # as a number of its own
            my $q = quotemeta $n;
            push @wrong, "$id: $n is not in its answer" if $answer !~ /(?<![\d.−])$q(?![\d]|\.\d)/;
        }
    }
    push @wrong, map { "$_: computed, and not asked" } grep { !$seen{$_} } sort keys %number;
    for my $k (1 .. 12) { push @wrong, "assignment $k has not two questions"
        if 2 > grep { /^${k}[a-z]$/ } keys %seen }
    return @wrong;
}
check(scalar(keys %number) . ' questions of the exam: each number is what a program computes',
    $compiled ? () : 'tests/course_exam.c does not compile', exam($teacher));
@lost = ();
for my $plant ([sub { s/\.9597/.9579/ }, '1a: \.9597'], [sub { s/−1\.7371/1.7371/ }, '10a: −1\.7371'],
    [sub { s/^\*\*5b\.\*\*/**5a.**/m }, '5a stands there twice'],
    [sub { s/^\*\*12b\.\*\*.*?<\/details>//ms }, '12b: computed, and not asked'],
    [sub { s/11\.06/11.066/ }, '8b: 11\.06 is not']) {
    local $_ = $teacher;
    $plant->[0]->();
    push @lost, "not seen: $plant->[1]" if !grep { /$plant->[1]/ } exam($_);
}
check('a digit, a sign, a question that is off is seen', @lost);

# ---- what each wrong answer looks like ----

my (@silent, $wrongs);
for my $r (@rows) {
    my %seen = map { /^([^\t]+)\t[^\t]*\t[^\t]*\t[^\t]*\t.*\S/ ? ($1 => 1) : () } split /\n/, slurp("$out/labs/$r->{name}/causes.tsv");
    my $ran = -f "$out/labs/$r->{name}/causes.tsv"; # by selftest.pl
    for my $v (grep { $_->{kind} ne 'equal' } Task::variants("$course/$r->{name}/variants.txt")) {
        my $id = $v->{kind} eq 'valid' && $v->{id} !~ /^=/ ? "=$v->{id}" : $v->{id};
        $wrongs++ if $v->{kind} eq 'wrong';
        push @silent, "$r->{name}: $v->{kind} $id changes nothing" if !@{$v->{pairs}};
        push @silent, "$r->{name}: the checker says nothing of $id" if $ran && !$seen{$id};
    }
}
check(($wrongs // 0) . ' wrong answers: what the checker says of each is there for the table', @silent);

# ---- the woven pages ----

my $book = "$out/book";
if (-f "$book/course.html") {
    my @wrong;
    my %html = map { $_ => slurp($_) } glob "$book/*.html";
    my $page = sub { $html{"$book/$_[0]"} // '' };
    my $look = sub { # faults of an assignment's page
        my ($r, $html) = @_;
        my @w;
        my $t = Task::read_task("$course/$r->{name}/task.md", $r->{number});
        my @folds = $html =~ m{<details class="fold try"><summary>(.*?)</summary>}g;
        my $answers = grep { defined $_->{open} } map { @{$_->{parts}} } values %{$t->{section}};
        my $hints = join ' ', grep { / hint$/ } @folds;
        push @w, "$r->{name}: hints are \"$hints\"" if $hints ne 'First hint Second hint Third hint';
        push @w, "$r->{name}: " . (@folds - 3) . " folds, $answers are written" if @folds - 3 != $answers;
        push @w, "$r->{name}: no blank" if $html !~ /The blank, <code>start\.c/;
        push @w, "$r->{name}: no picture" if $html !~ /<figure[^>]* id="F-lab"/;
        push @w, "$r->{name}: no minutes" if $html !~ /<p class="source">\d+ minutes\./;
        push @w, map { "$r->{name}: §$_ is not linked" } grep { $html !~ m{<a href="[^"]+">§$_</a>} }
            @{$r->{sections}};
        return @w;
    };
    for my $r (@rows) {
        my $html = $page->("lab$r->{nn}.html");
        push @wrong, $look->($r, $html);
        push @wrong, "course.html does not lead to $r->{name}" if $page->('course.html') !~ /"lab$r->{nn}\.html"/;
        my ($lesson) = map { m{([^/]+)\.c$} } glob "tutorial/$r->{lesson}_*.c";
        push @wrong, "$lesson.html does not lead to $r->{name}"
            if $lesson && $page->("$lesson.html") !~ /"lab$r->{nn}\.html"/;
        my %cited = map { $_ => 1 } slurp("$course/$r->{name}/task.md") =~ /(?<!\w)\(((?:10|[1-9A-H])\.[1-9]\d?)\)/g;
        for my $e (sort keys %cited) { # linked both ways
            my ($to) = $html =~ m{href="([^"#]+)#E\Q$e\E"};
            if (!$to) { push @wrong, "$r->{name}: (E$e) is not linked"; next }
            my ($uses) = $page->($to) =~ m{id="E\Q$e\E".*?<details class="uses">(.*?)</details>}s;
            push @wrong, "$to: (E$e) does not say that assignment $r->{number} uses it"
                if ($uses // '') !~ /"lab$r->{nn}\.html"/;
        }
    }
    check('pages of the course: folds, links there and back', @wrong);
    my $html = $page->("lab$rows[0]{nn}.html");
    @lost = ();
    for my $plant ([sub { s/<details class="fold try"><summary>Second hint/<details><summary>Second/ }, 'hints are'],
        [sub { s/<details class="fold try"><summary>Answer/<details><summary>Answer/ }, 'folds, \d+ are'],
        [sub { s/The blank/Blank/ }, 'no blank'], [sub { s/id="F-lab"// }, 'no picture']) {
        local $_ = $html;
        $plant->[0]->();
        push @lost, "not seen: $plant->[1]" if !grep { /$plant->[1]/ } $look->($rows[0], $_);
    }
    check('a hint, an answer, a blank, a picture that a page has lost is missed', @lost);
    my $t = $page->('teacher.html');
    check('the page for teachers has a table of mistakes for each assignment, and all platforms',
        (map { "no mistakes of assignment $_->{number}" } grep { $t !~ /Assignment $_->{number}, .*? wrong, \d+ valid/ } @rows),
        (map { "$_ is not shown" } grep { $t !~ m{<code>\Q$_\E</code>, \d+ lines} }
            grep { -f } map { glob "$course/platforms/$_" } '*.pl', '*/*'));
} else { print "skipped: the woven course, for $book is not made\n" }

# ---- platforms: folders that imitate theirs, and a grader that answers as lab.c does ----

my $p = "$course/platforms";
check('scripts are such', map { my $f = $_; my $first = (split /\n/, slurp($f))[0] // '';
    my $try = $first =~ /perl/ ? "perl -c '$f'" : "sh -n '$f'";
    ($first !~ m{^#!/(bin/sh|usr/bin/perl)$} ? "$f: no first line" : ()),
    (!-x $f ? "$f: not executable" : ()), (`$try 2>&1` =~ /error/i ? "$f: $try" : ()) }
    grep { /\.(sh|pl)$|run_autograder$/ } glob "$p/*.* $p/*/*");

make_path("$work/archive/sgm-course/course/08_reverse", "$work/archive/sgm-course/build");
spew("$work/archive/sgm-course/course/08_reverse/start.c", "int x;\n");
spew("$work/archive/sgm-course/build/library.c", "int x;\n");
spew("$work/archive/sgm-course/lab.c", <<'C'); # says what it was called with; a file "good" has 60 points
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
    const char *dir = "", *format = "text", *to = NULL, *name = "-", *hidden = "-";
    char only[100] = "", path[1000];
    int k, score;
    FILE *f;
    for (k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "grade")) dir = argv[++k];
        else if (!strcmp(argv[k], "-f")) format = argv[++k];
        else if (!strcmp(argv[k], "-o")) to = argv[++k];
        else if (!strcmp(argv[k], "--name")) name = argv[++k];
        else if (!strcmp(argv[k], "--hidden")) hidden = argv[++k];
        else if (argv[k][0] == '-') k++;
        else strcat(strcat(only, argv[k]), " ");
    }
    sprintf(path, "%s/08_reverse.c", dir);
    f = fopen(path, "r");
    score = f ? 60 : 0;
    if (f) fclose(f);
    f = to ? fopen(to, "w") : stdout;
    if (!f) return 2;
    if (!strcmp(format, "tap")) fprintf(f, "TAP version 13\n");
    else if (!strcmp(format, "exercism")) fprintf(f, "{\"version\": 3, \"status\": \"fail\", "
        "\"message\": null, \"tests\": [{\"name\": \"%s\", \"status\": \"pass\"}]}\n", only);
    else if (!strcmp(format, "gradescope")) fprintf(f, "{\"score\": %d, \"output\": \"%s|%s|%s\", \"tests\": [%s]}\n",
        score, name, hidden, only, score ?
        "{\"number\": \"8.1\", \"name\": \"unit: x\", \"score\": 60, \"max_score\": 60, \"status\": \"passed\", \"output\": \"\"},"
        "{\"number\": \"8.2\", \"name\": \"law: V\", \"score\": 0, \"max_score\": 40, \"status\": \"failed\", \"output\": \"\\u221ah\"}" :
        "{\"number\": \"8.0\", \"name\": \"08_reverse runs to its end\", \"score\": 0, \"max_score\": 100, \"status\": \"failed\","
        " \"output\": \"There is no file 08_reverse.c.\"}");
    else fprintf(f, "%d of 100\n", score);
    return 1;
}
C
my $archive = "$work/teacher.tar.gz";
system("tar -czf '$archive' -C '$work/archive' sgm-course") == 0 or die;
my $json = JSON::PP->new->utf8;
sub result { my $t = do { open my $i, '<:raw', $_[0] or return {}; local $/; <$i> }; return eval { $json->decode($t) } || {} }
sub run { my ($said, $command) = ('', @_); my $c = "cd '$work' && ($command) 2>&1"; $said = `$c`; return ($? >> 8, $said) }
my $top = abs_path($p);
my $answers = "$work/answers";
make_path($answers);
spew("$answers/08_reverse.c", "int y;\n");

# Gradescope
my $g = "$work/autograder";
make_path("$g/submission", "$g/source");
my ($status, $printed) = run("KEY=k7 '$top/gradescope/make_zip.sh' '$archive' '$work/a.zip' 08 && cd '$g/source' && " .
    "(unzip -q '$work/a.zip' 2>/dev/null || python3 -m zipfile -e '$work/a.zip' .) && AUTOGRADER='$g' sh ./setup.sh");
my @wrong = $status ? "packing and setting up: $printed" : ();
copy("$answers/08_reverse.c", "$g/submission") or die;
spew("$g/submission_metadata.json", '{"users": [{"email": "b@x.org", "name": "B"}, {"email": "a@x.org"}]}');
($status) = run("AUTOGRADER='$g' sh '$g/source/run_autograder'");
my $r = result("$g/results/results.json");
push @wrong, "status $status" if $status;
push @wrong, 'output ' . ($r->{output} // 'none') if ($r->{output} // '') ne 'a@x.org+b@x.org|k7|08 ';
push @wrong, 'score' if ($r->{score} // -1) != 60;
unlink "$g/submission_metadata.json";
run("AUTOGRADER='$g' sh '$g/source/run_autograder'");
push @wrong, 'without a name: ' . (result("$g/results/results.json")->{output} // 'none')
    if (result("$g/results/results.json")->{output} // '') ne '-|k7|08 ';
unlink "$g/source/course/lab", "$g/results/results.json";
($status) = run("AUTOGRADER='$g' sh '$g/source/run_autograder'");
$r = result("$g/results/results.json");
push @wrong, 'a grader that is not there leaves no result' if $status || ($r->{output} // '') !~ /could not do its work/;
check('Gradescope: zip, set-up, names, hidden key, a result in any case', @wrong);

# PrairieLearn
my $pl = "$work/pl";
($status, $printed) = run("'$top/prairielearn/make_questions.pl' '$archive' '$pl'");
@wrong = $status ? $printed : ();
my %uuid;
for my $r (@rows) {
    my $info = result("$pl/questions/sgm/$r->{name}/info.json");
    my $html = slurp("$pl/questions/sgm/$r->{name}/question.html");
    push @wrong, "$r->{name}: info.json" if ($info->{title} // '') ne $r->{title} || $info->{gradingMethod} ne 'External'
        || $info->{uuid} !~ /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/ || $uuid{$info->{uuid}}++
        || $info->{externalGradingOptions}{entrypoint} !~ m{^/grade/serverFilesCourse/sgm/run\.sh $r->{nn}$};
    push @wrong, "$r->{name}: question.html" if $html !~ /file-name="$r->{name}\.c"/ || $html =~ /^## Hints|\{\{/m
        || $html !~ /^## Task/m || $html !~ /pl-external-grader-results/;
}
make_path("$work/grade");
system("cp -r '$pl/serverFilesCourse' '$work/grade' && cp -r '$answers' '$work/grade/student'");
($status, $printed) = run("GRADE='$work/grade' SGM_HIDDEN=h3 sh '$work/grade/serverFilesCourse/sgm/run.sh' 08");
$r = result("$work/grade/results/results.json");
push @wrong, "results.json: $printed" if $status || ($r->{score} // 0) != .6 || !$r->{gradable} || $r->{message} ne '-|h3|08 '
    || @{$r->{tests}} != 2 || $r->{tests}[1]{max_points} != 40 || $r->{tests}[1]{points} != 0 || $r->{tests}[1]{message} ne "\x{221a}h";
unlink "$work/grade/student/08_reverse.c";
run("GRADE='$work/grade' sh '$work/grade/serverFilesCourse/sgm/run.sh' 08");
$r = result("$work/grade/results/results.json");
push @wrong, 'no file: should cost no attempt' if $r->{gradable} || ($r->{format_errors}[0] // '') !~ /no file/;
check('PrairieLearn: questions, entry point, results, what cannot be graded', @wrong);

# GitHub Classroom: the step of the workflow, by its own words
my $yml = slurp("$p/github/classroom.yml");
my ($step) = $yml =~ /^        run: \|\n((?:          .*\n)+)/m;
make_path("$work/hub");
system("tar -xzf '$archive' -C '$work/hub' --strip-components=1 && cp -r '$answers' '$work/hub/labs'");
copy("$p/convert.pl", "$work/hub/convert.pl");
($status, $printed) = run("cd hub && ONLY=08 HIDDEN= LAB_NAME=me GITHUB_OUTPUT=outputs bash -e <<'END'\n" . ($step // 'false') . "END\n");
my ($coded) = slurp("$work/hub/outputs") =~ /^result=(\S+)$/m;
$r = eval { $json->decode(decode_base64($coded // '')) } || {};
my $sum = 0;
$sum += $_->{score} for @{$r->{tests} || []};
check('GitHub Classroom: the step runs, the table adds up', $status ? "status $status: $printed" : (),
    ($r->{max_score} // 0) == 100 && $sum == 60 && $r->{status} eq 'fail' ? () : "the table: $sum of " . ($r->{max_score} // 'nothing'),
    $yml =~ /GRADE_RESULTS: \$\{\{ steps\.grade\.outputs\.result \}\}/ && $yml =~ /runners: grade$/m ? () : 'the reporter reads another step');

# Exercism
make_path("$work/runner", "$work/said");
system("sh '$top/install.sh' '$archive' '$work/runner/course' >/dev/null");
($status, $printed) = run("chmod -R a-w runner; RUNNER='$work/runner' sh '$top/exercism/run.sh' 08-reverse answers/ said/; s=\$?; chmod -R u+w runner; exit \$s");
$r = result("$work/said/results.json");
@wrong = $status || ($r->{version} // 0) != 3 || $r->{tests}[0]{name} ne '08 ' ? "status $status: $printed" : ();
unlink "$work/runner/course/lab";
($status) = run("RUNNER='$work/runner' sh '$top/exercism/run.sh' 08-reverse answers/ said/");
$r = result("$work/said/results.json");
push @wrong, "a runner that fails: status $status" if $status || ($r->{status} // '') ne 'error' || ($r->{message} // '') !~ /\S/;
check('Exercism: slug, folders, status 0, an error that is said', @wrong);

# a server: an account with an answer, one without, one whose answer is a pipe
system("sh '$top/install.sh' '$archive' '$work/server' >/dev/null");
make_path(map { "$work/home/$_/labs" } qw(ann bob cy));
make_path("$work/bin", "$work/home/dan");
copy("$answers/08_reverse.c", "$work/home/ann/labs") or die;
system("mkfifo '$work/home/cy/labs/08_reverse.c'");
# as whoever runs the test: the accounts are not there
spew("$work/bin/runuser", "#!/bin/sh\nshift 3\nexec \"\$@\"\n");
spew("$work/bin/chown", "#!/bin/sh\n");
chmod 0755, glob "$work/bin/*";
spew("$work/key", "secret\n");
# a link that a student has laid there leads nowhere
make_path("$work/results/ann");
symlink "$work/key", "$work/results/ann/results.json";
($status, $printed) = run("PATH='$work/bin':\$PATH KEY_FILE='$work/key' sh '$top/server/grade_all.sh' '$work/server' home results 08");
my $scores = slurp("$work/results/scores.tsv");
$r = result("$work/results/ann/results.json");
check('a server: homes, key, scores', $status ? "status $status: $printed" : (),
    $scores =~ /^ann\t60\t2/m && $scores =~ /^bob\t0\t/m && $scores =~ /^cy\t0\t/m && $scores !~ /dan/ ? () : $scores,
    ($r->{output} // '') eq 'ann|secret|08 ' ? () : 'ann: ' . ($r->{output} // 'nothing'),
    slurp("$work/key") eq "secret\n" ? () : 'a file that is not the course\'s was written to',
    slurp("$work/results/ann/report.txt") =~ /^60 of/ ? () : 'no report');

remove_tree($work);
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);
