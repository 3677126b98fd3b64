#!/usr/bin/perl
# Prints out/report.html: of every lesson and proof that has been run its question, its figures and
# each row of its table of checks, with what the source says about that row: the comment beside or
# above the call that makes it, and its line. Of the modes (full, study, test) in which a program
# has been run the fullest is shown, and the page says which it is.
use strict;
use warnings;
use File::Glob ':bsd_glob'; # a blank in a name is a blank
require './plots/alt.pl';

my $out = $ENV{SGM_OUT} || 'out';
# from the folder of the page to that of the sources
my $up = $out =~ m{^/} ? do { require Cwd; Cwd::getcwd() . '/' } : '../' x grep { length && $_ ne '.' } split m{/}, $out;
my @modes = qw(full study test);
sub slurp { my ($f) = @_; open my $h, '<', $f or return ''; local $/; my $t = <$h>; $t }
sub h { my ($s) = @_; $s =~ s/&/&amp;/g; $s =~ s/</&lt;/g; $s =~ s/>/&gt;/g; $s =~ s/"/&quot;/g; $s }

# Markdown of a comment as a line of text: what stands between dollars as it is spoken in the
# source, without TeX's strokes
sub formula {
    my ($f) = @_;
    $f =~ s{\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z]) ?}{}g;
    $f =~ s/\\sqrt\{([^{}]*)\}/√($1)/g; $f =~ s/\\(?:text|mathrm|hat|dot|bar)\{([^{}]*)\}/$1/g;
    $f =~ s/\\(?:hat|dot|bar) ?//g; $f =~ s/\\[,;! ]/ /g; $f =~ s/\\\|/‖/g; $f =~ s/\\([{}])/$1/g;
    $f =~ s/\\([A-Za-z]+)/$1/g; $f =~ s/[{}]//g;
    return $f;
}
sub text {
    my ($s) = @_;
    $s =~ s/\s+/ /g; $s =~ s/^ | $//g;
    $s =~ s/\$([^\$]+)\$/formula($1)/ge; # a $ alone stays
    $s = h($s);
    $s =~ s/\*\*([^*]+)\*\*/<b>$1<\/b>/g; $s =~ s/(?<![*\w])\*([^*\s][^*]*)\*(?![*\w])/<i>$1<\/i>/g; $s =~ s/`([^`]+)`/<code>$1<\/code>/g;
    return $s;
}

# what a source says: its title, its question, and where each row may come from
sub source {
    my ($topic) = @_;
    my $file = "tutorial/$topic.c";
    my $all = slurp($file) or return {title => $topic =~ s/_/ /gr, question => '', rows => []};
    my ($head) = $all =~ m{^/\*\s*(.*?)\*/}s;
    my @paragraphs = split /\n\s*\n/, $head // '';
    my $title = shift(@paragraphs) // $topic;
    $title =~ s/^#+\s*//; $title =~ s/^(?:(?:Proof|Lesson)\s+)?\d+[.:]\s*//i; $title =~ s/\.\s*$//; $title =~ s/\s+/ /g; $title = ucfirst $title;
    my ($question) = grep { /^\**Question/ } @paragraphs;
    $question = shift @paragraphs unless defined $question;
    $question =~ s/^\**Question\.?\**\.?\s*// if defined $question;
    my @lines = split /\n/, $all;
    my @rows;
    # every string, adjacent ones joined; a %-format stands for anything
    while ($all =~ /("(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*)/g) {
        my ($s, $at) = ($1, $-[0]);
        my $line = 1 + (substr($all, 0, $at) =~ tr/\n//);
        $s =~ s/"\s*"//g; $s =~ s/^"|"$//g; $s =~ s/\\(.)/$1/g;
        my ($plain, $pattern) = ('', '');
        for (split /(%[-+ 0-9.*l]*[a-zA-Z]|%%)/, $s) {
            if (/^%[-+ 0-9.*l]*[a-zA-Z]$/) { $pattern .= '.*' } else { my $p = $_ eq '%%' ? '%' : $_; $plain .= $p; $pattern .= quotemeta $p }
        }
        next if length $plain < 4;
        push @rows, {pattern => qr/^$pattern$/, whole => $plain eq $s, size => length $plain, line => $line};
    }
    return {title => $title, question => $question // '', rows => \@rows, lines => \@lines, file => $file};
}

# remark(SOURCE, LINE): the comment that belongs to the check whose name stands in this line. That
# is one in the lines of the call, else the nearest above in the same block, at most eight lines
# away; else the first sentence of the step it is in.
sub remark {
    my ($lines, $line) = @_;
    my ($i, @found) = ($line - 1);
    for my $j ($i .. ($i + 8 < $#$lines ? $i + 8 : $#$lines)) {
        my $code = $lines->[$j];
        push @found, $1 while $code =~ m{/\*\s*(.*?)\s*\*/}g;
        (my $bare = $code) =~ s/"(?:[^"\\]|\\.)*"//g;
        last if $bare =~ /;/ && join(' ', @$lines[$i .. $j]) =~ /check|see/; # the call may come after snprintf(name, ...)
        last if $bare =~ /^\s*\}/ || $bare =~ /^\s*$/;
    }
    return join ' ', @found if @found;
    for (my $j = $i - 1; $j >= 0 && $j >= $i - 8; $j--) {
        last if $lines->[$j] =~ /^\s*$/ || $lines->[$j] =~ /^\S/ || $lines->[$j] =~ /tut_(check|see)\(/;
        if ($lines->[$j] =~ m{\*/\s*$}) {
            my $k = $j;
            $k-- while $k > 0 && $lines->[$k] !~ m{/\*};
            my $comment = join ' ', @$lines[$k .. $j];
            return $1 if $comment =~ m{^\s*/\*\s*(.*?)\s*\*/\s*$}s; # one that stands alone
            last;
        }
    }
    for (my $j = $i; $j >= 0; $j--) { # the comment in column 0 that opens this part of the program
        next unless $lines->[$j] =~ m{\*/\s*$};
        my $k = $j;
        $k-- while $k > 0 && $lines->[$k] !~ m{/\*};
        if ($lines->[$k] !~ m{^/\*}) { $j = $k; next }
        last if $k == 0;
        my $all = join "\n", @$lines[$k .. $j];
        $all =~ s/\$([^\$]+)\$/formula($1)/ge;
        $all =~ s{^/\*\s*}{}; $all =~ s{\s*\*/\s*$}{}; $all =~ s/^#+ .*//gm; $all =~ s/\s+/ /g; $all =~ s/^ //;
        my $said = "";
        while (length $said < 40 && $all =~ s/^(.+?(?:[.?!](?= (?=[A-Z(√])|$)|$)) ?//) { $said .= (length $said ? " " : "") . $1 unless $1 =~ /^Step \d+\.$/ }
        return $said;
    }
    return '';
}

# which string of the source names a row: the one with most letters of its own
sub origin {
    my ($source, $name) = @_;
    my ($best) = sort { $b->{size} <=> $a->{size} || $a->{line} <=> $b->{line} } grep { $name =~ $_->{pattern} } @{$source->{rows}};
    if (!$best && $name =~ /^[^:]+: (.+)/) { my $tail = $1; ($best) = sort { $b->{size} <=> $a->{size} } grep { $tail =~ $_->{pattern} } @{$source->{rows}} }
    return $best;
}

sub size { # of a picture, so that the page does not move when it has come
    my ($file) = @_;
    open my $in, '<:raw', $file or return '';
    read($in, my $head, 24) == 24 or return ''; # not whole
    my ($w, $h) = $head =~ /^GIF/ ? unpack 'x6 v2', $head : unpack 'x16 N2', $head;
    return $h ? " width=\"$w\" height=\"$h\"" : '';
}

sub words { # of a figure that says nothing of itself
    my ($topic, $name) = @_;
    my $what = $name =~ s/^\Q$topic\E_?//r; $what =~ s/_/ /g;
    return "figure $what of " . ($topic =~ s/^(\d+)_.*/$1/r);
}

my (@sections, %seen);
for my $mode (@modes) {
    for my $checks (sort glob "$out/$mode/[0-9][0-9]_*/checks.tsv") {
        my ($topic) = $checks =~ m{([^/]+)/checks\.tsv$};
        if ($seen{$topic}) { push @{$seen{$topic}{also}}, $mode; next }
        my ($head, @rows) = map { [split /\t/, $_, -1] } split /\n/, slurp($checks);
        @rows = grep { @$_ == 5 && length $_->[0] } @rows; # the last of a run that broke off may be half
        push @sections, $seen{$topic} = {topic => $topic, mode => $mode, rows => \@rows, also => [],
            run => {map { split /\t/, $_, 2 } grep { /\t/ } split /\n/, slurp($checks =~ s/checks\.tsv$/run.tsv/r)}};
    }
}
@sections = sort { $a->{topic} cmp $b->{topic} } @sections;
my ($rows, $failed, %modes) = (0, 0);
for (@sections) { $rows += @{$_->{rows}}; $failed += grep { $_->[4] ne 'PASS' } @{$_->{rows}}; $modes{$_->{mode}}++ }
my $modes = join ', ', map { $modes{$_} ? "$modes{$_} in mode $_" : () } @modes;
my ($version) = slurp('sgm.h') =~ /#define SGM_VERSION "([^"]+)"/;

print <<"HTML";
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>sgm.h: what the programs found</title>
<style>
@{[slurp('plots/pages.css')]}</style>
</head>
<body>
<a class="skip" href="#main">to the results</a>
<header>
<h1>sgm.h @{[h($version // '')]}: what the programs found</h1>
<p>@{[scalar @sections]} programs have been run ($modes), with $rows rows; @{[$failed ? "<b>$failed of them outside their tolerance</b>" : 'all are within their tolerances']}.
<a href="map.html">The field map</a> goes from each idea to its equation, function and row, and through the documents line by line.</p>
</header>
<nav aria-label="programs">
<ul>
HTML
my %source = map { ($_->{topic} => source($_->{topic})) } @sections;
for (@sections) {
    my $bad = grep { $_->[4] ne 'PASS' } @{$_->{rows}};
    printf "<li><a href=\"#%s\">%s %s</a>%s</li>\n", $_->{topic}, $_->{topic} =~ /^(\d+)/, text($source{$_->{topic}}{title}), $bad ? " <b>($bad outside)</b>" : '';
}
print <<'HTML';
</ul>
</nav>
<main id="main">
<details>
<summary>How to read a row</summary>
<dl>
<dt>got</dt><dd>what this run has measured or computed.</dd>
<dt>truth</dt><dd>what it must be: from a formula, from a computation by another way, or as a document prints it. Where a row's name ends in “1 = yes”, the truth is whether a statement holds.</dd>
<dt>tolerance</dt><dd>how far apart they may be: mostly five standard errors of a mean of draws, or a bound of a method's own error or of rounding; the remark under the row, taken from the source, says which. 0 means equal to the last bit.</dd>
<dt>PASS</dt><dd>|got − truth| ≤ tolerance. FAIL says that it is not so, and then the program's status is 1.</dd>
<dt>mode</dt><dd>test is a smoke test of seconds, and what the text promises need not be seen; study is what a student runs; full is what a proof's text is about. The key is the number that all random draws of a run start from: the same key, the same bits.</dd>
</dl>
</details>
HTML
for my $s (@sections) {
    my ($topic, $mode, $run) = @$s{qw(topic mode run)};
    my $source = $source{$topic};
    my ($number) = $topic =~ /^(\d+)/;
    my $folder = "$mode/$topic";
    printf "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s %s</h2>\n", $topic, $topic, $number, text($source->{title});
    printf "<p>%s</p>\n", text($source->{question}) if length $source->{question};
    my @facts = ("mode " . ($run->{mode} // $mode));
    push @facts, 'it did not end' unless defined $run->{processor};
    push @facts, "key $run->{key}" if defined $run->{key};
    push @facts, "$run->{processor} s of the processor" if defined $run->{processor};
    push @facts, "$run->{threads} thread" . ($run->{threads} == 1 ? '' : 's') if ($run->{threads} // '') =~ /^\d+$/;
    push @facts, "kernels $run->{kernels}" if defined $run->{kernels};
    push @facts, 'also run in mode ' . join(' and ', @{$s->{also}}) if @{$s->{also}};
    printf "<p class=\"soft\">%s%s</p>\n", h(join '; ', @facts), -f "tutorial/$topic.c" ? ". Source: <a href=\"${up}tutorial/$topic.c\">tutorial/$topic.c</a>" : '';
    for my $figure (map { s{.*/}{}r } sort glob "$out/$folder/*.{png,gif}") {
        my ($name) = $figure =~ /^(.*)\.\w+$/;
        my $grid = -f "plots/$name.gp" ? '' : ' class="pixels"';
        my $alt = h(alt($name) || words($topic, $name));
        my $size = size("$out/$folder/$figure");
        print "<figure><img$grid src=\"$folder/$figure\"$size alt=\"$alt\" loading=\"lazy\"></figure>\n";
    }
    my @rows = @{$s->{rows}} or next;
    my $bad = grep { $_->[4] ne 'PASS' } @rows;
    my $count = @rows == 1 ? 'one row' : @rows . ' rows';
    printf "<details%s>\n<summary>%s, %s</summary>\n", $bad || @rows <= 12 ? ' open' : '', $count, $bad ? "$bad outside " . ($bad == 1 ? 'its tolerance' : 'their tolerances') : 'within tolerance';
    print "<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"table of checks of $number\">\n<table>\n",
        "<thead><tr><th scope=\"col\" class=\"t\">row</th><th scope=\"col\">got</th><th scope=\"col\">truth</th><th scope=\"col\">tolerance</th><th scope=\"col\">result</th></tr></thead>\n<tbody>\n";
    my %said;
    for (@rows) {
        my ($name, $got, $truth, $tolerance, $result) = @$_;
        my $from = origin($source, $name);
        my $note = $from ? remark($source->{lines}, $from->{line}) : '';
        my $said = $said{$note}++ ? '' : text($note); # a remark for several rows stands under the first
        printf "<tr%s><th scope=\"row\">%s%s</th><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"%s\">%s</td></tr>\n",
            $result eq 'PASS' ? '' : ' class="FAIL"', h($name),
            (length $said ? "<span class=\"note\">$said</span>" : "") . ($from ? " <a class=\"soft\" href=\"${up}tutorial/$topic.c#L$from->{line}\">line $from->{line}</a>" : ""),
            (map { s/-/−/gr } h($got), h($truth)), $tolerance eq '0' ? '0' : '± ' . h($tolerance) =~ s/-/−/gr, $result eq 'PASS' ? 'PASS' : 'FAIL', h($result);
    }
    print "</tbody>\n</table>\n</div>\n</details>\n</section>\n";
}
print "</main>\n<footer><p class=\"soft\">Written by plots/report.pl from the tables in the folder of this page.</p></footer>\n";
print <<'HTML';
<script>
// what is folded is printed, too
let shut = [];
addEventListener('beforeprint', () => { shut = [...document.querySelectorAll('details:not([open])')]; shut.forEach(d => d.open = true) });
addEventListener('afterprint', () => shut.forEach(d => d.open = false));
</script>
</body>
</html>
HTML
