#!/usr/bin/perl
# weave.pl [OUT]: sgm.h, lessons, proofs and course as pages that link to one another, in OUT/book.
#
# A comment that begins in column 0 with a line of its own is prose, in Markdown with $mathematics$.
# What stands between is code. Pandoc turns the prose into HTML and the formulas into MathML; the
# rest is done here: pages, links, line numbers, the uses of each equation and of each public name.
# It fails, naming file and line, on a citation of nothing, a public name without documentation, a
# figure without a text, an anchor that is there twice, a formula that pandoc cannot read.
use strict;
use warnings;
use utf8;
use open qw(:std :utf8);
use File::Copy 'copy';
use File::Path qw(make_path remove_tree);
use Unicode::Normalize 'NFD';
BEGIN { require './tutorial/book/task.pl' } # how the page of an assignment is read

my $out = shift // 'out';
my $want_pdf = (shift // '') eq 'pdf'; # lessons, Part II, reference and lists as one document
my $dir = $ENV{HEADER} ? "$out/handout-book" : "$out/book"; # HEADER: what is read for sgm.h, as cut for the course
my $here = 'tutorial/book';
my $has_widgets = -f "$out/web/widgets.js";
my (@faults, %warned);
sub fault { my $m = join '', @_; push @faults, $m unless $warned{$m}++ }

sub slurp { my $f = shift; $f = $ENV{HEADER} if $ENV{HEADER} && $f eq 'sgm.h'; open my $in, '<', $f or return; local $/; my $s = <$in>; return $s }
sub spew { my ($f, $s) = @_; open my $o, '>', $f or die "$f: $!\n"; print $o $s; close $o }
sub esc { my $s = shift; $s =~ s/&/&amp;/g; $s =~ s/</&lt;/g; $s =~ s/>/&gt;/g; $s =~ s/"/&quot;/g;
    $s }
sub table { # rows of a file of columns, as hashes
    my $text = slurp(shift) // return; my @rows = grep { /\S/ } split /\n/, $text;
    my @head = split /\t/, shift @rows // '';
    return map { my %r; @r{@head} = map { $_ // '' } (split(/\t/, $_, -1))[0 .. $#head];
        \%r } @rows;
}

if (!grep { -x "$_/pandoc" } split /:/, $ENV{PATH}) {
    print STDERR "book: pandoc is not here; install it: apt-get install pandoc\n";
    exit 1;
}

# ---- Sources: pieces of prose and code, each with its first line ----

sub pieces { # of a file; with $all every comment in column 0 that stands alone is prose
    my ($path, $all) = @_;
    my @lines = split /\n/, slurp($path) // die("$path: $!\n");
    my (@pieces, $prose, $started);
    for my $n (1 .. @lines) {
        my $line = $lines[$n - 1];
        my ($rest) = $line =~ m{^/\*(.*)$};
        if (!$prose && defined $rest && ($rest !~ /\S/ || $all && ($n == 1
            || $lines[$n - 2] !~ /\S/))) {
            push @pieces, {prose => 1, line => $n, text => []};
            if ($rest =~ s{\s*\*/\s*$}{}) { push @{$pieces[-1]{text}}, $rest =~ s/^\s+//r;
                push @pieces, undef; next }
            push @{$pieces[-1]{text}}, $rest =~ s/^\s+//r;
            $prose = 1;
        } elsif ($prose) {
            if ($line =~ m{^(.*?)\s*\*/\s*$}) {
                push @{$pieces[-1]{text}}, $1;
                $prose = 0;
                push @pieces, undef;
            } else { push @{$pieces[-1]{text}}, $line }
        } else {
            push @pieces, {line => $n, text => []} if !$pieces[-1];
            push @{$pieces[-1]{text}}, $line;
        }
    }
    for my $p (grep { $_ && !$_->{prose} } @pieces) { # no empty lines around code
        while (@{$p->{text}} && $p->{text}[0] !~ /\S/) { shift @{$p->{text}}; $p->{line}++ }
        pop @{$p->{text}} while @{$p->{text}} && $p->{text}[-1] !~ /\S/;
    }
    return grep { $_ && @{$_->{text}} } @pieces;
}

my (%page, @order); # by id: {id, file, title, number, kind, blocks, depth, step}
sub new_page {
    my ($id, %p) = @_;
    die "two pages $id\n" if $page{$id};
    $page{$id} = {id => $id, file => ($p{file} // "$id.html"), blocks => [], depth => 1,
        source => 'sgm.h', %p};
    return $page{$id};
}
my %home; # section, chapter or appendix -> page#anchor

# The header: what it is, Part I, and a page for each section of Parts II and III.
my (@interface, $now, $part, $title);
my %slug = ('What a generative model is' => 'what', 'What W and dW are' => 'dw',
    'What the book borrows from the workshop' => 'borrowed',
        'What this file asks of a compiler' => 'compiler');
$part = 0;
new_page('header', title => 'sgm.h at a glance', kind => 'front');
new_page('compiler', title => 'What this file asks of a compiler', kind => 'workshop', depth => 3);
$now = $page{header};
my (@sections, @workshop);
for my $piece (pieces('sgm.h')) {
    if (!$piece->{prose}) {
        if ($part == 1) { push @interface, $piece }
        else { push @{($part ? $now : $page{compiler})->{blocks}}, {%$piece} }
        next;
    }
    my ($line, @text) = ($piece->{line}, ());
    my $flush = sub {
        shift(@text), $line++ while @text && $text[0] !~ /\S/;
        if (@text && $part == 1) { push @interface, {prose => 1, line => $line, text => [@text]} }
        elsif (@text) { push @{$now->{blocks}}, {prose => 1, line => $line, text => [@text]} }
        @text = ();
    };
    for my $i (0 .. $#{$piece->{text}}) {
        my $s = $piece->{text}[$i];
        my $verbatim = $part == 0;
        if (!$verbatim && $s =~ /^#{1,2} (.*)/ || $s =~ /^# (Part .*)/) {
            my $head = $1;
            if ($head =~ /^What this file asks/) { $flush->(); $part = 0.5; $now = $page{compiler};
                next }
            if ($head =~ /^Part (I+): (.*)/) {
                $flush->(); $part = length $1; $title = $2;
                if ($part == 2) { $now = new_page('what', title => $head, kind => 'book');
                    $now->{unnamed} = 1 }
                if ($part == 3) { $now = new_page('part3', title => "Part III: $2",
                    kind => 'workshop', depth => 3); push @workshop, 'part3';
                    $home{'Part III'} = 'part3.html' }
                next;
            }
            if ($part == 1) { $flush->(); push @interface, {head => $head, line => $line + $i};
                next }
            $flush->();
            $line = $piece->{line} + $i + 1;
            my ($number, $name) = $head =~ /^(?:§((?:10|[1-9A-H])\.\d+)|((?:10|[1-9A-H]))\.) (.*)/
                ? ($1 // $2, $3) : ('', $head);
            my $kind = $part == 3 ? 'workshop' : 'book';
            if ($now->{unnamed} && $part == 2) { $now->{title} = $head; delete $now->{unnamed};
                $home{$head} = $now->{file}; next }
            if ($name eq 'Something to run' && $now->{title} eq 'Details that have caused bugs') {
                # one page of both
                push @{$now->{blocks}}, {heading => $head, number => $number};
                $now->{closing} = $number;
                $home{$number} = "$now->{file}#s$number";
                next;
            }
            my $id = $number || $slug{$head} || die "sgm.h: no page for \"$head\"\n";
            $now = new_page($id, title => $name, number => $number, kind => $kind,
                depth => $part == 3 ? 3 : 1);
            $home{$number || $head} = $now->{file};
            push @workshop, $id if $part == 3;
            next;
        }
        $line = $piece->{line} + $i if !@text;
        push @text, $s;
    }
    $flush->();
}
$page{borrowed}{depth} = 3;
for my $p (values %page) { # a closing page: what has caused bugs, folded, and something to run
    next unless $p->{closing};
    $p->{title} = 'Details, and something to run';
    unshift @{$p->{blocks}}, {heading => "§$p->{number} Details that have caused bugs",
        number => $p->{number}};
}

# The lessons and proofs.
my (@topics, %topic); # NN_name
for my $path (sort glob 'tutorial/[0-9][0-9]_*.c') {
    my ($name) = $path =~ m{([^/]+)\.c$};
    my ($nn) = $name =~ /^(\d\d)/;
    my $kind = $nn < 10 ? 'lesson' : 'proof';
    my $p = new_page($name, kind => $kind, nn => $nn, source => $path, depth => 1);
    $p->{blocks} = [pieces($path, $kind eq 'lesson')];
    my $first = $p->{blocks}[0];
    if ($first && $first->{prose}) { # the title is its first line, whole or up to the first stop
        shift @{$first->{text}}, $first->{line}++ while @{$first->{text}}
            && $first->{text}[0] !~ /\S/;
        my $head = shift @{$first->{text}} // '';
        $first->{line}++;
        $head =~ s/^#+\s*//;
        while ($head !~ /[.?!]$/ && @{$first->{text}} && $first->{text}[0] =~ /\S/) {
            $head .= ' ' . shift @{$first->{text}}; $first->{line}++;
        }
        $head =~ s/^(?:Lesson|Proof|Tutorial) \d\d[:.,]?\s*//i;
        $head =~ s{\s*\([^()]*\.(?:png|gif)\)\.?$}{}; # the figure has a place of its own
        $head =~ s/^\Q$name\E(\.c)?\s*[:.,–-]*\s*//;
        $head =~ s/^\d+\.\s*//; $head =~ s/\.$//;
        $p->{title} = ucfirst $head;
    }
    $p->{title} = $name if !$p->{title};
    ($topic{$nn}, $home{$name}) = ($p, $p->{file});
    push @topics, $p;
}

# The course: a page for each assignment, what it is, and what a teacher needs.
my $course = 'tutorial/course';
my (@labs, %lab); # by number
sub part_blocks { # text with folds -> blocks
    my ($line, @lines) = @_;
    return map { my $p = $_; $p->{text} ? {prose => 1, line => $p->{line}, text => $p->{text}}
        : defined $p->{open} ? {open => $p->{open}, line => $p->{line}} : {close => 1} }
        Task::folds($line, @lines);
}
for my $row (Task::rows($course)) {
    my $t = Task::read_task("$course/$row->{name}/task.md", $row->{number});
    fault($_) for @{$t->{faults}};
    my $p = new_page("lab$row->{nn}", kind => 'assignment', lab => $row, task => $t, depth => 1,
        title => $t->{title} || $row->{title}, source => "$course/$row->{name}/task.md");
    my @blocks = part_blocks(2, @{$t->{intro}});
    for my $name (@{$t->{order}}) {
        my $s = $t->{section}{$name};
        if ($name eq 'Hints') { # one within the other: the next is seen when one is open
            push @blocks, {title => $name};
            push @blocks, {open => (qw(First Second Third))[$_->{number} - 1] . ' hint',
                line => $_->{line}}, {prose => 1, line => $_->{line}, text => $_->{text}}
                for @{$t->{hints}};
            push @blocks, map { {close => 1} } @{$t->{hints}};
            next;
        }
        push @blocks, {title => $name}, part_blocks($s->{line}, @{$s->{text}});
        push @blocks, {picture => 1} if $name eq 'Picture';
        push @blocks, {blank => 1, line => 1, text => [split /\n/, slurp("$course/$row->{name}/start.c")
            // '']} if $name eq 'Task';
    }
    $p->{blocks} = \@blocks;
    ($lab{$row->{number}}, $home{$row->{name}}) = ($p, $p->{file});
    push @labs, $p;
}
my %exercise; # "03.1" -> assignments that go on from it
for my $row (table("$course/exercises.tsv")) {
    my ($nn) = $row->{exercise} =~ /^(\d\d)\.\d$/;
    fault("$course/exercises.tsv: no exercise $row->{exercise}") if !$nn || !$topic{$nn};
    my @to = grep { $lab{$_} } split ' ', $row->{assignment};
    push @{$exercise{$row->{exercise}}}, @to if @to;
}
sub guide { # course.md, teacher.md: a table, a figure, a file on a line of its own is shown here
    my ($id, $file, %p) = @_;
    return if !@labs || !-f "$course/$file";
    my $p = new_page($id, kind => 'course', source => "$course/$file", %p);
    my @l = split /\n/, slurp("$course/$file");
    $p->{title} = $1 if ($l[0] // '') =~ /^# (.*\S)/;
    my ($from, @run) = 2;
    my $flush = sub { push @{$p->{blocks}}, part_blocks($from, @run); @run = () };
    for (my $i = 1; $i <= $#l; $i++) {
        if ($l[$i] =~ /^<!-- (?:begin )?(table|mistakes|looks) -->$/) {
            $flush->();
            push @{$p->{blocks}}, {made => $1, line => $i + 1};
            if ($l[$i] =~ /begin/) { $l[$i++] = '' while $i < $#l && $l[$i] ne '<!-- end -->';
                $l[$i] = '' }
        } elsif ($l[$i] =~ /^\[(platforms\/\S+)\]\(\1\)$/) {
            $flush->();
            push @{$p->{blocks}}, {made => 'file', of => $1, line => $i + 1};
        } else { $from = $i + 1 if !@run; push @run, $l[$i] }
    }
    $flush->();
}
guide('course', 'course.md', title => 'The course');
guide('teacher', 'teacher.md', title => 'For teachers', depth => 2);

# ---- The order of the pages ----

my @steps;
for my $row (table("$here/order.tsv")) {
    my $step = {title => $row->{title}, note => $row->{note}, pages => []};
    for my $word (split ' ', $row->{pages}) {
        my $details = $word =~ s/\*$//;
        my @ids = $word =~ /^lesson:(\d\d)$/ ? (map { $_->{id} } grep { $_->{nn} eq $1 } @topics)
            : $word eq 'proofs' ? (map { $_->{id} } grep { $_->{kind} eq 'proof' } @topics)
            : $word eq 'assignments' ? (map { $_->{id} } @labs)
            : $word =~ /^(course|teacher)$/ ? grep { $page{$_} } $word
            : $word eq 'workshop' ? ('borrowed', 'compiler', @workshop) : ($word);
        for my $id (@ids) {
            my $p = $page{$id} or die "$here/order.tsv: no page $id\n";
            die "$here/order.tsv: $id stands there twice\n" if $p->{step};
            $p->{depth} = 2 if $details;
            $p->{depth} = 2 if $p->{kind} eq 'proof';
            $p->{step} = $step;
            push @{$step->{pages}}, $p;
        }
    }
    push @steps, $step if @{$step->{pages}};
}
new_page('index', title => 'sgm.h, the book', kind => 'front');
new_page('reference', title => 'The interface: every public name', kind => 'front');
new_page('words', title => 'Words', kind => 'front');
new_page('symbols', title => 'Symbols', kind => 'front');
my @front = map { $page{$_} } qw(index header);
my @back = map { $page{$_} } qw(reference words symbols);
@order = (@front, (map { @{$_->{pages}} } @steps), @back);
for my $p (values %page) { die "$here/order.tsv: page $p->{id} (§$p->{title}) has no place\n"
    unless grep { $_ == $p } @order }

# ---- Prose: formulas are taken out and numbered; equations are noted ----

my (@formula, %formula_of); # {tex, display, where}
my (%equation, @equations); # "1.4" -> {page, formula, needs, cites by kind}
my @fragment; # Markdown
my %sup = ('⁰'=>0,'¹'=>1,'²'=>2,'³'=>3,'⁴'=>4,'⁵'=>5,'⁶'=>6,'⁷'=>7,'⁸'=>8,'⁹'=>9,'⁻'=>'-','⁺'=>'+','ⁿ'=>'n','ᵀ'=>'T','ˣ'=>'x','ᵗ'=>'t');
my %sub = ('₀'=>0,'₁'=>1,'₂'=>2,'₃'=>3,'₄'=>4,'₅'=>5,'₆'=>6,'₇'=>7,'₈'=>8,'₉'=>9,'ₜ'=>'t','ᵢ'=>'i','ⱼ'=>'j','ₖ'=>'k','ₙ'=>'n');
my %part = ('½'=>'12','¼'=>'14','¾'=>'34','⅓'=>'13','⅔'=>'23');
my %accent = ("\x{302}"=>'hat', "\x{307}"=>'dot', "\x{304}"=>'bar', "\x{303}"=>'tilde',
    "\x{308}"=>'ddot');
sub tex { # with what stands for Unicode's ready-made pieces
    my $s = shift;
    my @words; # what stands within \text and names an environment stays as it is
    $s =~ s/(\\(?:text|begin|end)\{[^{}]*\})/push @words, $1; "\x{E012}$#words\x{E013}"/ge;
    $s =~ s/(\p{Latin}|\p{Greek})/my $d = NFD($1); $d =~ m{^.[\x{302}\x{307}\x{304}\x{303}\x{308}]$} ? $d : $1/ge;
    $s =~ s/(\p{L})([\x{302}\x{307}\x{304}\x{303}\x{308}])/\\$accent{$2}\{$1\}/g;
    my $up = join '', keys %sup; my $down = join '', keys %sub;
    $s =~ s/([$up]+)/'^{' . join('', map { $sup{$_} } split m{}, $1) . '}'/ge;
    $s =~ s/([$down]+)/'_{' . join('', map { $sub{$_} } split m{}, $1) . '}'/ge;
    $s =~ s/([½¼¾⅓⅔])/my ($a, $b) = split m{}, $part{$1}; "{\\tfrac{$a}{$b}}"/ge;
    $s =~ s/√\{/\\sqrt{/g;
    $s =~ s/√(\p{L}|\d)/\\sqrt{$1}/g;
    my %plain = ('−'=>'-', '·'=>'\\cdot ', '×'=>'\\times ', '‖'=>'\\| ', '⟨'=>'\\langle ',
        '⟩'=>'\\rangle ', '∫'=>'\\int ', '∑'=>'\\sum ', '…'=>'\\ldots ');
    $s =~ s/([−·×‖⟨⟩∫∑…])/$plain{$1}/g;
    $s =~ s/(?<!\\left)(?<!\\right)(?<!\\Big)(?<!\\middle)(?<!\\mathopen)([()])/{$1}/g;
    my @kept; # words within \text stay
    $s =~ s/(\\(?:text|mathrm|operatorname)\{[^{}]*\}|\\[A-Za-z]+)/push @kept, $1; "\x{E010}$#kept\x{E011}"/ge;
    $s =~ s/(?<![A-Za-z])(log|exp|sin|cos|tanh|tan|max|min|det|dim)(?![A-Za-z])/\\$1 /g;
    $s =~ s/(?<![\\A-Za-z])([a-z]{4,})(?![A-Za-z])/\\text{$1}/g; # a word, not a product
    $s =~ s/\x{E010}(\d+)\x{E011}/$kept[$1]/g;
    $s =~ s/\x{E012}(\d+)\x{E013}/$words[$1]/g;
    return $s =~ s/^\s+|\s+$//gr;
}
sub formula {
    my ($tex, $display, $where) = @_;
    $tex =~ s/\s+/ /g; $tex =~ s/^ | $//g;
    my $key = ($display ? 'd' : 'i') . $tex;
    return $formula_of{$key} //= do { push @formula, {tex => $tex, display => $display,
        where => $where}; $#formula };
}
sub is_closed { # braces, brackets and \left \right in pairs
    my ($s) = @_;
    my $n = 0;
    for ($s =~ /(\\[{}]|[{}()\[\]])/g) { $n++ if /^[{(\[]$/; $n-- if /^[})\]]$/;
        return 0 if $n < 0 }
    my $l = () = $s =~ /\\left|⟨|\\langle/g; my $r = () = $s =~ /\\right|⟩|\\rangle/g;
    my $bars = () = $s =~ /‖|\\\|/g;
    return $n == 0 && $l == $r && $bars % 2 == 0;
}
sub inline { # a formula in a line; a long one in pieces, between which the line may break
    my ($tex, $where) = @_;
    $tex =~ s/\s+/ /g;
    return "\x{E000}" . formula($tex, 0, $where) . "\x{E001}" if length($tex) < 24
        || $tex =~ /\\begin/;
    my @all = split /(?<!\\left)(?<!\\right)(?<!\\left\\)(?<!\\right\\)(\s*(?:=|≈|∼|≤|≥|∝|→|←|(?<=[^\s({=,;^_\\])\s[+−-]\s|,\s*\\;|,\s(?=\\?\S)|,\s*\\quad)\s*)/, $tex;
    my @piece = ($all[0]);
    for (my $i = 1; $i < @all; $i += 2) {
        my ($op, $next) = ($all[$i], $all[$i + 1] // '');
        if (is_closed($piece[-1]) && length($piece[-1]) > 5 && $op =~ /,/) {
            $piece[-1] .= $op =~ s/\\;|\\quad//r; push @piece, $next }
        elsif (is_closed($piece[-1]) && length($piece[-1]) > 5 && ($op !~ /[+−-]/
            || length $tex > 36)) { push @piece, '{}' . $op . $next }
        else { $piece[-1] .= $op . $next }
    }
    return "\x{E000}" . formula($tex, 0, $where) . "\x{E001}" if grep { !is_closed($_) } @piece;
    my $html = ''; # after a comma a space, before a relation none
    for my $p (grep { /\S/ } @piece) { $html .= ($html eq '' ? '' : $p =~ /^\{\}/ ? "\x{E004}"
        : ' ') . "\x{E000}" . formula($p, 0, $where) . "\x{E001}" }
    return $html;
}
sub display { # one display may hold several numbered equations
    my ($tex, $where, $page, $line) = @_;
    my ($html, @got) = '';
    while ($tex =~ s/^(.*?)\\qquad\s*\(((?:10|[1-9A-H])\.\d+)\)//s) { push @got, [$1, $2] }
    $tex =~ s/^\s*(\\qquad|\\quad|\\;|,|\s)*//s;
    if (@got && $tex =~ /\S/) {
        if (length($tex) < 40 && $tex !~ /=/ || !is_closed($got[-1][0])) {
            $got[-1][0] .= '\\qquad ' . $tex } else { push @got, [$tex, ''] }
    }
    @got = ([$tex, '']) if !@got;
    for my $g (@got) {
        my ($f, $number) = @$g;
        $f =~ s/^\s*(\\qquad|\\quad|\\;|\s)*//s; $f =~ s/(\\qquad|\\quad|\s)*$//s;
        my @side; # formulas side by side: on a narrow page one below the other
        for my $piece (split /\s*\\qquad\s*/, $f) {
            if (@side && !is_closed($side[-1])) { $side[-1] .= '\\qquad ' . $piece } else {
                push @side, $piece }
        }
        my $k = join '+', map { formula($_, 1, $where) } grep { /\S/ } @side;
        my $own = $page->{source} eq 'sgm.h'; # in a lesson, the number cites the header's equation
        if ($number && $own) {
            fault("$where: (E$number) is defined twice") if $equation{$number};
            $equation{$number} = {number => $number, page => $page, formula => $k, line => $line};
            push @equations, $number;
        }
        $html .= "\x{E000}" . ($number ? ($own ? 'E' : 'C') . "$number:" : 'D:')
            . $k . "\x{E001}";
    }
    return $html;
}
my %letters; # page -> what its formulas say, for the table of symbols
sub prose { # Markdown with formulas -> number of a fragment
    my ($page, $text, $line, $source) = @_;
    my ($verbatim, $blank, @out, @run) = (0, 1);
    my $where = "$source:$line";
    my $do = sub {
        my $md = join "\n", @run; @run = ();
        my $res = '';
        while ($md =~ /\G(?:((`+)(?!`).+?(?<!`)\2(?!`))|\$\$(.+?)\$\$|\$(?=\S)([^\$]+?)(?<=\S)\$|(\\?.))/gs) {
            if (defined $1) { $res .= $1 }
            elsif (defined $3) { $letters{$page->{id}} .= " $3"; $res .= display($3, $where, $page,
                $line) }
            elsif (defined $4) { my $f = $4; $letters{$page->{id}} .= " $f";
                $res .= $f =~ /\\qquad\s*\((?:10|[1-9A-H])\.\d/ ? display($f, $where, $page, $line)
                : inline($f, $where) }
            else { $res .= $5 }
        }
        push @out, $res;
    };
    for my $s (@$text) {
        my $code = $s =~ /^ {4,}\S/ && ($blank || $verbatim);
        $code = 1 if $verbatim && $s !~ /\S/;
        if ($code && !$verbatim) { $do->() } elsif (!$code && $verbatim) { push @out, '' }
        if ($code) { push @out, $s } else { push @run, $s }
        ($verbatim, $blank) = ($code, $s !~ /\S/);
    }
    $do->();
    my $md = join "\n", @out;
    push @fragment, $md;
    return $#fragment;
}
my @cite_of; # [equation, kind, where, label]
for my $p (@order) {
    my $source = $p->{source};
    my $shift = $p->{kind} eq 'lesson' || $p->{kind} eq 'proof';
    for my $b (@{$p->{blocks}}) {
        next unless $b->{prose};
        my @t = @{$b->{text}};
        if ($shift && $t[0] =~ /^\d+\. /) { $t[0] =~ s/^(\d+\.)/**$1**/ } # a step, no list
        if ($shift) { # "Question. …" begins a paragraph in these
            s/^(Question|Equations?|Predict|Plan|Figures?|Compare|Run|Build|What you should see|Where to go on|Try this|Change one line|Setting|Truth|Note)([.:])(\s|$)/**$1$2**$3/ for @t;
        }
        $b->{fragment} = prose($p, \@t, $b->{line}, $source);
    }
}
for my $i (@interface) { $i->{fragment} = prose($page{reference}, $i->{text}, $i->{line}, 'sgm.h')
    if $i->{prose} }
my @words = table("$here/words.tsv");
my @symbols = table("$here/symbols.tsv");
my @widgets = table("$here/widgets.tsv");
for my $w (@words) { $w->{fragment} = prose($page{words}, [$w->{meaning}], 1, "$here/words.tsv") }
for my $s (@symbols) {
    my $sym = $s->{symbol}; $sym = "\$$sym\$" if $sym !~ /\$/;
    $s->{sym} = prose($page{symbols}, [$sym], 1, "$here/symbols.tsv");
    $s->{fragment} = prose($page{symbols}, [$s->{meaning}], 1, "$here/symbols.tsv");
}
delete $letters{$_} for qw(reference words symbols);

# What each equation needs, and what needs it: citations in its own passage, and all others.
for my $p (@order) {
    my ($since, @last) = ({});
    for my $b (grep { $_->{prose} } @{$p->{blocks}}) {
        my @paragraphs = split /\n\s*\n/, join "\n", @{$b->{text}};
        for my $i (0 .. $#paragraphs) {
            my $text = $paragraphs[$i];
            my $header = $p->{source} eq 'sgm.h'; # elsewhere a number in a formula is a citation
            my @own = $header ? $text =~ /\\qquad\s*\(((?:10|[1-9A-H])\.\d+)\)/g : ();
            my $plain = $header ? $text =~ s/\\qquad\s*\([^)]*\)//gr : $text;
            $plain =~ s/\\qquad\(/ (/g;
            my @cited = $plain =~ /(?<![\w])\(((?:10|[1-9A-H])\.\d+)\)/g;
            for my $c (@cited) {
                push @cite_of, [$c, $p->{kind}, $p, ''];
                $since->{$c} = 1;
                if (@last && !@own && $text =~ /^[a-z]/) { $equation{$_}{needs}{$c} = 1 for grep {
                    $equation{$_} && $_ ne $c } @last }
            }
            if (@own) {
                for my $o (@own) { next unless $equation{$o}; $equation{$o}{needs}{$_} = 1 for
                    grep { $_ ne $o } keys %$since }
                ($since, @last) = ({}, @own);
            } elsif ($text !~ /^[a-z]/) { @last = () }
        }
    }
}

# ---- Pandoc, twice: prose, formulas ----

sub pandoc {
    my ($from, $text, @options) = @_;
    spew("$dir/.in", $text);
    my $pid = system("pandoc -f $from -t html @options $dir/.in -o $dir/.out 2>$dir/.err");
    my $said = slurp("$dir/.err") // '';
    die "book: pandoc failed: $said\n" if $pid;
    my $html = slurp("$dir/.out");
    unlink "$dir/.in", "$dir/.out", "$dir/.err";
    return ($html, $said);
}
remove_tree($dir);
make_path("$dir/figures");
sub batch { # many texts in one call
    my ($from, $texts, @options) = @_;
    my $n = 0;
    my ($html, $said) = pandoc($from, join('', map { "\x{E002}" . $n++
        . "\x{E003}\n\n$_\n\n" } @$texts), @options);
    my @got;
    while ($html =~ /<p>\x{E002}(\d+)\x{E003}<\/p>\n?(.*?)(?=<p>\x{E002}|\z)/gs) { $got[$1] = $2 }
    return (\@got, $said);
}
my ($prose_html) = batch('commonmark-raw_html+pipe_tables+smart', \@fragment);
my ($math_html, $said) = batch('commonmark-raw_html+tex_math_dollars',
    [map { my $t = tex($_->{tex}); $_->{display} ? "\$\$$t\$\$" : "\$$t\$" } @formula], '--mathml');
for my $k (0 .. $#formula) {
    my $h = $math_html->[$k] // '';
    if ($h =~ m{^\s*<p>(<math.*</math>)</p>\s*$}s) {
        $h = $1;
        $h =~ s{<annotation.*?</annotation>}{}gs; $h =~ s{</?semantics>}{}g;
            $h =~ s{ xmlns="[^"]*"}{};
        $h =~ s{<mstyle mathvariant="normal">(?:<mrow>)?((?:<mi>\w</mi>)+)(?:</mrow>)?</mstyle>}{my $w = $1 =~ s/<[^>]*>//gr; length $w > 1 ? "<mi>$w</mi>" : "<mi mathvariant=\"normal\">$w</mi>"}ge;
        $h =~ s{<mo>\+</mo><mo>=</mo>}{<mo>+=</mo>}g;
        $h =~ s{<mi>(\d+)</mi>}{<mn>$1</mn>}g;
        $h =~ s{<mo>([a-z]{2,})</mo>(?=(<mo [^>]*>\()?)}{'<mo lspace="0.12em" rspace="' . ($2 ? '0' : '0.167em') . "\">$1</mo>"}ge;
        $formula[$k]{html} = $h;
        fault("$formula[$k]{where}: TeX is left of \$$formula[$k]{tex}\$") if $h =~ /\\[A-Za-z]/;
    } else { fault("$formula[$k]{where}: pandoc cannot read \$$formula[$k]{tex}\$");
        $formula[$k]{html} = '' }
}
fault("pandoc: $_") for grep { /WARNING|rror/ } split /\n(?=\[)/, $said;

# ---- Names: what is public, where it is defined, where it is used ----

my %public; # name -> {kind, line, doc (text), group}
my @group; # {items, line, code, doc, prose}
my %supplement = map { $_->{name} => $_->{meaning} } table("$here/names.tsv");
sub comment_text { my $s = shift; $s =~ s{^\s*/\*\s*}{}; $s =~ s{\s*\*/\s*$}{};
    $s =~ s/\s*\n\s*/ /g; $s }
for my $piece (@interface) {
    if ($piece->{prose} || $piece->{head}) { push @group, $piece; next }
    my @l = @{$piece->{text}};
    my $g;
    my $close = sub { push @group, $g if $g && @{$g->{code}}; $g = undef };
    for (my $i = 0; $i < @l; $i++) {
        my $n = $piece->{line} + $i;
        if ($l[$i] !~ /\S/) { $close->(); next }
        if ($l[$i] =~ m{^/\*}) {
            my $text = $l[$i];
            $text .= "\n" . $l[++$i] while $text !~ m{\*/\s*$} && $i < $#l;
            if ($g) { $g->{doc} = comment_text($text); $g->{end} = $n; $close->() }
            else { push @group, {note => comment_text($text), line => $n} }
            next;
        }
        $g ||= {line => $n, code => [], statements => []};
        my ($code, $from) = ('', $i);
        while (1) { # a whole statement
            $code .= "$l[$i]\n";
            my $bare = $code =~ s{/\*.*?\*/}{}gsr;
            my $open = () = $bare =~ /[({]/g; my $shut = () = $bare =~ /[)}]/g;
            last if $open == $shut && ($bare =~ /;\s*$/ || $bare =~ /^\s*#/ && $bare !~ /\\\s*$/
                || $bare =~ /^(extern "C" \{|\})\s*$/) || $i >= $#l;
            last if $bare =~ /^\s*extern "C"/;
            $i++;
        }
        push @{$g->{code}}, split /\n/, $code;
        push @{$g->{statements}}, [$code, $piece->{line} + $from];
    }
    $close->();
}
for my $g (grep { $_->{code} } @group) {
    my $own = sub { $_[0][0] =~ m{/\*} && $_[0][0] !~ /^typedef|^struct/ };
    my $n = @{$g->{statements}};
    my $from = $n - 1; # the comment belongs to the last ones that have none of their own
    if ($n && !$own->($g->{statements}[-1])) { $from-- while $from > 0
        && !$own->($g->{statements}[$from - 1]) } else { $from = 0 }
    $_->[2] = 1 for @{$g->{statements}}[$from .. $n - 1];
    for my $st (@{$g->{statements}}) {
        my ($code, $line, $shared) = @$st;
        my $bare = $code =~ s{/\*.*?\*/}{}gsr;
        my @own = map { comment_text($_) } $code =~ m{(/\*.*?\*/)}gs;
        my ($main, $kind);
        if ($bare =~ /^\s*#\s*define\s+(SGM_[A-Z0-9_]+)/) { ($main, $kind) = ($1, 'macro')
            if $1 !~ /^SGM_(H|API)$/ }
        elsif ($bare =~ /^typedef [^{]*\(\*\s*(sgm_\w+)\)/) { ($main, $kind) = ($1, 'type') }
        elsif ($bare =~ /^typedef (?:enum|struct)\b.*?(sgm_\w+)\s*;\s*$/s) { ($main, $kind) = ($1,
            'type') }
        elsif ($bare =~ /^typedef .*?(sgm_\w+)\s*\(/s) { ($main, $kind) = ($1, 'type') }
        elsif ($bare =~ /^struct (sgm_\w+) \{/) { ($main, $kind) = ($1, 'type') }
        elsif ($bare =~ /^SGM_API\b[^(]*?\b(sgm_\w+)\s*\(/s) { ($main, $kind) = ($1, 'function') }
        my $doc = $kind && $kind ne 'type' || $bare !~ /\{/ ? join(' ', @own)
            : $code =~ m{^[^\n]*\{[ \t]*/\*(.*?)\*/} ? comment_text("/*$1*/") : '';
        if ($main && (!$public{$main} || $bare =~ /\{/)) {
            $public{$main} = {name => $main, kind => $kind, line => $line, doc => $doc,
                group => $g, shared => $shared, struct => $bare =~ /\{/ ? $code : ''};
        }
        if ($bare =~ /\benum\b[^{]*\{/) { # its constants
            my $rest = $code; my $at = $line;
            for my $row (split /\n/, $code) {
                my ($said) = $row =~ m{/\*(.*?)(?:\*/|$)};
                my $names = $row =~ s{/\*.*}{}r; $names =~ s/^[^{]*\{//;
                while ($names =~ /\b(SGM_[A-Z0-9_]+)\b/g) {
                    $public{$1} ||= {name => $1, kind => 'constant', line => $at, doc => $said
                        ? comment_text("/*$said*/") : '', group => $g, of => $main
                        // '', struct => $code};
                }
                $at++;
            }
        }
    }
}
for my $name (sort keys %public) {
    my $p = $public{$name};
    $p->{said} = $p->{doc} || $supplement{$name} || $p->{group}{doc} || ($p->{kind} eq 'constant'
        && $p->{of} && ($public{$p->{of}}{doc} || $supplement{$p->{of}})) || '';
    $p->{said} ||= 'see its fields' if $p->{kind} eq 'type' && $p->{struct} =~ m{/\*};
    fault("sgm.h:$p->{line}: $name has no documentation (a comment, or a line of $here/names.tsv)")
        if !$p->{said};
}
for my $name (sort keys %supplement) {
    $public{$name}{shared} = 0 if $public{$name}; # its own words, not its neighbours'
    fault("$here/names.tsv: $name is no public name") if !$public{$name} }

# Definitions: the page and line of each name of the library.
my %defined; # name -> {page, line}
for my $p (@order) {
    next unless $p->{source} eq 'sgm.h';
    for my $b (grep { !$_->{prose} && $_->{text} } @{$p->{blocks}}) {
        my @l = @{$b->{text}};
        for my $i (0 .. $#l) {
            my $line = $b->{line} + $i;
            if ($l[$i] =~ /^#\s*define\s+(sgm__\w+|SGM_\w+)/) { $defined{$1} ||= {page => $p,
                line => $line} }
            elsif ($l[$i] =~ /^(?:typedef )?(?:struct|enum|union) (sgm_\w+) \{/) {
                $defined{$1} = {page => $p, line => $line, body => 1} if !$defined{$1}{body} }
            elsif ($l[$i] =~ /^(?:\} |typedef .*[\s*(])(sgm_\w+)\)?(?:\(.*)?;/) {
                $defined{$1} ||= {page => $p, line => $line} }
            elsif ($l[$i] =~ /^[A-Za-z_].*?\b((?:sgm_|SGM__K\()\w+)\)?\s*\(/ && $l[$i] !~ /^\s*#/) {
                my $name = $1 =~ s/^SGM__K\(/sgm__/r;
                my $head = join ' ', @l[$i .. ($i + 8 < $#l ? $i + 8 : $#l)];
                my $is = $head =~ /^[^;{]*\{/ ? 1 : 0;
                $defined{$name} = {page => $p, line => $line, body => $is} if !$defined{$name}
                    || $is && !$defined{$name}{body};
            } elsif ($l[$i] =~ /^(?:static )?(?:const )?\w[\w ]*[ *](sgm__\w+)(?:\[[^=]*\])?\s*[=;]/) { $defined{$1} ||= {page => $p, line => $line} }
        }
    }
}
sub at { my ($d, $from) = @_; return ($from && $d->{page} == $from ? '' : $d->{page}{file})
    . "#L$d->{line}" }

# Uses of names and equations, in the code of all pages, in tests and examples.
my (%used, %eq_lines); # name -> place -> count
for my $p (@order) {
    for my $b (grep { !$_->{prose} && $_->{text} } @{$p->{blocks}}) {
        my $n = $b->{line};
        for my $line (@{$b->{text}}) {
            while ($line =~ /\b(sgm_[a-z]\w*|SGM_[A-Z]\w*)/g) { $used{$1}{$p->{id}}++
                if $public{$1} && !($defined{$1} && $defined{$1}{page} == $p
                && $defined{$1}{line} == $n) }
            while ($line =~ /(?<!\w)\(((?:10|[1-9A-H])\.\d+)\)/g) { push @{$eq_lines{$1}}, [$p, $n] }
            $n++;
        }
    }
}
my %test_uses;
for my $file (sort(glob('tests/*.c'), glob('examples/*.c'))) {
    my $text = slurp($file); my %seen;
    while ($text =~ /\b(sgm_[a-z]\w*|SGM_[A-Z]\w*)/g) { $used{$1}{$file} ++ if $public{$1} }
    while ($text =~ /(?<!\w)\(((?:10|[1-9A-H])\.\d+)\)/g) { $test_uses{$1}{$file}++ }
}

# ---- Code ----

my %keyword = map { $_ => 1 } qw(auto break case const continue default do else enum extern for goto if inline return
    sizeof static struct switch typedef union volatile while restrict);
my %type = map { $_ => 1 } qw(char double float int long short signed unsigned void size_t uint8_t uint16_t uint32_t uint64_t
    int32_t int64_t ptrdiff_t FILE);
sub eq_link { # to an equation, from a page
    my ($number, $page, $text, $where) = @_;
    my $e = $equation{$number};
    if (!$e) { fault("$where: cites ($number), which is not defined"); return $text }
    $page->{eqs}{$number} = 1;
    my $to = ($e->{page} == $page ? '' : $e->{page}{file}) . "#E$number";
    return qq{<a class="eq" href="$to" data-eq="$number">$text</a>};
}
sub section_link {
    my ($s, $page, $text, $where) = @_;
    my $to = $home{$s};
    if (!$to) { fault("$where: cites §$s, which is not there"); return $text }
    return qq{<a href="$to">$text</a>};
}
sub comment_html {
    my ($s, $page, $where) = @_;
    $s = esc($s);
    $s =~ s/(?<!\w)\(((?:10|[1-9A-H])\.[1-9]\d?)\)/eq_link($1, $page, "($1)", $where)/ge;
    $s =~ s/§((?:10|[1-9A-H])\.\d+)/section_link($1, $page, "§$1", $where)/ge;
    return $s;
}
sub name_link {
    my ($name, $page, $text) = @_;
    return qq{<a href="reference.html#$name">$text</a>} if $public{$name};
    return qq{<a href="} . at($defined{$name}, $page) . qq{">$text</a>} if $defined{$name};
    return;
}
sub code_html { # lines of C, each with its number; the first use of a name is a link
    my ($page, $line, $lines, $prefix, $anchors) = @_;
    my $text = join "\n", @$lines;
    my (%seen, $html) = ();
    my $where = "$page->{source}:$line";
    $html = '';
    my $put = sub { my ($class, $s) = @_; $html .= join "\n", map { length $_
        ? qq{<i class="$class">$_</i>} : '' } split /\n/, $s, -1 };
    while ($text =~ m{\G(?:(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(^[ \t]*\#[ \t]*\w+)|((?<![\w])(?:0x[0-9a-fA-F]+|\.?\d(?:[\w.]|(?<=[eEpP])[+-])*)) |([A-Za-z_]\w*)|([^A-Za-z_0-9"'/\#]+|.))}gmxs) {
        if (defined $1) { $put->('c', comment_html($1, $page, $where)) }
        elsif (defined $2) { $put->('s', esc($2)) }
        elsif (defined $3) { $put->('p', esc($3)) }
        elsif (defined $4) { $put->('m', $4) }
        elsif (defined $5) {
            my $w = $5;
            if ($keyword{$w}) { $html .= qq{<i class="k">$w</i>} }
            elsif ($type{$w}) { $html .= qq{<i class="t">$w</i>} }
            elsif ($anchors && $public{$w} && !$anchors->{$w}++) { $html .= qq{<b id="$w">$w</b>} }
            elsif ($w =~ /^(sgm_|SGM_)/ && !$seen{$w}++) {
                my $link = $page->{id} eq 'reference' && $public{$w} ? qq{<a href="#$w">$w</a>}
                    : name_link($w, $page, $w);
                $html .= $link // $w;
            } else { $html .= $w }
        } else { $html .= esc($6) }
    }
    my $n = $line;
    return join '', map { my $id = $prefix . $n++;
        qq{<span class="l" id="$id">$_\n</span>} } split /\n/, $html, -1;
}
sub pre { # a block of code
    my ($page, $line, $lines, $anchors) = @_;
    my $prefix = $page->{nn} || $page->{lab} ? 'L' . ($page->{nn} // $page->{lab}{nn}) . '-' : 'L';
    my $last = $line + @$lines - 1;
    my $label = @$lines > 1 ? "Code, lines $line to $last" : "Code, line $line";
    return qq{<pre class="code" tabindex="0" role="region" aria-label="$label" style="counter-set:l } . ($line - 1) . qq{"><code>}
        . code_html($page, $line, $lines, $prefix, $anchors) . "</code></pre>\n";
}
sub small_prose { # a comment about code: formulas and `code`, no other marks
    my ($s, $page, $where) = @_;
    my $html = '';
    while ($s =~ /\G(?:`([^`]+)`|\$(?=\S)([^\$]+?)(?<=\S)\$|([^`\$]+|.))/gs) {
        if (defined $1) { $html .= '<code>' . esc($1) . '</code>' }
        elsif (defined $2) { my $k = $formula_of{'i' . ($2 =~ s/\s+/ /gr)}; $html .= defined $k
            ? $formula[$k]{html} : esc("\$$2\$") }
        else { my $t = esc($3); $t =~ s/(?<![\w*])\*(\w[^*\n]{0,60}?\w|\w)\*(?![\w*])/<em>$1<\/em>/g; $html .= $t }
    }
    return dress($html, $page, $where);
}

# ---- Links in prose ----

my (%word_of, $word_re);
for my $w (@words) { for my $s ($w->{word}, split /\s*,\s*/, $w->{also} // '') {
    $word_of{lc $s} = $w if length $s > 1 } }
$word_re = join '|', map { my $q = quotemeta; $q =~ s/\\ /\\s+/g;
    $q } sort { length $b <=> length $a } keys %word_of;
$word_re = $word_re ? qr/(?<![\w-])($word_re)(?![\w-])/i : undef;
sub word_id { my $w = lc shift; $w =~ s/[^a-z0-9]+/-/g; "w-$w" }
sub topic_link {
    my ($nn, $page, $text, $where) = @_;
    if (!$topic{$nn}) {
        fault("$where: names lesson or proof $nn, which is not there");
        return $text;
    }
    return qq{<a href="$topic{$nn}{file}">$text</a>};
}
sub lab_link { # to an assignment by its number
    my ($number, $page, $text, $where) = @_;
    my $p = $lab{$number + 0};
    if (!$p) { fault("$where: names assignment $number, which is not there"); return $text }
    return $p == $page ? $text : qq{<a href="$p->{file}">$text</a>};
}
sub labs_of { my %want = map { $_ => 1 } @_; # those that go with these lessons
    return grep { $want{$_->{lab}{lesson}} } @labs }
sub lab_list { return join '<br>', map { qq{<a href="$_->{file}">$_->{lab}{number} }
    . esc($_->{title}) . '</a>' } @_ }
sub dress_text {
    my ($t, $page, $where, $words) = @_;
    my $out = '';
    while ($t =~ m{\G(?:(?<!\w)\(((?:10|[1-9A-H])\.[1-9]\d?)\)|§((?:10|[1-9A-H])\.\d+)
            |\b((?:[Pp]roofs?|[Ll]essons?|[Tt]utorials?)\s)(\d\d\b(?:(?:,|\sand|\sor|\sto)\s\d\d\b)*)
            |\b([Aa]ssignments?\s)(\d\d?\b(?:(?:,|\sand|\sor|\sto)\s\d\d?\b)*)
            |\b((?:[Cc]hapters?|[Aa]ppendix|[Aa]ppendices)\s)
                ((?:10|[1-9A-H])\b(?!\.\d)(?:(?:,|\sand|\sor|\sto)\s(?:10|[1-9A-H])\b(?!\.\d))*)
            |\b(sgm_\w+)\b(\(\))?|\bA(\d\d?)\b|(.+?)(?=[(§]|\b[PpLlTtCcAa]|\bsgm_|\z))}gsx) {
        if (defined $1) { $out .= eq_link($1, $page, "(E$1)", $where) }
        elsif (defined $2) { $out .= section_link($2, $page, "§$2", $where) }
        elsif (defined $3) {
            my ($word, $list) = ($3, $4);
            $list =~ s/(\d\d)/topic_link($1, $page, $1, $where)/ge if $list =~ /\s/;
            $out .= $list =~ /\s/ ? "$word$list" : topic_link($list, $page, "$word$list", $where);
        } elsif (defined $5) {
            my ($word, $list) = ($5, $6);
            if ($list =~ /\s/) { $list =~ s/(\d+)/lab_link($1, $page, $1, $where)/ge;
                $out .= $word . $list }
            else { $out .= lab_link($list, $page, $word . $list, $where) }
        } elsif (defined $7) {
            my ($word, $list) = ($7, $8);
            my $link = sub {
                my ($c, $text) = @_;
                my $own = ($page->{number} // '') eq $c;
                return $home{$c} && !$own ? qq{<a href="$home{$c}">$text</a>} : $text;
            };
            if ($list =~ /\s/) { $list =~ s/\b((?:10|[1-9A-H]))\b/$link->($1, $1)/ge; $out .= $word . $list }
            else { $out .= $link->($list, $word . $list) }
        } elsif (defined $9) { my $s = $9 . ($10 // ''); $out .= name_link($9, $page, $s) // $s }
        elsif (defined $11) { # A8, in the pages of the course
            my $k = $11;
            $out .= $lab{$k} && $page->{kind} =~ /^(?:course|assignment)$/
                ? lab_link($k, $page, "A$k", $where) : "A$k" }
        else { $out .= $12 }
    }
    return $out if !$words || !$word_re;
    my $res = '';
    my $in_a = 0;
    for my $piece (split /(<[^>]*>|\x{E000}[^\x{E001}]*\x{E001})/, $out) {
        if ($piece =~ /^\x{E000}/) { $res .= $piece; next }
        if ($piece =~ /^<(\/?)(\w+)/) { $in_a += $1 ? -1 : 1 if $2 eq 'a'; $res .= $piece; next }
        if (!$in_a) {
            $piece =~ s{$word_re}{my $said = $1; my $w = $word_of{lc($said =~ s/\s+/ /gr)};
                $w && !$page->{words}{$w->{word}}++ ? '<a class="word" href="words.html#'
                    . word_id($w->{word}) . '" data-word="' . esc($w->{word}) . "\">$said</a>"
                    : $said}ge;
        }
        $res .= $piece;
    }
    return $res;
}
sub unesc { my $s = shift; $s =~ s/&lt;/</g; $s =~ s/&gt;/>/g; $s =~ s/&quot;/"/g;
    $s =~ s/&amp;/&/g; $s }
sub code_span { # what stands in `…`
    my ($t, $page, $where) = @_;
    my $c = unesc($t);
    if ($c =~ /^make (?:watch|step|try)?(\d\d)(\.\d)?$/) { return topic_link($1, $page, $t,
        $where) }
    if ($c =~ /^make (?:watch)?(?:lab|hint)(\d\d)$/) { return lab_link($1, $page, $t, $where) }
    my ($file) = $c =~ m{^(?:labs/)?(\d\d_\w+)\.c$};
    if ($file && ($home{$file} // '') =~ /^lab/) {
        return $home{$file} eq $page->{file} ? $t : qq{<a href="$home{$file}">$t</a>} }
    if ($c =~ m{^(?:tutorial/)?((\d\d)_\w+)(\.c)?$}) {
        return qq{<a href="$home{$1}">$t</a>} if $home{$1};
        return $t if $c !~ /\.c$/;
        fault("$where: names $c, which is not there"); return $t;
    }
    $t =~ s/\b((?:sgm|SGM)_\w+)/name_link($1, $page, $1) \/\/ $1/ge if $page->{id} ne 'header'
        || $c =~ /^sgm_\w+$/;
    $t =~ s/\(((?:10|[1-9A-H])\.[1-9]\d?)\)/eq_link($1, $page, "($1)", $where)/ge if $c =~ m{^/\*};
    return $t;
}
sub dress { # links into HTML that has none; formulas are put in afterwards
    my ($html, $page, $where) = @_;
    my ($out, $code, $pre, $head, $a) = ('', 0, 0, 0, 0);
    my $title = 0; # in the title of a document no word is explained
    while ($html =~ /\G(<[^>]*>|[^<]+)/gs) {
        my $t = $1;
        if ($t =~ m{^<(/?)(\w+)}) {
            my ($d, $n) = ($1 ? -1 : 1, $2);
            $title = $d > 0 && $html =~ m{\G[^<]*\s[^<]*\s[^<]*</em>}s if $n eq 'em';
            $code += $d if $n eq 'code'; $pre += $d if $n eq 'pre'; $head += $d if $n =~ /^h\d$/;
                $a += $d if $n eq 'a';
        } elsif ($a) {
        } elsif ($pre) { $t =~ s/\bmake (\d\d)\b/topic_link($1, $page, "make $1", $where)/ge;
            $t =~ s{tutorial/(\d\d_\w+)\.c}{$home{$1} ? qq(<a href="$home{$1}">tutorial/$1.c</a>) : $&}ge }
        elsif ($code) { $t = code_span($t, $page, $where) }
        else { $t = dress_text($t, $page, $where, !$head && !$title
            && $page->{kind} ne 'front') }
        $out .= $t;
    }
    return $out;
}
sub used_where { # short: pages, then tests
    my ($list, $page) = @_;
    my (%by, @text);
    for my $where (keys %$list) {
        my $p = $page{$where};
        if (!$p) { push @{$by{$where =~ /^tests/ ? 'tests' : 'examples'}}, $where; next }
        push @{$by{$p->{kind} eq 'lesson' ? 'lessons' : $p->{kind} eq 'proof' ? 'proofs' : $p->{kind} =~ /^(assignment|course)$/
            ? 'course' : 'sections'}}, $p;
    }
    my $link = sub { my $p = shift; my $name = $p->{nn} // ($p->{lab} ? "assignment $p->{lab}{number}" : $p->{number} ? (length $p->{number} > 1
        ? "§$p->{number}" : "chapter $p->{number}") : $p->{title}); qq{<a href="$p->{file}">}
        . esc($name) . '</a>' };
    my %rank = map { $order[$_]{id} => $_ } 0 .. $#order;
    for my $kind (qw(sections lessons proofs course)) {
        my @p = sort { $rank{$a->{id}} <=> $rank{$b->{id}} } grep { !$page
            || $_ != $page } @{$by{$kind} // []};
        push @text, ($kind =~ /^(sections|course)$/ ? '' : "$kind ") . join ', ', map { $link->($_) } @p if @p;
    }
    for my $kind (qw(examples tests)) {
        push @text, "$kind " . join ', ', map {
            s{^[^/]+/(?:test_)?}{}r =~ s/\.c$//r } sort @{$by{$kind}} if $by{$kind};
    }
    return join '; ', @text;
}
sub side_by_side { return join '', map { qq{<span class="piece">$formula[$_]{html}</span>} } split /\+/, shift }
sub cited_equation { # of the header, written out in a lesson
    my ($number, $k, $page) = @_;
    return '<div class="equation numbered"><div class="formula">' . side_by_side($k) . '</div>'
        . eq_link($number, $page, "(E$number)", $page->{source}) . '</div>';
}
sub equation_html {
    my ($number, $k, $page) = @_;
    my $e = $equation{$number};
    return '<div class="equation"><div class="formula">' . side_by_side($k) . '</div></div>' if !$e;
    my @line;
    my @needs = sort { my ($a1, $a2) = split /\./, $a; my ($b1, $b2) = split /\./, $b;
        $a1 cmp $b1 || $a2 <=> $b2 } keys %{$e->{needs} // {}};
    push @line, 'needs ' . join ' ', map { eq_link($_, $page, "E$_",
        "$e->{page}{source}:$e->{line}") } @needs if @needs;
    my (@by, %places);
    for my $other (@equations) { push @by, $other if $equation{$other}{needs}{$number} }
    push @line, 'needed by ' . join ' ', map { eq_link($_, $page, "E$_", 'needs') } @by if @by;
    my @code = grep { $_->[0]{source} eq 'sgm.h' } @{$eq_lines{$number} // []};
    push @line, 'in code: ' . join ' ', map { my ($p, $n) = @$_; '<a href="' . ($p == $page ? ''
        : $p->{file}) . "#L$n\">line $n</a>" } @code if @code;
    $places{$_->[0]{id}}++ for grep { $_->[0]{source} ne 'sgm.h' } @{$eq_lines{$number} // []};
    $places{$_->[2]{id}}++ for grep { $_->[0] eq $number && $_->[2] != $page } @cite_of;
    $places{$_}++ for keys %{$test_uses{$number} // {}};
    my $where = used_where(\%places, $page);
    push @line, "cited in $where" if $where;
    my $uses = @line ? '<details class="uses"><summary>needs, used at</summary><ul>' . join('',
        map { "<li>$_</li>" } @line) . '</ul></details>' : '';
    return qq{<div class="equation numbered" id="E$number" tabindex="-1"><div class="formula">}
        . side_by_side($k) . qq{</div><a class="tag" href="#E$number">(E$number)</a>$uses</div>};
}
sub math_in { # formulas into HTML
    my ($html, $page) = @_;
    my $block = qr/\x{E000}(?:[EC](?:10|[1-9A-H])\.\d+|D):[\d+]+\x{E001}/;
    $html =~ s{<p>((?:(?!</p>).)*$block(?:(?!</p>).)*)</p>}{
        my $in = $1; my @parts = split /((?:$block\s*)+)/, $in;
        join '', map { /$block/ ? $_ : /\S/ ? "<p>$_</p>" : '' } @parts}gse;
    $html =~ s{\x{E000}(?:([EC])((?:10|[1-9A-H])\.\d+)|D):([\d+]+)\x{E001}}{
        ($1 // '') eq 'C' ? cited_equation($2, $3, $page) : equation_html($2 // '', $3, $page)}ge;
    $html =~ s{\x{E004}}{<wbr>}g;
    $html =~ s{\x{E000}(\d+)\x{E001}}{my ($k, $all) = ($1, $&); my $l = length($formula[$k]{html} =~ s/<[^>]*>//gr); $l > 34 ? qq(<span class="scroll">$formula[$k]{html}</span>) : $all}ge;
    $html =~ s{\x{E000}(\d+)\x{E001}([.,;:?!)’'”]*)}{length $2 ? qq(<span class="nb">$formula[$1]{html}$2</span>) : $formula[$1]{html}}ge;
    return $html;
}
sub keeps_ranks { my $p = shift; return $p->{id} =~ /^(?:header|index)$/ || $p->{kind} eq 'course' }
sub fragment_html {
    my ($k, $page, $where) = @_;
    my $html = $prose_html->[$k] // '';
    $html =~ s{<col(group)?[^>]*>|</colgroup>}{}g;
    $html =~ s{ style="[^"]*"}{}g;
    $html =~ s{<table>}{<div class="wide" tabindex="0" role="region" aria-label="Table"><table>}g;
        $html =~ s{</table>}{</table></div>}g;
    $html =~ s{<pre(?: class="[^"]*")?>}{<pre class="plain" tabindex="0">}g;
    $html =~ s{<pre class="plain" tabindex="0"><code>((?:[-+] [^\n<]*\n?)+)</code>}{my $d = $1;
        $d =~ s/^- (.*)$/<del>- $1<\/del>/gm; $d =~ s/^\+ (.*)$/<ins>+ $1<\/ins>/gm;
        qq(<pre class="plain change" tabindex="0"><code>$d</code>)}ge;
    $html =~ s{<th([^>]*)>\s*</th>}{<td$1></td>}g;
    $html =~ s{<h(\d)( id="[^"]*")?>}{'<h' . (keeps_ranks($page) ? ($1 < 2 ? 2 : $1) : $1 < 3 ? 2 : 2) . '>'}ge;
    $html =~ s{</h(\d)>}{'</h' . (keeps_ranks($page) ? ($1 < 2 ? 2 : $1) : 2) . '>'}ge;
    return math_in(dress($html, $page, $where), $page);
}

# ---- Figures, runs ----

my %alt; # of a figure
for my $script (glob 'plots/[0-9][0-9]_*.gp') {
    my ($name) = $script =~ m{([^/]+)\.gp$};
    my $text = slurp($script);
    $alt{$name} = $1 =~ s/\n#\s*/ /gr if $text =~ /^load [^\n]*\n\s*# alt: ([^\n]*(?:\n# [^\n]*)*)/;
    fault("$script: no text for who cannot see the figure; after its first line: # alt: one or two sentences") if !$alt{$name};
}
$alt{$_->{name}} = $_->{alt} for table("$here/pictures.tsv");
sub run_of { # mode, its folder, what run.tsv says
    my $name = shift;
    for my $mode (qw(full study test)) {
        my $d = "$out/$mode/$name";
        next unless -f "$d/run.tsv" || -f "$d/checks.tsv";
        my %run = map { /^([^\t]+)\t(.*)$/ ? ($1 => $2) : () } split /\n/, slurp("$d/run.tsv")
            // '';
        $run{mode} //= $mode;
        return ($d, \%run);
    }
    return;
}
sub figures_of { # names, in the order in which the source names them
    my $p = shift;
    my $text = slurp($p->{source}); my %seen;
    my @names = grep { !$seen{$_}++ } $text =~ /\b($p->{id}\w*)\.(?:png|gif)\b/g,
        $text =~ /\b($p->{nn}_[a-z]\w*)\.(?:png|gif)\b/g;
    push @names, grep { !$seen{$_}++ } map { m{([^/]+)\.gp$} } sort glob "plots/$p->{id}*.gp";
    return @names;
}
sub figure_html {
    my ($p, $name, $on) = @_; # $on: another page, which shows it too
    my ($folder, $run) = run_of($p->{id});
    my ($ext) = $folder ? grep { -f "$folder/$name.$_" } qw(png gif) : ();
    my $alt = $alt{$name};
    if (!$alt) { fault("$p->{source}: the figure $name has no text (a line of $here/pictures.tsv)"); $alt = $name }
    my $text = dress_text(esc($alt), $on // $p, $p->{source}, 0);
    if (!$ext) {
        return '' if $on;
        return qq{<figure class="missing" id="F-$name"><figcaption><b>$name</b> is not drawn yet: <code>make $p->{nn}</code> runs the program and draws it. It shows: $text</figcaption></figure>\n};
    }
    my $file = "$name.$ext";
    copy("$folder/$file", "$dir/figures/$file") or die "$folder/$file: $!\n";
    my $size = png_size("$folder/$file");
    my $said = join ', ', "mode $run->{mode}", (defined $run->{key} ? "key $run->{key}"
        : ()), (defined $run->{seconds} ? sprintf('%.3g s', $run->{seconds}) : ());
    my $id = $on ? '' : qq{ id="F-$name"};
    my $from = $on ? qq{ of <a href="$p->{file}">} . ($p->{kind} eq 'lesson' ? 'lesson' : 'proof')
        . " $p->{nn}</a>" : '';
    return qq{<figure$id><a href="figures/$file"><img src="figures/$file" alt="} . esc($alt)
        . qq{"$size loading="lazy"></a><figcaption>$text <span class="run">$name$from: $said.</span></figcaption></figure>\n};
}
sub png_size { # width and height, so that the page does not jump
    my $f = shift;
    open my $in, '<:raw', $f or return '';
    read $in, my $h, 24;
    my ($w, $ht) = $h =~ /^\x89PNG/ ? unpack('x16NN', $h) : $h =~ /^GIF/ ? unpack('x6vv', $h) : ();
    return $w ? qq{ width="$w" height="$ht"} : '';
}
sub checks_html {
    my $p = shift;
    my ($folder, $run) = run_of($p->{id});
    if (!$folder) { return qq{<p class="status">Not run yet: <code>make $p->{nn}</code> runs it.</p>\n} }
    my @rows = table("$folder/checks.tsv");
    my @names = grep { /\S/ } split /\t/, (split /\n/, slurp("$folder/checks.tsv") // '')[0] // '';
    my $good = grep { ($_->{$names[4] // ''} // '') =~ /PASS|ok/i } @rows;
    my $html = '<details class="checks"><summary>' . "$good of " . @rows
        . " numbers agree with their truth (mode $run->{mode})"
        . '</summary><div class="wide" tabindex="0" role="region" aria-label="Table of checks"><table><thead><tr>'
        . join('', map { '<th>' . esc($_) . '</th>' } @names) . '</tr></thead><tbody>';
    for my $r (@rows) { $html .= '<tr>' . join('', map { '<td>' . esc($r->{$_} // '')
        . '</td>' } @names) . '</tr>' }
    return "$html</tbody></table></div></details>\n";
}

# ---- The course ----

sub needs_html { # what an assignment needs, where its file is
    my $p = shift;
    my $r = $p->{lab};
    my @need = ((map { topic_link($_, $p, "lesson $_", $p->{source}) } grep { length } $r->{lesson}),
        (map { section_link($_, $p, "§$_", "$course/course.tsv") } @{$r->{sections}}),
        (map { section_link($_, $p, "chapter $_", "$course/course.tsv") } @{$r->{chapters}}));
    my @from = map { my ($nn, $k) = split /\./; topic_link($nn, $p, $_, $p->{source}) } sort grep {
        grep { $_ == $r->{number} } @{$exercise{$_}} } keys %exercise;
    return qq{<p class="source">$r->{minutes} minutes. You need } . join(', ', @need)
        . (@from ? '; it takes up ' . (@from > 1 ? 'exercises ' : 'exercise ') . join(', ', @from)
        : '') . ". Your file is <code>labs/$r->{name}.c</code>; <code>make lab$r->{nn}</code> makes it, "
        . "checks it and draws.</p>\n";
}
sub lab_picture { # drawn from the model answer's data by make labs-pictures
    my $p = shift;
    my $name = $p->{lab}{name};
    my $script = "$course/$name/picture.gp";
    my $alt = Task::alt_of($script);
    if (!length($alt // '')) {
        fault("$script: no text for who cannot see the picture; its first line: # alt: one or two sentences");
        $alt = $name;
    }
    my $text = dress_text(esc($alt), $p, $script, 0);
    my $png = "$out/labs/pictures/$name.png";
    return qq{<figure class="missing" id="F-lab"><figcaption><b>$name</b> is not drawn yet: <code>make labs-pictures</code> draws it from the model answer’s data. It shows: $text</figcaption></figure>\n} if !-s $png;
    copy($png, "$dir/figures/lab_$name.png") or die "$png: $!\n";
    return qq{<figure id="F-lab"><a href="figures/lab_$name.png"><img src="figures/lab_$name.png" alt="}
        . esc($alt) . '"' . png_size($png) . qq{ loading="lazy"></a><figcaption>$text <span class="run">$name, drawn from the model answer.</span></figcaption></figure>\n};
}
sub fold { my ($said, $class) = @_; return qq{<details class="fold$class"><summary>$said</summary>\n} }
sub listing { my $text = shift; return '<pre class="plain" tabindex="0"><code>' . esc($text) . "</code></pre>\n" }
sub platform_file { # shown folded
    my ($path, $p, $where) = @_;
    my $text = slurp("$course/$path");
    if (!defined $text) { fault("$where: shows $course/$path, which is not there"); return '' }
    my $n = () = $text =~ /\n/g;
    return fold("<code>$course/$path</code>, $n lines", '') . listing($text) . "</details>\n";
}
sub course_table {
    my $p = shift;
    my $html = '<div class="wide" tabindex="0" role="region" aria-label="The assignments"><table class="path"><thead><tr><th>assignment</th><th>what you write</th><th>you need</th><th>minutes</th></tr></thead><tbody>';
    for my $q (@labs) {
        my $r = $q->{lab};
        my @write = $r->{names} =~ /\S/ ? map { name_link($_, $p, "<code>$_</code>") // "<code>$_</code>" } split ' ', $r->{names} : ();
        my $blank = slurp("$course/$r->{name}/start.c") // '';
        my %cut = map { $_ => 1 } split ' ', $r->{names};
        push @write, map { "<code>$_</code>" } grep { !$cut{$_}++ } $blank =~ /^(?!static|typedef|return|extern|const char lab)[A-Za-z_][\w ]*?[ *](\w+)\([^;{}]*\)\s*\{/mg;
        my @need = ((map { topic_link($_, $p, "lesson $_", "$course/course.tsv") } grep { length } $r->{lesson}),
            (map { section_link($_, $p, "§$_", "$course/course.tsv") } @{$r->{sections}}));
        $html .= qq{<tr><td><a href="$q->{file}">$r->{number} } . esc($q->{title}) . '</a></td><td>'
            . join(', ', @write) . '</td><td>' . join(' ', @need) . "</td><td>$r->{minutes}</td></tr>";
    }
    return "$html</tbody></table></div>\n";
}
sub mistakes_html { # from variants.txt; what the checker saw and said of each, from make labs-selftest
    my $p = shift;
    my ($html, $all) = ('', 0);
    for my $q (@labs) {
        my $name = $q->{lab}{name};
        my @v = grep { $_->{kind} ne 'equal' } Task::variants("$course/$name/variants.txt");
        my %seen = map { my ($id, @f) = split /\t/; ($id => \@f) } split /\n/,
            slurp("$out/labs/$name/causes.tsv") // '';
        my $cause = Task::causes("$course/$name/check.c");
        my $wrong = grep { $_->{kind} eq 'wrong' } @v;
        $all += $wrong;
        $html .= fold("Assignment $q->{lab}{number}, " . esc($q->{title}) . ": $wrong wrong, " . (@v - $wrong) . ' valid', '')
            . '<div class="wide" tabindex="0" role="region" aria-label="Wrong answers to assignment ' . $q->{lab}{number}
            . '"><table><thead><tr><th>id</th><th>the change</th><th>what the checker sees and says</th></tr></thead><tbody>';
        for my $v (@v) {
            my $change = join "\n", map { my ($a, $b) = @$_; (map { "<del>- " . esc($_) . '</del>' } @$a), (map { '<ins>+ ' . esc($_) . '</ins>' } @$b) } @{$v->{pairs}};
            my $id = $v->{kind} eq 'valid' && $v->{id} !~ /^=/ ? "=$v->{id}" : $v->{id};
            my ($row, $got, $truth, $said) = @{$seen{$id} // []};
            my $saw = defined $row ? esc($row) . ($row =~ /\S/ && "$got$truth" =~ /\d/ ? ': <b>' . esc($got) . '</b>, truth ' . esc($truth) : '') . '. ' : '';
            $html .= '<tr><td><code>' . esc($id) . "</code></td><td><pre class=\"plain change\" tabindex=\"0\"><code>$change</code></pre></td><td>$saw"
                . small_prose(($said // '') =~ /\S/ ? $said : $cause->{$id} // '', $p, "$course/$name/check.c") . '</td></tr>';
        }
        $html .= "</tbody></table></div></details>\n";
    }
    return "<p>$all wrong answers in all. What the checker saw is there when <code>make labs-selftest</code> has run.</p>\n$html";
}
sub looks_html { # which wrong answer looks right
    my $p = shift;
    my $script = "$course/looks_right.gp";
    my $png = "$out/labs/pictures/looks_right.png";
    my $alt = Task::alt_of($script) // 'Samples by the right reverse step and by nine wrong ones, side by side.';
    my $text = dress_text(esc($alt), $p, $script, 0);
    return qq{<figure class="missing"><figcaption>This figure is not drawn yet: <code>make labs-pictures</code> draws it. It shows: $text</figcaption></figure>\n} if !-s $png;
    copy($png, "$dir/figures/looks_right.png") or die "$png: $!\n";
    return '<figure><a href="figures/looks_right.png"><img src="figures/looks_right.png" alt="' . esc($alt) . '"' . png_size($png)
        . qq{ loading="lazy"></a><figcaption>$text</figcaption></figure>\n};
}
sub lab_body { # of an assignment, of the course's pages
    my $p = shift;
    my ($html, %seen) = ('');
    for my $b (@{$p->{blocks}}) {
        my $where = "$p->{source}:" . ($b->{line} // 1);
        if ($b->{prose}) { $html .= fragment_html($b->{fragment}, $p, $where) }
        elsif ($b->{title}) { $html .= '<h2>' . esc($b->{title}) . "</h2>\n" }
        elsif (defined $b->{open}) { $html .= fold(dress_text(esc($b->{open}), $p, $where, 0), $p->{lab} ? ' try' : '') }
        elsif ($b->{close}) { $html .= "</details>\n" }
        elsif ($b->{picture}) { $html .= lab_picture($p) }
        elsif ($b->{blank} && $b->{text}) {
            $html .= fold("The blank, <code>start.c</code>: " . @{$b->{text}} . ' lines', '') . pre($p, 1, $b->{text}) . "</details>\n" }
        elsif ($b->{made}) {
            my %make = (table => \&course_table, mistakes => \&mistakes_html, looks => \&looks_html,
                file => sub { platform_file($b->{of}, $p, $where) });
            if ($make{$b->{made}}) { $html .= $make{$b->{made}}->($p) }
            else { fault("$where: $b->{made} is nothing that can be made") }
        }
    }
    $html =~ s{<h2>(.*?)</h2>}{my ($t, $id) = ($1, lc $1 =~ s/<[^>]*>//gr); $id =~ s/[^a-z0-9]+/-/g; $id =~ s/^-|-$//g;
        $id = "$id-" . $seen{$id} if $seen{$id}++; "<h2 id=\"h-$id\">$t</h2>"}ge if $p->{kind} eq 'course';
    if ($p->{id} eq 'teacher') { # its parts, to go to
        my @h = $html =~ m{<h2 id="([^"]+)">(.*?)</h2>}g;
        my $list = '';
        while (my ($id, $t) = splice @h, 0, 2) { $list .= qq{<li><a href="#$id">$t</a></li>} =~ s{<a class[^>]*>(.*?)</a>}{$1}gr }
        $html = "<ul>$list</ul>\n$html";
    }
    return $html;
}

# ---- Pages ----

sub chunks { # of code: what stands between empty lines at the outermost level
    my ($line, $lines) = @_;
    my @chunks; my $deep = 0;
    for my $i (0 .. $#$lines) {
        my $s = $lines->[$i];
        my $new = !@chunks || ($i && $lines->[$i - 1] !~ /\S/ && $s =~ /^[A-Za-z_\/]/ && !$deep);
        push @chunks, {line => $line + $i, text => []} if $new;
        push @{$chunks[-1]{text}}, $s;
        my $bare = $s =~ s/"(\\.|[^"\\])*"|'(\\.|[^'\\])*'//gr;
            # braces tell whether a function is open
        $deep = 1 if $bare =~ /^[^\s#].*\{\s*(\/\*.*\*\/)?\s*(\\)?$/ && $s !~ /^#/ && $s !~ /^\s/
            || $bare =~ /^ {4}.*\) \{$/ && !$deep && $s !~ /^\s*#/ && 0;
        $deep = 0 if $s =~ /^\}/;
    }
    for my $c (@chunks) { pop @{$c->{text}} while @{$c->{text}} && $c->{text}[-1] !~ /\S/ }
    return grep { @{$_->{text}} } @chunks;
}
sub card { # what the caller of these functions needs to know
    my ($page, @names) = @_;
    my (%seen, $html) = ();
    $html = '';
    my @groups = grep { !$seen{$_}++ } map { $public{$_}{group} } @names;
    for my $g (@groups) {
        my @of = grep { $public{$_}{group} == $g } @names;
        my $many = @of > 5;
        $html .= '<p class="names">' . join(' ', map {
            qq{<a href="reference.html#$_">$_</a>} } @of) . '</p>';
        for my $n (@of) {
            next if !$public{$n}{doc};
            $html .= '<p>' . (@of > 1 ? '<b>' . ($n =~ s/^sgm_//r) . '</b>: '
                : '') . doc_html($public{$n}{doc}, $page) . '</p>';
        }
        $html .= '<p>' . doc_html($g->{doc}, $page) . '</p>' if $g->{doc} && grep {
            $public{$_}{shared} } @of;
        for my $n (@of) { $html .= '<p>' . doc_html($supplement{$n}, $page) . '</p>'
            if $supplement{$n} && !$public{$n}{doc} }
    }
    return qq{<aside class="card" aria-label="Interface">$html</aside>\n};
}
sub doc_html { my ($s, $page) = @_; return small_prose($s, $page, 'sgm.h, Part I') }
sub code_blocks {
    my ($page, $b) = @_;
    my $html = '';
    my $book = $page->{source} eq 'sgm.h';
    for my $c (chunks($b->{line}, $b->{text})) {
        my ($line, @t) = ($c->{line}, @{$c->{text}});
        my ($note, $open) = ('');
        if ($t[0] =~ m{^/\*} && $book) { # a comment about what follows
            my $end = 0;
            $end++ while $end < $#t && $t[$end] !~ m{\*/\s*$};
            if ($t[$end] =~ m{\*/\s*$} && $end < $#t) {
                my @com = splice @t, 0, $end + 1;
                $note = comment_text(join "\n", @com);
                $line += $end + 1;
            }
        }
        my $text = join "\n", @t;
        my @functions = grep { $defined{$_} && $defined{$_}{page} == $page
            && $defined{$_}{line} >= $line
            && $defined{$_}{line} < $line + @t } $text =~ /^SGM_API[^;{]*?\b(sgm_\w+)\s*\(/gm;
        @functions = grep { $public{$_} } @functions;
        my $private = $text =~ /^static\b[^;=]*?\b(?:sgm__|SGM__K\()(\w+)\)?\s*\([^;]*?\{/ms ? $1
            : '';
        $html .= card($page, @functions) if @functions && $book;
        my $said = $note ? '<p class="about">' . join('', map {
            qq{<span id="L$_"></span>} } $c->{line} .. $line - 1) . small_prose($note, $page,
            "sgm.h:$c->{line}") . "</p>\n" : '';
        my $pre = pre($page, $line, \@t);
        my $fold = $book && $page->{kind} eq 'book' && !@functions && $private && @t > 16
            && $text !~ /\([1-9]\.\d+\)/ && $note !~ /\([1-9]\.\d+\)/;
        if ($fold) { # a long helper
            my $first = $note =~ /^(.{8,90}?[.;:])(\s|$)/s ? $1 : '';
            $html .= qq{<details class="d2"><summary><code>sgm__$private</code>, a helper of }
                . scalar(@t) . " lines</summary>\n$said$pre</details>\n";
        } else { $html .= $said . $pre }
    }
    return $html;
}
sub widget_html {
    my $page = shift;
    my ($chapter) = ($page->{number} // '') =~ /^(\d)/ or return '';
    my $html = '';
    for my $w (grep { $_->{section} eq $chapter } @widgets) {
        if (!$has_widgets) { # not built
            $html .= '<p class="status">A figure to move belongs here: ' . esc(lcfirst $w->{title})
                . '. It is not built yet: <code>make web</code>, then <code>make book</code>.</p>'
                . "\n";
            next;
        }
        $html .= qq{<figure class="widget" data-widget="} . esc($w->{widget}) . '"><figcaption>'
            . esc($w->{title}) . '</figcaption><noscript><p>This figure computes as you move it, and needs JavaScript for that.</p></noscript></figure>' . "\n";
    }
    return $html;
}
sub lesson_of { my $step = shift; return grep { $_->{kind} eq 'lesson' } @{$step->{pages}} }
sub goes_on { # an exercise that an assignment takes up
    my ($p, $k) = @_;
    my $to = $exercise{"$p->{nn}.$k"} or return '';
    $p->{tried}{$k} = 1;
    return ' → ' . join ', ', map { lab_link($_, $p, "assignment $_", $course) } @$to;
}
sub course_of { # what a lesson's assignments are
    my @a = labs_of(shift) or return '';
    return '<p class="lesson-link">' . (@a > 1 ? 'Its assignments: ' : 'Its assignment: ')
        . join(', ', map { qq{<a href="$_->{file}">$_->{lab}{number} } . esc($_->{title}) . '</a>' }
        @a) . ".</p>\n";
}
sub body_of {
    my $p = shift;
    my $html = '';
    return lab_body($p) if $p->{lab} || $p->{kind} eq 'course';
    my $figures = 0;
    for my $k (0 .. $#{$p->{blocks}}) {
        my $b = $p->{blocks}[$k];
        if ($b->{heading}) {
            $html .= "</details>\n" if $p->{folded}; $p->{folded} = 0;
            my $h = esc($b->{heading});
            if ($h =~ /Details that have/) {
                $html .= qq{<details class="d2 section" id="s$b->{number}"><summary><h2>$h</h2></summary>\n}; $p->{folded} = 1 }
            else { $html .= qq{<h2 id="s$b->{number}">$h</h2>\n} }
            next;
        }
        if ($b->{prose}) {
            my $said = fragment_html($b->{fragment}, $p, "$p->{source}:$b->{line}");
            $said =~ s{<p>(?:<strong>)?\((\d)\)(?:(?!</p>).)*\K(?=</p>)}{goes_on($p, $1)}gse
                if $p->{kind} eq 'lesson';
            $html .= $said;
            if ($p->{nn} && !$figures++) {
                $html .= checks_html($p) if $p->{kind} eq 'proof';
                if ($p->{kind} eq 'proof') { $html .= figure_html($p, $_) for figures_of($p) }
            }
        } else { $html .= code_blocks($p, $b) }
    }
    $html .= "</details>\n" if $p->{folded};
    if ($p->{kind} eq 'lesson') { $html .= qq{<h2>What it draws</h2>\n}; $html .= figure_html($p,
        $_) for figures_of($p); $html .= checks_html($p) . course_of($p->{nn}) }
    if ($p->{closing}) {
        for my $l (lesson_of($p->{step})) {
            $html .= qq{<p class="lesson-link">The lesson of this step is <a href="$l->{file}">lesson $l->{nn}: } . esc($l->{title}) . "</a>.</p>\n" . course_of($l->{nn}) }
        $html .= widget_html($p);
        my %seen;
        for my $nn (grep { $topic{$_} && !$seen{$_}++ } map { /make (\d\d)/g } map { @{$_->{text}
            // []} } @{$p->{blocks}}) {
            my ($name) = figures_of($topic{$nn});
            $html .= figure_html($topic{$nn}, $name, $p) if $name && run_of($topic{$nn}{id});
        }
    }
    return $html;
}
sub name_of { # in the contents
    my $p = shift;
    my $t = esc($p->{title});
    return $p->{lab} ? "$p->{lab}{number} $t" : $p->{nn} ? "$p->{nn} $t" : ($p->{number} // '') =~ /\./ ? "§$p->{number} $t"
        : $p->{number} ? "$p->{number} $t" : $t;
}
sub toc {
    my $cur = shift;
    my $item = sub {
        my $p = shift;
        my $class = $p->{kind} eq 'lesson' ? ' class="lesson"' : $p->{depth} > 1
            && $p->{kind} eq 'book' ? ' class="more"' : '';
        my $here = $p == $cur ? ' aria-current="page"' : '';
        return qq{<li$class><a href="$p->{file}"$here>} . name_of($p) . '</a></li>';
    };
    my $html = '<ul>' . join('', map { $item->($_) } @front) . '</ul>';
    for my $s (@steps) {
        next if !@{$s->{pages}};
        my $open = $cur->{step} && $cur->{step} == $s ? ' open' : '';
        my $depth = $s->{title} eq 'Workshop' ? ' class="d3"' : '';
        $html .= "<details$open$depth><summary>" . esc($s->{title}) . '</summary><ul>' . join('',
            map { $item->($_) } @{$s->{pages}}) . '</ul></details>';
    }
    return $html . '<ul>' . join('', map { $item->($_) } @back) . ($page{playground} ? ''
        : '') . (-f "$out/playground.html" ? '<li><a href="playground.html">Playground</a></li>'
        : '') . '</ul>';
}
sub symbols_html { # those that this page uses, with the meaning here
    my $p = shift;
    my $number = $p->{number} // ($p->{lab} ? $p->{lab}{sections}[0] // $p->{lab}{chapters}[0] : '') // '';
    my ($chapter) = $number =~ /^((?:10|[1-9A-H]))/;
    my $text = NFD($letters{$p->{id}} // '');
    return '' if !$text || $p->{kind} =~ /^(front|course)$/;
    my %best;
    for my $s (@symbols) {
        my $rank = $s->{where} eq '*' ? 1 : $chapter && $s->{where} eq $chapter ? 2
            : $s->{where} eq $number ? 3 : 0;
        next if !$rank;
        my $bare = NFD($s->{symbol}) =~ s/\$//gr =~ s/\s+//gr;
        my $squeezed = $text =~ s/\s+//gr;
        my ($first) = split /,/, $bare;
        my $pattern = quotemeta($first);
        next unless length $first == 1 ? $text =~ /(?<![A-Za-z\\{])$pattern(?![A-Za-z])/
            : index($squeezed, $first) >= 0;
        $best{$s->{symbol}} = [$rank, $s] if !$best{$s->{symbol}} || $best{$s->{symbol}}[0] < $rank;
    }
    my @rows = map { $_->[1] } sort { $b->[0] <=> $a->[0]
        || $a->[1]{symbol} cmp $b->[1]{symbol} } values %best;
    return '' if !@rows;
    my $html = '<details class="symbols"><summary>Symbols on this page</summary><table><thead><tr><th>symbol</th><th>in C</th><th>here</th></tr></thead><tbody>';
    for my $s (@rows) {
        my ($sym, $mean) = map { my $h = fragment_html($s->{$_}, $p, "$here/symbols.tsv");
            $h =~ s{^\s*<p>|</p>\s*$}{}g; $h } qw(sym fragment);
        $html .= "<tr><td>$sym</td><td>" . ($s->{c} =~ /\S/ ? '<code>' . esc($s->{c}) . '</code>'
            : '') . "</td><td>$mean</td></tr>";
    }
    return "$html</tbody></table></details>\n";
}
sub one_paragraph { my $h = shift; $h =~ s{^\s*<p>|</p>\s*$}{}g; return $h }
sub place_link { # "§5.2", "§5", "proof 30", a page's title
    my ($place, $p, $where) = @_;
    return topic_link($2, $p, $place, $where) if $place =~ /^(proof|lesson) (\d\d)$/;
    my $to = $home{$place} // $home{$place =~ s/^(§|chapter |appendix )//r};
    if (!$to) { fault("$where: no section $place"); return esc($place) }
    return qq{<a href="$to">} . esc($place =~ s/^§([1-9])$/chapter $1/r) . '</a>';
}
sub words_body {
    my $p = $page{words};
    my $html = "<p>The field's words, as this book uses them, and the section that explains each.</p>\n<dl class=\"words\">\n";
    for my $w (sort { lc $a->{word} cmp lc $b->{word} } @words) {
        my $where = join ', ', map { place_link($_, $p, "$here/words.tsv: $w->{word}") } grep {
            length } split /\s*[;,]\s*/, $w->{where} // '';
        $html .= '<dt id="' . word_id($w->{word}) . '">' . esc($w->{word}) . ($w->{also}
            ? ' <span class="also">(' . esc($w->{also}) . ')</span>' : '') . '</dt><dd>'
            . one_paragraph(fragment_html($w->{fragment}, $p, "$here/words.tsv")) . ($where
            ? " <span class=\"at\">$where</span>" : '') . "</dd>\n";
    }
    return "$html</dl>\n";
}
sub symbols_body {
    my $p = $page{symbols};
    my $html = "<p>What each letter means. Where the same letter means another thing in one chapter or section, the page of that section has its own table.</p>\n";
    my %by;
    push @{$by{$_->{where}}}, $_ for @symbols;
    for my $where (sort { ($a eq '*' ? '' : $a) cmp ($b eq '*' ? '' : $b) || $a cmp $b } keys %by) {
        my $h = $where eq '*' ? 'Everywhere' : $where =~ /\./ ? section_link($where, $p, "§$where",
            "$here/symbols.tsv") : 'Chapter ' . section_link($where, $p, $where,
            "$here/symbols.tsv");
        $html .= "<h2>$h</h2><div class=\"wide\"><table><thead><tr><th>symbol</th><th>in C</th><th>meaning</th></tr></thead><tbody>";
        for my $s (@{$by{$where}}) {
            $html .= '<tr><td>' . one_paragraph(fragment_html($s->{sym}, $p, "$here/symbols.tsv"))
                . '</td><td>' . ($s->{c} =~ /\S/ ? '<code>' . esc($s->{c}) . '</code>'
                : '') . '</td><td>' . one_paragraph(fragment_html($s->{fragment}, $p,
                "$here/symbols.tsv")) . '</td></tr>';
        }
        $html .= '</tbody></table></div>';
    }
    return $html;
}
sub reference_body {
    my $p = $page{reference};
    my %kinds = (function => [], type => [], constant => [], macro => []);
    push @{$kinds{$public{$_}{kind}}}, $_ for sort keys %public;
    my $html = "<p>What you may call, in the order of the chapters, as it stands in the header. Beneath each group: what it does, where each name is defined, and what uses it.</p>\n";
    $html .= '<details class="index"><summary>All names by the alphabet</summary>';
    for my $k (qw(function type constant macro)) {
        $html .= '<h2>' . ucfirst($k) . 's (' . @{$kinds{$k}} . ')</h2><ul class="columns">'
            . join('', map { qq{<li><a href="#$_">$_</a></li>} } @{$kinds{$k}}) . '</ul>';
    }
    $html .= "</details>\n";
    my %anchored;
    for my $g (@group) {
        if ($g->{head}) { $html .= '<h2 id="' . ($g->{head} =~ /^(\w)\./ ? "i$1" : 'i') . '">'
            . esc($g->{head}) . "</h2>\n"; next }
        if ($g->{prose}) { $html .= fragment_html($g->{fragment}, $p, "sgm.h:$g->{line}"); next }
        if ($g->{note}) { $html .= '<p>' . doc_html($g->{note}, $p) . "</p>\n"; next }
        my $names = grep { $public{$_}{group} == $g } keys %public;
        next if !$names;
        my %mine = map { $_ => $anchored{$_} // 0 } keys %public;
        # an anchor stands where the name is declared
        my %allow = map { $_ => 1 } grep { $public{$_}{group} != $g } keys %public;
        $html .= '<section class="entry">' . pre($p, $g->{line}, $g->{code}, \%allow);
        $html .= '<p>' . doc_html($g->{doc}, $p) . "</p>\n" if $g->{doc};
        my @names = sort { $public{$a}{line} <=> $public{$b}{line} || $a cmp $b } grep {
            $public{$_}{group} == $g } keys %public;
        $html .= '<ul class="where">';
        my $uses = '';
        for my $n (@names) {
            my $d = $defined{$n};
            my $label = $d && $d->{body} ? ($d->{page}{number} ? "§$d->{page}{number}"
                : $d->{page}{title}) : '';
            my $at = $label ? qq{defined at <a href="} . at($d) . qq{">$label, line $d->{line}</a>}
                : '';
            my $extra = $supplement{$n} ? doc_html($supplement{$n}, $p) : '';
            my $use = used_where($used{$n} // {}, undef);
            $uses .= "<li><code>$n</code> " . ($use || 'nowhere else') . '</li>';
            $html .= "<li><code>$n</code> " . join('; ', grep { $_ } $extra, $at) . '</li>' if $at
                || $extra;
        }
        $html .= "</ul><details class=\"used\"><summary>used at</summary><ul class=\"where\">$uses</ul></details></section>\n";
    }
    return $html;
}
sub index_body {
    my $p = $page{index};
    my $html = $p->{html};
    my $t = '<div class="wide" tabindex="0" role="region" aria-label="The path"><table class="path"><thead><tr><th>step</th><th>read</th><th>run</th>' . (@labs ? '<th>assignments</th>' : '') . '</tr></thead><tbody>';
    for my $s (@steps) {
        next if $s->{title} =~ /^(The course|Proofs|Workshop)$/ || !@{$s->{pages}};
        my ($first) = @{$s->{pages}};
        my @l = lesson_of($s);
        my @a = labs_of(map { $_->{nn} } @l);
        my @read = grep { $_->{kind} eq 'book' && $_->{depth} == 1 } @{$s->{pages}};
        $t .= '<tr><td>' . qq{<a href="$first->{file}">} . esc($s->{title}) . '</a></td><td>'
            . join(' ', map { my $n = $_->{number} ? ($_->{number} =~ /\./ ? "§$_->{number}"
            : "chapter $_->{number}") : $_->{title}; qq{<a href="$_->{file}">} . esc($n)
            . '</a>' } @read)
            . '</td><td>' . join('<br>', map { qq{<a href="$_->{file}">$_->{nn} }
                . esc($_->{title}) . '</a>' } @l) . '</td>'
            . (@labs ? '<td>' . lab_list(@a) . '</td>' : '') . '</tr>';
    }
    my ($proof) = grep { $_->{kind} eq 'proof' } @topics; 
    $t .= '</tbody></table></div><p>After that, the <a href="' . $proof->{file}
        . '">proofs</a>: other objectives, architectures, speed, real images, published mistakes.</p>' if $proof;
    $html =~ s{<p>\{\{path\}\}</p>}{$t};
    $html .= '<p><a href="playground.html">The playground</a> trains and samples on one page, with everything to be turned.</p>' if -f "$out/playground.html";
    return $html;
}
my $version = (slurp('sgm.h') =~ /#define SGM_VERSION "([^"]+)"/)[0];
sub page_html {
    my ($p, $body) = @_;
    my ($k) = grep { $order[$_] == $p } 0 .. $#order;
    my ($prev, $next) = ($k ? $order[$k - 1] : undef, $order[$k + 1]);
    my ($prev1) = grep { $_->{depth} == 1 } reverse @order[0 .. $k - 1];
    my ($next1) = grep { $_->{depth} == 1 } @order[$k + 1 .. $#order];
    my $link = sub { my ($q, $q1, $rel, $word) = @_; return '<span></span>' if !$q;
        my $first = $q1 && $q1 != $q ? ' data-first="' . $q1->{file} . '" data-first-name="'
            . esc(unesc(name_of($q1))) . '"' : '';
        return qq{<a class="$rel" rel="$rel" href="$q->{file}"$first><small>$word</small> <span>}
            . name_of($q) . '</span></a>' };
    my $turn = '<nav class="turn" aria-label="Previous and next page">' . $link->($prev, $prev1,
        'prev', 'before') . $link->($next, $next1, 'next', 'next') . '</nav>';
    my $number = $p->{lab} ? "Assignment $p->{lab}{number}" : $p->{nn} ? ($p->{kind} eq 'lesson' ? "Lesson $p->{nn}" : "Proof $p->{nn}")
        : ($p->{number} // '') =~ /\./ ? '§' . $p->{number} . ($p->{closing} ? ", §$p->{closing}"
        : '') : ($p->{number} // '') =~ /^\d/ ? "Chapter $p->{number}" : $p->{number}
        ? "Appendix $p->{number}" : '';
    my $source = $p->{nn} ? qq{<p class="source"><code>tutorial/$p->{id}.c</code>, run by <code>make $p->{nn}</code></p>} : '';
    $source = needs_html($p) if $p->{lab};
    my $step = $p->{step} && $p->{step}{title} =~ /^\d/ ? '<p class="step">Step '
        . esc($p->{step}{title}) . '</p>' : '';
    my $note = $p->{step} && $p->{step}{note} && $p->{step}{pages}[0] == $p ? '<p class="note">'
        . dress_text(esc($p->{step}{note}), $p, "$here/order.tsv", 0) . '</p>' : '';
    my $title = esc(($number ? "$number " : '') . $p->{title});
    my $templates = '';
    for my $n (sort keys %{$p->{eqs} // {}}) {
        my $e = $equation{$n} or next;
        $templates .= qq{<template data-eq="$n">} . side_by_side($e->{formula}) . '</template>'
            if $e->{page} != $p;
    }
    for my $w (sort keys %{$p->{words} // {}}) {
        my $entry = $word_of{lc $w};
        $templates .= '<template data-word="' . esc($w) . '">' . one_paragraph($entry->{plain})
            . '</template>';
    }
    my $widgets = $has_widgets && $body =~ /class="widget"/
        ? '<script src="widgets.js" defer></script>' : '';
    my $symbols = symbols_html($p);
    my $toc = toc($p);
    my $reading = $p->{kind} =~ /^(front|course)$/ ? ' front' : '';
    return <<"HTML";
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · sgm.h</title>
<link rel="stylesheet" href="style.css">
<link rel="icon" href="data:,">
<script src="book.js"></script>$widgets
</head>
<body class="$p->{kind}" data-depth="$p->{depth}">
<a class="skip" href="#main">Skip to the text</a>
<header class="top"><a class="home" href="index.html">sgm.h <small>$version</small></a><div class="switches"></div></header>
<nav class="toc" aria-label="Contents"><details class="menu"><summary>Contents</summary><div class="list">$toc</div></details></nav>
<main id="main" tabindex="-1" aria-labelledby="title">
<article class="text$reading">
$step<h1 id="title">@{[$number ? "<small>$number</small> " : '']}@{[esc($p->{title})]}</h1>
$source$note$symbols$body</article>
$turn
</main>
$templates
</body>
</html>
HTML
}

# small comments' formulas are read here, in a third and last call
{
    my %more;
    for my $p (@order) { for my $b (grep { !$_->{prose} && $_->{text} } @{$p->{blocks}}) {
        my $t = join "\n", grep { m{^/\*} .. m{\*/\s*$} } @{$b->{text}};
        $t =~ s/`[^`]*`//g;
        while ($t =~ /\$(?=\S)([^\$]+?)(?<=\S)\$/g) { $more{$1 =~ s/\s+/ /gr} = 1 }
    } }
    my @tex = grep { !defined $formula_of{"i$_"} } sort keys %more;
    if (@tex) {
        my ($html, $err) = batch('commonmark-raw_html+tex_math_dollars', [map { '$' . tex($_)
            . '$' } @tex], '--mathml');
        fault("pandoc: $err") if $err =~ /\S/;
        for my $k (0 .. $#tex) {
            my $h = $html->[$k];
            next unless $h =~ m{^\s*<p>(<math.*</math>)</p>\s*$}s;
            $h = $1; $h =~ s{<annotation.*?</annotation>}{}gs; $h =~ s{</?semantics>}{}g;
                $h =~ s{ xmlns="[^"]*"}{};
            push @formula, {tex => $tex[$k], html => $h}; $formula_of{"i$tex[$k]"} = $#formula;
        }
    }
}
# the word list's texts, without links, for the cards
for my $w (@words) {
    my $h = $prose_html->[$w->{fragment}];
    $h =~ s/\x{E000}(\d+)\x{E001}/$formula[$1]{html}/g;
    $w->{plain} = $h;
}
my $index_md = slurp("$here/index.md") // '';
my ($index_html) = batch('commonmark-raw_html+pipe_tables+smart', [$index_md]);
$page{index}{html} = dress($index_html->[0], $page{index}, "$here/index.md");
$page{index}{html} =~ s{<h(\d) id="[^"]*">}{<h$1>}g;

my %html;
for my $p (@order) {
    my $body = $p->{id} eq 'index' ? index_body() : $p->{id} eq 'reference' ? reference_body()
        : $p->{id} eq 'words' ? words_body()
        : $p->{id} eq 'symbols' ? symbols_body() : body_of($p);
    $p->{body} = $body if $want_pdf;
    $html{$p->{file}} = page_html($p, $body);
}

for my $e (sort keys %exercise) { # an exercise is there if its page has shown it
    my ($nn, $k) = split /\./, $e;
    fault("$course/exercises.tsv: lesson $nn has no exercise ($k)") if $topic{$nn} && !$topic{$nn}{tried}{$k};
}

# ---- What is promised of links and anchors ----

my %ids;
for my $file (sort keys %html) {
    my %here;
    while ($html{$file} =~ / id="([^"]+)"/g) { fault("$file: the anchor $1 is there twice")
        if $here{$1}++ }
    $ids{$file} = \%here;
}
for my $file (sort keys %html) {
    while ($html{$file} =~ / (?:href|src|data-first)="([^"]+)"/g) {
        my $to = unesc($1);
        next if $to =~ /^(data:|https?:|figures\/)/
            || $to =~ /^(style\.css|book\.js|widgets\.js|playground\.html)$/;
        my ($f, $a) = $to =~ /^([^#]*)(?:#(.*))?$/;
        $f = $file if $f eq '';
        if (!$html{$f}) { fault("$file: links to $f, which is not there") }
        elsif (defined $a && !$ids{$f}{$a}) {
            fault("$file: links to $f#$a, where there is no such anchor") }
    }
    fault("$file: an image without a text") if $html{$file} =~ /<img(?![^>]* alt="[^"]+")/;
    fault("$file: a formula was left out") if $html{$file} =~ /[\x{E000}-\x{E013}]/;
}
spew("$dir/$_", $html{$_}) for keys %html;
for my $f (qw(style.css book.js)) { copy("$here/$f", "$dir/$f") or die "$here/$f: $!\n" }
copy("$out/web/widgets.js", "$dir/widgets.js") if $has_widgets;
copy("$out/playground.html", "$dir/playground.html") if -f "$out/playground.html";
if (@faults) {
    print STDERR "book: $_\n" for @faults;
    print STDERR 'book: ' . @faults . " faults\n";
    exit 1;
}
if ($want_pdf) { make_pdf(); exit }
printf "book: %d pages, %d equations, %d formulas, %d public names: open %s/index.html\n",
    scalar @order, scalar @equations, scalar @formula, scalar(keys %public), $dir;

# ---- The same on paper: one page for the whole, which Chromium prints ----

sub make_pdf {
    my ($browser) = grep { -x } map { my $d = $_;
        map { "$d/$_" } qw(chromium chromium-headless-shell google-chrome) } split /:/, $ENV{PATH};
    if (!$browser) { print STDERR "book.pdf: printing needs Chromium (apt-get install chromium); out/book/*.html print from any browser\n"; exit 1 }
    my @in = grep { $_->{kind} =~ /^(book|lesson)$/ && $_->{depth} < 3
        || $_->{id} =~ /^(header|reference|words|symbols)$/ } @order;
    my %in = map { $_->{file} => $_ } @in;
    my ($text, $contents, $step) = ('', '', '');
    for my $p (@in) {
        my $number = $p->{nn} ? "Lesson $p->{nn}" : ($p->{number} // '') =~ /\./ ? "§$p->{number}"
            : $p->{number} // '';
        my $new = $p->{step} && $p->{step}{title} ne $step;
        $step = $p->{step}{title} if $p->{step};
        my $class = $new || !$p->{step} ? 'page first' : $p->{nn} ? 'page lesson' : 'page';
        $contents .= "<li class=\"step\">" . esc($step) . '</li>' if $new;
        $contents .= qq{<li><a href="#P-$p->{id}">} . name_of($p) . '</a></li>';
        my $body = $p->{body};
        $body =~ s{<a ([^>]*?)href="([^"#]*)(#[^"]*)?"([^>]*)>(.*?)</a>}{
            my ($a, $file, $anchor, $b, $t) = ($1, $2, $3 // '', $4, $5);
            $file eq '' || $in{$file} ? "<a ${a}href=\"" . ($anchor || "#P-$in{$file}{id}")
                . "\"$b>$t</a>" : $file =~ /^figures/ ? $t : $t}gse;
        $body =~ s{<template.*?</template>}{}gs;
        $body =~ s{ loading="lazy"}{}g;
        $text .= qq{<section class="$class" id="P-$p->{id}">} . ($new ? '<p class="step">'
            . esc($step) . '</p>' : '')
            . '<h1>' . ($number ? "<small>$number</small> " : '') . esc($p->{title})
                . "</h1>\n$body</section>\n";
    }
    spew("$dir/book-all.html", <<"HTML");
<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>sgm.h $version, the book</title><link rel="stylesheet" href="style.css"></head>
<body class="whole"><main><article class="text">
<section class="cover"><h1>sgm.h</h1><p>Score-based generative models in one C99 header: library, book and lessons. Version $version.</p>
<p>The proofs and the workshop, Part III, are in the pages for a browser and in the files themselves.</p></section>
<section class="page first"><h1>Contents</h1><ul class="contents">$contents</ul></section>
$text</article></main></body></html>
HTML
    use Cwd 'abs_path';
    my $page = 'file://' . abs_path("$dir/book-all.html");
    my $said = `'$browser' --headless --no-sandbox --disable-gpu --no-pdf-header-footer --print-to-pdf='$out/book.pdf' '$page' 2>&1`;
    if (!-s "$out/book.pdf") { print STDERR "book.pdf: $browser printed nothing: $said\n"; exit 1 }
    printf "book.pdf: %s (%.1f MB)\n", "$out/book.pdf", (-s "$out/book.pdf") / 1e6;
}
