#!/usr/bin/perl
# Holds web pages to what a reader may expect, whoever made them: the book, the report, the map, the playground.
#
#     perl tests/book.pl [links|browser|all] FOLDER_OR_PAGE ...     one line for each kind of fault; ends "N passed, N failed"
#
# links: what the files tell by themselves. browser: what only Chromium tells, all pages in one session (tests/browser.pl);
# without Chromium that part says "skipped: ...". Each kind is tried on a planted page that has every fault, in every run.
use strict;
use warnings;
use utf8;
use Cwd 'abs_path';
use File::Temp ();
BEGIN { require './tests/browser.pl' }
binmode $_, ':utf8' for *STDOUT, *STDERR;

our %faults; # kind => [complaints]
sub fault { my ($kind, $page, $what) = @_; push @{$faults{$kind}}, "$page: $what" }
sub slurp { my $f = shift; open my $h, '<:encoding(UTF-8)', $f or die "$f: $!\n"; local $/; my $t = <$h>; return $t }
sub plain { my $s = shift; $s =~ s/&quot;/"/g; $s =~ s/&#39;/'/g; $s =~ s/&lt;/</g; $s =~ s/&gt;/>/g; $s =~ s/&amp;/&/g; return $s }

# ---- what the files tell

our %page; # path => {ids, links, title}
my $quiet = qr/^(?:pre|code|kbd|samp|script|style|annotation|textarea|svg|title)$/; # where $ and \ mean themselves
my $void = qr/^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/;

sub read_page {
    my $path = shift;
    return $page{$path} if $page{$path};
    my $html = slurp($path);
    my %p = (ids => {}, links => [], images => [], headings => [], text => '', doubled => [], tags => {}, title => '', lang => '', view => 0);
    my ($mute, @open) = (0);
    while ($html =~ m{<!--.*?-->|<(script|style)\b([^>]*)>(.*?)</\1\s*>|<(/?)([a-zA-Z][-\w]*)((?:[^>"']|"[^"]*"|'[^']*')*)>|([^<]+)|<}gs) {
        if (defined $7) {
            my $text = $7;
            $p{text} .= $text if !$mute;
            $p{title} .= $text if @open && $open[-1] eq 'title';
            $p{headings}[-1][1] .= $text if grep { /^h[1-6]$/ } @open;
            next;
        }
        my $whole = defined $1;
        my ($name, $rest, $end) = defined $1 ? (lc $1, $2, '') : defined $5 ? (lc $5, $6, $4) : next;
        if ($end) {
            while (@open) { my $o = pop @open; $mute-- if $o =~ $quiet; last if $o eq $name }
            $p{text} .= ' ' if $name !~ /^(?:a|b|i|em|strong|span|sub|sup)$/;
            next;
        }
        my %a;
        while ($rest =~ /([^\s=\/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g) { $a{lc $1} = plain($2 // $3 // $4 // '') }
        $p{tags}{$name}++;
        $p{roles}{$a{role}}++ if $a{role};
        if (defined $a{id}) { push @{$p{doubled}}, $a{id} if $p{ids}{$a{id}}++ }
        $p{ids}{$a{name}}++ if $name eq 'a' && defined $a{name};
        push @{$p{links}}, [$name, $_, $a{$_}] for grep { defined $a{$_} } qw(href src poster data);
        push @{$p{links}}, [$name, 'srcset', $_] for map { /(\S+)/ ? $1 : () } split /,/, $a{srcset} // '';
        push @{$p{images}}, [$a{src} // $name, $a{alt} // $a{'aria-label'}, $a{role} // '', $a{'aria-hidden'} // ''] if $name eq 'img';
        push @{$p{images}}, [$a{'data-widget'} // $a{id} // $name, $a{'aria-label'} // $a{'aria-labelledby'}, $a{role} // '', $a{'aria-hidden'} // ''] if $name eq 'canvas';
        push @{$p{headings}}, [$1, ''] if $name =~ /^h([1-6])$/;
        $p{lang} = $a{lang} // '' if $name eq 'html';
        $p{view} = 1 if $name eq 'meta' && ($a{name} // '') eq 'viewport';
        next if $whole || $name =~ $void || $rest =~ m{/\s*$};
        push @open, $name;
        $mute++ if $name =~ $quiet;
    }
    $p{text} = plain($p{text});
    return $page{$path} = \%p;
}

sub folder { my $p = shift; $p =~ s{[^/]*$}{}; return $p }
sub check_files {
    my ($base, @pages) = @_;
    my (%title, %reached);
    for my $path (@pages) {
        (my $short = $path) =~ s/^\Q$base\E//;
        my $p = read_page($path);
        fault('names', $short, "two things have the id \"$_\"") for @{$p->{doubled}};
        fault('names', $short, 'has no title') if $p->{title} !~ /\S/;
        fault('names', $short, "has the title of $title{$p->{title}}") if $title{$p->{title}};
        $title{$p->{title}} ||= $short;
        fault('names', $short, 'does not say its language') if !$p->{lang};
        fault('names', $short, 'has no viewport: a phone would show it as a wide page') if !$p->{view};
        fault('landmarks', $short, 'has no main part') if !$p->{tags}{main} && !$p->{roles}{main};
        for my $l (@{$p->{links}}) {
            my ($name, $attribute, $to) = @$l;
            next if $to =~ /^(?:data|javascript|mailto|blob):/ || $to eq '';
            if ($to =~ m{^(?:https?:)?//}) {
                fault('network', $short, "<$name> fetches $to") if $name !~ /^(?:a|area)$/;
                next;
            }
            my ($file, $anchor) = $to =~ /^([^?#]*)(?:\?[^#]*)?(?:#(.*))?$/s;
            s/%([0-9A-Fa-f]{2})/chr hex $1/ge for grep { defined } $file, $anchor;
            utf8::decode($_) for grep { defined && !utf8::is_utf8($_) && /[^\0-\x7f]/ } $file, $anchor;
            my $target = $file eq '' ? $path : $file =~ m{^/} ? $file : folder($path) . $file;
            $target .= 'index.html' if -d $target && $target =~ m{/$};
            1 while $target =~ s{[^/]+/\.\./}{};
            $target =~ s{/\./}{/}g;
            if (!-e $target) { fault('links', $short, "no file $to"); next }
            $reached{$target} = 1 if $target ne $path;
            next if !defined $anchor || $anchor eq '' || $target !~ /\.html?$/;
            fault('links', $short, "no anchor $to") if !read_page($target)->{ids}{$anchor} && $anchor !~ /=/;
        }
        for my $i (@{$p->{images}}) {
            my ($what, $text, $role, $hidden) = @$i;
            next if $role =~ /^(?:presentation|none)$/ || $hidden eq 'true';
            fault('texts', $short, "$what has no text") if ($text // '') !~ /\S/;
        }
        my ($last, $ones) = (0, 0);
        for my $h (@{$p->{headings}}) {
            my ($level, $text) = @$h;
            $ones++ if $level == 1;
            fault('headings', $short, "h$level \"$text\" after h$last") if $level > $last + 1;
            fault('headings', $short, "an h$level says nothing") if $text !~ /\S/;
            $last = $level;
        }
        fault('headings', $short, "has $ones headings of the first rank") if $ones != 1;
        my $raw = $p->{text};
        fault('formulas', $short, "raw TeX: " . substr($raw, $-[0] > 20 ? $-[0] - 20 : 0, 60) =~ s/\s+/ /gr)
            if $raw =~ /\\(?:frac|sum|int|mathrm|text|qquad|bar|hat|dot|sqrt|log|left|right|begin)\b|\$\$|\$[^\s\$][^\$\n]{0,80}\$/;
    }
    return \%reached;
}

# ---- what a browser tells

my $tools = <<'JS';
const shown = e => { const s = getComputedStyle(e); return s.visibility !== 'hidden' && e.getClientRects().length > 0 && !(s.clipPath === 'inset(50%)' || s.clip === 'rect(0px, 0px, 0px, 0px)'); };
const called = e => { let t = e.tagName.toLowerCase(); if (e.id) t += '#' + e.id; else if (e.classList.length) t += '.' + [...e.classList].join('.');
    const words = (e.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 30); return words ? t + ' "' + words + '"' : t; };
const marks = [...document.querySelectorAll('[data-page]')];
const from = e => { let l = 0, r = marks.length; while (l < r) { const m = (l + r) >> 1; if (marks[m].compareDocumentPosition(e) & 4) l = m + 1; else r = m; } return l ? marks[l - 1].dataset.page + ': ' : ''; };
const scrolls = e => { for (let p = e; p && p !== document.body && p !== document.documentElement; p = p.parentElement)
    if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return p !== e || p.scrollWidth >= p.clientWidth; return false; };
JS
my $too_wide = $tools . <<'JS';
for (const d of document.querySelectorAll('details')) d.open = true;
const width = innerWidth, found = [];
if (document.documentElement.scrollWidth <= width) return [];
for (const e of document.body.querySelectorAll('*')) {
    const b = e.getBoundingClientRect();
    if (b.right > width + 1 && b.width > 0 && !(e.parentElement && scrolls(e.parentElement))) found.push(from(e) + called(e) + ' ends at ' + Math.round(b.right));
    if (found.length >= 8) break;
}
return found.length ? found : ['something is ' + document.documentElement.scrollWidth + ' wide'];
JS
my $contrast = $tools . <<'JS';
const ink = document.createElement('canvas').getContext('2d', {willReadFrequently: true}), known = {};
const colour = text => known[text] || (known[text] = (() => { const m = text.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
    if (m) return [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
    ink.clearRect(0, 0, 1, 1); ink.fillStyle = text; ink.fillRect(0, 0, 1, 1); const d = ink.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; })());
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const probe = document.createElement('div'); probe.style.backgroundColor = 'Canvas'; document.body.append(probe);
const paper = colour(getComputedStyle(probe).backgroundColor); probe.remove();
const behind = new Map();
const ground = e => { if (!e) return paper; if (behind.has(e)) return behind.get(e); const s = getComputedStyle(e), below = ground(e.parentElement);
    const g = below && (s.backgroundImage !== 'none' ? null : over(colour(s.backgroundColor), below)); behind.set(e, g); return g; };
const light = c => { const l = c.slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
const texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) if (/\S/.test(walk.currentNode.data)) { const e = walk.currentNode.parentElement; if (texts[texts.length - 1] !== e) texts.push(e); }
const found = new Map(), kinds = new Set();
for (const e of texts) { // one of each kind: its tag, class and style, and those of what it stands in
    let kind = ''; for (let p = e, n = 0; p && n < 4; p = p.parentElement, n++) kind += p.tagName + '.' + p.className + (p.getAttribute('style') || '') + '>';
    if (kinds.has(kind)) continue;
    if (/^(script|style|noscript|option|annotation|title|desc)$/i.test(e.tagName) || e.closest('[aria-hidden=true], [disabled], svg') || !shown(e)) continue;
    kinds.add(kind);
    const label = e.closest('label'); if (label && label.control && label.control.disabled) continue;
    const s = getComputedStyle(e), g = ground(e);
    if (!g) continue;
    const c = colour(s.color).slice(); for (let p = e; p; p = p.parentElement) { const o = +getComputedStyle(p).opacity; if (o < 1) c[3] *= o; }
    const a = light(over(c, g)), b = light(g), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05), size = parseFloat(s.fontSize);
    const need = size >= 24 || (size >= 18.66 && +s.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < need - .005) found.set(s.color + ' on ' + g.slice(0, 3).map(Math.round), from(e) + called(e) + ' has the contrast ' + ratio.toFixed(2) + ': ' + s.color + ' on ' + g.slice(0, 3).map(Math.round));
}
return [...found.values()].slice(0, 4);
JS
my $pictures = $tools . <<'JS';
for (const i of document.images) i.loading = 'eager';
await Promise.all([...document.images].map(i => i.decode().catch(() => 0)));
return [...document.images].filter(i => !i.naturalWidth).map(i => from(i) + (i.getAttribute('src') || '').slice(0, 80));
JS
my $printed = $tools . <<'JS';
window.dispatchEvent(new Event('beforeprint'));
if (marks.length) for (const d of document.querySelectorAll('main details')) d.open = true; // a sheet has no script
const found = [];
if (!/playground/.test(location.pathname)) for (const e of document.querySelectorAll('nav, button, input, select')) // a page to play with is no text
    if (shown(e)) { found.push(from(e) + called(e) + ' is printed'); if (found.length > 3) break; }
for (const d of document.querySelectorAll('details')) {
    d.open = false;
    if (!d.getClientRects().length) continue;
    const inside = [...d.children].filter(c => c.tagName !== 'SUMMARY' && /\S/.test(c.textContent) && getComputedStyle(c).display !== 'none');
    if (inside.length && !inside.some(c => c.checkVisibility() && c.getBoundingClientRect().height > 0)) { found.push(from(d) + 'a fold stays shut: ' + called(d)); if (found.length > 6) break; }
}
for (const e of document.querySelectorAll('pre, table, math[display=block]')) {
    const box = /auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX) ? e : e.parentElement;
    if (shown(e) && /auto|scroll|hidden|clip/.test(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1) { found.push(from(e) + called(e) + ' is cut at the right'); if (found.length > 9) break; }
}
window.dispatchEvent(new Event('afterprint'));
return found;
JS
my $blank = <<'JS'; # 1 where a canvas shows more than one colour
const look = c => { if (!c.width || !c.height) return 0; const t = document.createElement('canvas'); t.width = Math.min(c.width, 200); t.height = Math.min(c.height, 200);
    const x = t.getContext('2d'); x.drawImage(c, 0, 0, t.width, t.height); const d = new Uint32Array(x.getImageData(0, 0, t.width, t.height).data.buffer);
    let hash = 2166136261, mixed = 0; for (const v of d) { hash = Math.imul(hash ^ v, 16777619); if (v !== d[0]) mixed = 1; } return mixed ? hash >>> 0 || 1 : 0; };
JS

sub is_book { $_[0] =~ m{/book/(?!playground)} } # playground: a page of its own make
# What a page looks like at three widths, in two themes and on paper.
sub looks {
    my ($b, $short, $path) = @_;
    my $say = sub { my ($kind, $in, $what) = @_; $what =~ s/^([-\w.]+\.html): // ? fault($kind, $1, "$in$what") : fault($kind, $short, "$in$what") };
    $b->open('about:blank'); # so that no large page is laid out anew
    $b->media('');
    $b->size(360, 800);
    $b->scheme('light');
    eval { $b->open($path); 1 } or return fault('console', $short, $@);
    $say->('images', '', "$_ has not loaded") for @{$b->js($pictures)};
    for my $width (360, $path =~ m{/sheet\d+\.html$} ? () : (800, 1400)) {
        $b->size($width, 800) if $width != 360;
        $say->('width', "at $width px ", $_) for @{$b->js($too_wide)};
    }
    $say->('contrast', 'in light ', $_) for @{$b->js($contrast)};
    $b->scheme('dark');
    $say->('contrast', 'in dark ', $_) for @{$b->js($contrast)};
    $b->scheme('');
    paper($b, $say);
}
sub paper {
    my ($b, $say) = @_;
    $b->media('print');
    $b->size(690, 1000); # a sheet of A4 between its margins
    $say->('print', '', $_) for @{$b->js($printed)};
}
sub ends { # what the session has heard since the last page
    my ($b, $short) = @_;
    fault('console', $short, "$_->{text} ($_->{where})") for $b->errors;
    fault('network', $short, "asks for $_") for $b->requests;
}

# Many pages of one book as few: the first one's frame around the main parts of all. A layout costs little then.
sub sheets {
    my ($dir, @pages) = @_;
    return if !@pages;
    my ($frame, @sheets) = slurp($pages[0]);
    my ($head) = $frame =~ m{^(.*?<main\b[^>]*>)}s or return;
    my ($tail) = $frame =~ m{(</main>.*)$}s;
    s{<script\b[^>]*>.*?</script>|<nav\b.*?</nav>}{}gs for $head, $tail;
    my $base = Browser::url(folder($pages[0])) . '/';
    $head =~ s{<head>|(<html\b[^>]*>)(?!\s*<head>)}{($1 // '') . '<head><base href="' . $base . '">'}e;
    my $text = '';
    my $flush = sub { push @sheets, "$dir/sheet" . @sheets . '.html'; open my $f, '>:utf8', $sheets[-1] or die "$sheets[-1]: $!\n"; print $f $head, $text, $tail; close $f; $text = '' };
    for my $path (@pages) {
        my ($main) = slurp($path) =~ m{<main\b[^>]*>(.*)</main>}s or next;
        $main =~ s{<script\b[^>]*>.*?</script>}{}gs;
        $text .= '<i hidden data-page="' . ($path =~ s{^.*/}{}r) . "\"></i>$main";
        $flush->() if length $text > 1_000_000;
    }
    $flush->() if length $text;
    return @sheets;
}

our $patience = 10; # seconds for a widget to draw
# One page as somebody meets it who has a keyboard and a screen reader.
sub by_hand {
    my ($b, $short, $listen) = @_;
    my (%role, $math);
    for my $node ($listen ? $b->tree(1) : ()) {
        $role{$node->{role}}++;
        $math = 1 if $node->{role} =~ /^math/i;
        fault('tree', $short, "a $node->{role} that takes the focus has no name") if $node->{focusable} && $node->{role} !~ /^(?:RootWebArea|main|scrollable|generic|none)$/i && $node->{name} !~ /\S/;
        fault('tree', $short, "a $node->{role} has no name") if $node->{role} =~ /^(?:image|img|canvas|figure)$/i && $node->{name} !~ /\S/ && $node->{role} ne 'figure';
    }
    fault('landmarks', $short, 'a screen reader finds no main part') if $listen && !$role{main};
    fault('tree', $short, 'a screen reader finds no formula, though the page has some') if $listen && !$math && $b->js('return [...document.querySelectorAll("math")].some(m => m.checkVisibility())');
    if ($listen > 1) { # the frame of a page, which a sheet has not
        $b->scheme('dark');
        for my $width (360, 800, 1400) {
            $b->size($width, 800);
            fault('width', $short, "in dark at $width px $_") for @{$b->js($too_wide)};
        }
        fault('contrast', $short, "in dark $_") for @{$b->js($contrast)};
        $b->scheme('');
        paper($b, sub { fault($_[0], $short, $_[2]) });
        $b->media('');
        $b->size(1000, 800);
    }
    my $folds = $b->js('let n = 0; const find = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility({contentVisibilityAuto: true}) && e.getAttribute("aria-pressed") !== "true").slice(0, 2).map(e => { e.dataset.tried = ++n; return n; });' .
        'return [find("details > summary"), find("[aria-expanded], [aria-pressed], [role=switch]")]');
    my $state = 'const e = document.querySelector(`[data-tried="${arguments[0]}"]`); return e.tagName === "SUMMARY" ? String(e.parentElement.open) : ' .
        '["aria-expanded", "aria-pressed", "aria-checked"].map(a => e.getAttribute(a)).join()';
    for my $n (map { @$_ } @$folds) {
        my $before = $b->js($state, $n);
        my $ok = eval { $b->focus("[data-tried=\"$n\"]"); $b->key('Enter'); 1 };
        fault('keys', $short, 'a switch that a keyboard does not move: ' . $b->js("$tools return called(document.querySelector(`[data-tried=\"\${arguments[0]}\"]`))", $n))
            if !$ok || $b->js($state, $n) eq $before;
        $b->key('Enter') if $ok;
    }
    my $radio = $b->js('const r = [...document.querySelectorAll("input[type=radio]:checked")].find(e => e.checkVisibility()); if (!r) return 0; r.dataset.was = 1; r.focus(); return document.activeElement === r ? 1 : 2');
    if ($radio) {
        $b->key('ArrowRight');
        fault('keys', $short, 'a choice that a keyboard does not move') if $radio == 2 || $b->js('return document.querySelector("[data-was]").checked');
        $b->key('ArrowLeft');
    }
    my $number = 'const a = [...document.querySelectorAll("pre a.eq[data-eq]")].find(a => document.getElementById("E" + a.dataset.eq));';
    if ($b->js("$number if (!a) return 0; for (let e = a; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true; a.id = 'tried'; return 1")) {
        $b->click('#tried');
        fault('numbers', $short, 'an equation number in code that lights up nothing') if !$b->js('const a = document.getElementById("tried"); return document.getElementById("E" + a.dataset.eq).matches(".lit") && !!a.closest(".lit")');
        $b->key('Escape');
    }
    for my $i (0 .. $b->js('return document.querySelectorAll("[data-widget]").length') - 1) {
        my $find = "const w = document.querySelectorAll('[data-widget]')[$i]; const name = w.dataset.widget;";
        my $name = $b->js("$find w.scrollIntoView({block: 'center', behavior: 'instant'}); return name");
        my $drawn = "$find $blank return [...w.querySelectorAll('canvas')].map(look).filter(x => x).join()";
        if (!$b->until("$find $blank return [...w.querySelectorAll('canvas')].some(look) || w.querySelectorAll('svg *').length > 3", $patience)) {
            fault('widgets', $short, "$name has drawn nothing");
            $patience = 2;
            next;
        }
        my $before = $b->js("$find const r = w.querySelector('input[type=range]'); if (!r) return null; r.focus(); $blank return [...w.querySelectorAll('canvas')].map(look).join() + '|' + r.value + '|' + r.max");
        if (!defined $before) { fault('widgets', $short, "$name has no slider"); next }
        my (undef, $value, $max) = split /\|/, $before;
        $b->key($value < $max ? 'ArrowRight' : 'ArrowLeft', 3);
        $b->until("$find const r = w.querySelector('input[type=range]'); $blank const now = [...w.querySelectorAll('canvas')].map(look).join(); return r.value != arguments[0] && now != arguments[1]" =~
            s/arguments\[0\]/'$value'/r =~ s/arguments\[1\]/"'" . (split m{\|}, $before)[0] . "'"/re, $patience) or fault('widgets', $short, "$name is the same after its slider has moved");
    }
}

# ---- a page with every fault

sub planted {
    my $dir = shift;
    my $page = "$dir/planted.html";
    open my $f, '>:utf8', $page or die "$page: $!\n";
    print $f <<'HTML';
<!doctype html><html><head><meta charset="utf-8"><title>Faults</title><style>
@media (prefers-color-scheme: dark) { body { background: #000; color: #222 } } .pale { color: #ccc; background: #fff } pre { overflow: auto }</style>
<script src="https://example.invalid/x.js"></script></head><body><nav>printed</nav><h1>One</h1><h3>Three</h3><p id="a" class="pale">Pale words</p><p id="a">raw $\frac12$ TeX</p>
<a href="nowhere.html">lost</a> <a href="#nowhere">lost</a> <img src="missing.png"> <button></button> <div style="width:500px">wide</div>
<pre>012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789</pre>
<details><summary tabindex="-1" onkeydown="event.preventDefault()" onclick="event.preventDefault()">stuck</summary><p>never seen</p></details>
<button aria-pressed="false" aria-label="stuck">x</button><input type="radio" checked aria-label="alone"><p id="E1.1">f = x</p><pre><a class="eq" data-eq="1.1" href="#E1.1">(1.1)</a></pre><div data-widget="dead"><canvas width="9" height="9"></canvas></div>
<script>console.error('planted')</script></body></html>
HTML
    close $f;
    return $page;
}
sub copied { # the pages, and behind them the copy of one with faults
    my ($dir, @pages) = @_;
    return if !@pages;
    my $html = slurp($pages[0]);
    $html =~ s{</main>}{<div style="width:500px">wide</div><img src="copied.png" alt="x"><p style="color:#ccc;background:#fff">pale</p><nav>printed</nav><pre style="overflow:auto;white-space:pre">@{['0123456789' x 30]}</pre></main>};
    open my $f, '>:utf8', "$dir/copy.html" or die "$dir/copy.html: $!\n";
    print $f $html;
    close $f;
    return (@pages, "$dir/copy.html");
}
sub seen {
    my ($found, %want) = @_;
    my @lost;
    for my $kind (sort keys %want) {
        for my $word (@{$want{$kind}}) { push @lost, "$kind: $word" if !grep { /$word/ } @{$found->{$kind} || []} }
    }
    return @lost;
}
my %static_want = (links => ['no file nowhere', 'no anchor #nowhere', 'no file missing'], names => ['two things', 'language', 'viewport'], landmarks => ['no main'],
    network => ['fetches https'], texts => ['missing.png has no text', 'dead|canvas'], headings => ['h3 "Three" after h1'], formulas => ['frac']);
my %live_want = (console => ['planted'], network => ['example.invalid'], images => ['missing.png'], width => ['at 360 px div "wide"', 'in dark'],
    contrast => ['in light p#a "Pale', 'in dark p#a'], print => ['nav "printed" is printed', 'a fold stays shut', 'pre .* is cut'], tree => ['button .*no name'],
    landmarks => ['reader finds no main'], keys => ['summary "stuck"', 'button "x"', 'a choice'], numbers => ['lights up nothing'], widgets => ['dead has drawn nothing']);

# ---- all of it

my ($passed, $failed) = (0, 0);
sub report {
    my ($name, @wrong) = @_;
    if (@wrong) { $failed++; print "FAILED  $name\n"; print "        $_\n" for @wrong[0 .. ($#wrong < 11 ? $#wrong : 11)]; print '        and ', @wrong - 12, " more\n" if @wrong > 12 }
    else { $passed++; print "ok      $name\n" }
}

my @what = @ARGV;
my $how = @what && $what[0] =~ /^(?:links|browser|all)$/ ? shift @what : 'all';
die "perl tests/book.pl [links|browser|all] FOLDER_OR_PAGE ...\n" if !@what;
my @pages = sort map { -d $_ ? glob(abs_path($_) . '/*.html') : abs_path($_) } @what;
@pages or die "no pages in @what\n";
my $base = folder($pages[0]);
for (@pages) { chop $base, $base =~ s{[^/]*$}{} while length $base && index($_, $base) != 0 }
my $temporary = File::Temp->newdir;
my $planted = planted(abs_path("$temporary"));
my $n = @pages;

if ($how ne 'browser') {
    { local (%faults, %page); check_files(folder($planted), $planted); report('a planted page has every fault that a file can tell', seen(\%faults, %static_want)); }
    my $reached = check_files($base, @pages);
    for my $path (grep { is_book($_) && !m{/index\.html$} } @pages) { fault('links', $path =~ s/^\Q$base\E//r, 'no page leads here') if !$reached->{$path} }
    report("every link and anchor of $n pages leads somewhere, every page is led to", @{$faults{links} || []});
    report('pages have titles, languages, ids of their own', @{$faults{names} || []});
    report('nothing is fetched from the network', @{$faults{network} || []});
    report('every image and canvas has a text', @{$faults{texts} || []});
    report('headings are in order', @{$faults{headings} || []});
    report('no raw TeX is left', @{$faults{formulas} || []});
    report('pages have a main part', @{$faults{landmarks} || []});
}
if ($how ne 'links') {
    my $b = Browser->new;
    if (!$b) { print "skipped: $Browser::why\n" }
    else {
        %faults = ();
        { local (%faults, $patience); $patience = .5; looks($b, 'planted.html', $planted); $b->media(''); $b->size(1000, 800); by_hand($b, 'planted.html', 2); ends($b, 'planted.html'); report('a planted page has every fault that a browser can tell', seen(\%faults, %live_want)); }
        # the looks of all pages, those of a book in sheets; by hand the first two of each kind, and all that have widgets
        my @book = grep { is_book($_) } @pages;
        looks($b, $_ =~ s{^.*/}{}r, $_), ends($b, $_ =~ s{^.*/}{}r) for sheets("$temporary", copied("$temporary", @book)), grep { !is_book($_) } @pages;
        if (@book) { # and what was planted in the copy of one of them is taken off
            my %copy;
            for my $kind (keys %faults) {
                $copy{$kind} = [grep { /^copy\.html: |copied\.png/ } @{$faults{$kind}}];
                $faults{$kind} = [grep { !/^copy\.html: |copied\.png/ } @{$faults{$kind}}];
            }
            report('so has the copy of a page of the book', seen(\%copy, images => ['copied.png'], width => ['at 360 px div "wide"'], contrast => ['in light p "pale"', 'in dark p "pale"'],
                print => ['nav "printed" is printed', 'pre .* is cut']));
        }
        my (%kind, @deep);
        for my $path (@pages) {
            my $kind = $path =~ m{/([^/]*)\.html$} ? $1 =~ s{^0\d_.*}{lesson}r =~ s{^\d\d_.*}{proof}r =~ s{^[A-Z]\b|\d+}{0}gr : '';
            my $first = $kind =~ /^(?:lesson|proof|0|0\.0|index|lab0|teacher|reference|symbols|report|map|playground)$/ && !$kind{$kind}++;
            next if !$first && slurp($path) !~ /<figure[^>]*data-widget|<div[^>]*data-widget/;
            push @deep, $path;
            my $short = $path =~ s/^\Q$base\E//r;
            $b->open('about:blank');
            $b->media('');
            $b->size(1000, 800);
            eval { $b->open($path); 1 } or do { fault('console', $short, $@); next };
            by_hand($b, $short, $first ? 1 + ($kind =~ /^(?:index|0\.0|lesson)$/) : 0);
            ends($b, $short);
        }
        report("pages load without an error", @{$faults{console} || []});
        report('and without the network', @{$faults{network} || []});
        report('all images have loaded', @{$faults{images} || []});
        report('nothing is wider than a window of 360, 800, 1400 px', @{$faults{width} || []});
        report('words stand out, in light and in dark (4.5)', @{$faults{contrast} || []});
        report('printed: all of the text, nothing to press', @{$faults{print} || []});
        my $m = @deep;
        report("a screen reader finds the parts of $m pages", @{$faults{landmarks} || []});
        report('and names for all that can be moved or seen', @{$faults{tree} || []});
        report('a keyboard moves folds and switches', @{$faults{keys} || []});
        report('an equation number in code lights up formula and line', @{$faults{numbers} || []});
        report('widgets draw, and draw anew when a slider moves', @{$faults{widgets} || []});
        printf "        %.0f s of the processor, %.0f of them Chromium's\n", $b->seconds + (times)[0] + (times)[1], $b->seconds;
        $b->stop;
    }
}
print "$passed passed, $failed failed\n";
exit($failed ? 1 : 0);
