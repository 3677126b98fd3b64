#!/usr/bin/perl
# make_questions.pl TEACHER_ARCHIVE COURSE_FOLDER: in a folder of a PrairieLearn course, a question
# for each assignment (questions/sgm/NN_topic) and what they share (serverFilesCourse/sgm). Run it
# again after an update.
use strict;
use warnings;
use open qw(:std :utf8);
use Digest::SHA 'sha1_hex';
use File::Basename 'dirname';
use File::Copy 'copy';
use File::Path 'make_path';

my ($archive, $to) = @ARGV;
die "usage: make_questions.pl TEACHER_ARCHIVE COURSE_FOLDER\n" if @ARGV != 2;
my $here = dirname($0);
my $course = "$here/..";
sub slurp { my $f = shift; open my $h, '<', $f or die "$f: $!\n"; local $/; <$h> }
sub spew {
    my ($f, $s) = @_;
    open my $h, '>', $f or die "$f: $!\n";
    print $h $s;
    close $h or die "$f: $!\n";
}

my $shared = "$to/serverFilesCourse/sgm";
make_path($shared);
copy("$here/run.sh", "$shared/run.sh") && copy("$course/convert.pl", "$shared/convert.pl") &&
    copy($archive, "$shared/teacher.tar.gz") or die "$shared: $!\n";
my $n = 0;
for (split /\n/, slurp("$course/../course.tsv")) {
    my ($name, $title) = /^(\d\d_\w+)\t([^\t]*)/ or next;
    my ($nn) = $name =~ /^(\d\d)/;
    my $dir = "$to/questions/sgm/$name";
    make_path($dir);
    my $h = sha1_hex("sgm.h course $name"); # the same each time
    my $uuid = join '-', substr($h, 0, 8), substr($h, 8, 4), '5' . substr($h, 13, 3),
        'a' . substr($h, 17, 3), substr $h, 20, 12;
    my $shown = $title =~ s/(["\\])/\\$1/gr;
    spew("$dir/info.json", <<"JSON");
{
    "uuid": "$uuid",
    "title": "$shown",
    "topic": "Diffusion models",
    "tags": ["sgm"],
    "type": "v3",
    "singleVariant": true,
    "gradingMethod": "External",
    "externalGradingOptions": {
        "enabled": true,
        "image": "gcc:12",
        "serverFilesCourse": ["sgm/"],
        "entrypoint": "/grade/serverFilesCourse/sgm/run.sh $nn",
        "timeout": 90
    }
}
JSON
    my $page = slurp("$course/../$name/task.md");
    $page =~ s/^# .*\n//;
    $page =~ s/^## Hints\n.*?(?=^## |\z)//ms; # those are asked for at home
    $page =~ s/\{\{/{ {/g;                     # two braces mean something there
    spew("$dir/question.html", <<"HTML");
<pl-question-panel>
<markdown>
$page
</markdown>
<pl-file-editor file-name="$name.c" ace-mode="ace/mode/c_cpp" source-file-name="start.c">
</pl-file-editor>
</pl-question-panel>
<pl-submission-panel>
<pl-external-grader-results></pl-external-grader-results>
<pl-file-preview></pl-file-preview>
</pl-submission-panel>
HTML
    copy("$course/../$name/start.c", "$dir/start.c") or die "$dir/start.c: $!\n";
    $n++;
}
print "$n questions in $to/questions/sgm\n";
