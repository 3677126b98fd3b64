#!/usr/bin/perl
# A real browser, driven by perl's core modules alone: Chromium without a window, spoken to through
# two pipes (its DevTools protocol, --remote-debugging-pipe). No port, no driver, no network; it ends
# when this process ends, however that ends.
#
# As a program:
#     perl tests/browser.pl shot PAGE.html OUT.png [WIDTH [HEIGHT]] [dark] [print] [full]
#     perl tests/browser.pl                        what is here; "skipped: ..." and status 0 without
# As a module:
#     require './tests/browser.pl';
#     my $b = Browser->new or do { print "skipped: $Browser::why\n"; exit 0 };
#     $b->size(360, 800);                 the viewport, in CSS pixels; ->size(360, 800, 2): of 2 dots
#     $b->scheme('dark'); $b->media('print');       '' gives each back
#     $b->still(1);                       prefers-reduced-motion
#     $b->open('out/book/index.html');    a file or a URL, also with ?…#…; waits until it has loaded
#     my $title = $b->js('return document.title');  the body of an async function; arguments[0] ...
#     my $sum = $b->js('return arguments[0] + arguments[1]', 1, 2);    are what follows, by JSON
#     my $ok = $b->until('return window.done', 20); asks until it is true, 20 s at most
#     my @lines = $b->console;            what the page said since last asked: {level, text, where}
#     my @lines = $b->errors;             of them errors, exceptions and files that did not load
#     my @urls = $b->requests;            what it asked for since then that is no file: or data:
#     $b->click('#run'); $b->hover('#plot', .2, .5); $b->drag('#plot', .2,.5, .8,.5);   in shares of
#     $b->touch('#plot', .2,.5, .8,.5);   the element's box, which is scrolled into view before
#     $b->key('ArrowRight', 3); $b->key('Tab'); $b->key('Shift+Tab'); $b->key('Enter'); $b->key(' ');
#     $b->focus('#beta'); $b->type('0.5');
#     $b->shot('out/page.png');           a picture of the viewport; ->shot($file, 1): the whole page
#     $b->pdf('out/page.pdf');
#     my @nodes = $b->tree;               what a screen reader sees: {role, name, value, focusable, id}
#     my @nodes = $b->tree(1);           the same without texts and parts of formulas, faster
#     $b->cdp('Emulation.setCPUThrottlingRate', {rate => 4});      any other command of the protocol
#     $b->seconds                         of the processor that it has taken
#     $b->stop;                           at the end; happens by itself, too
# Whatever fails dies with a sentence. Text is perl's characters, not bytes.
package Browser;
use strict;
use warnings;
use Cwd ();
use File::Temp ();
use JSON::PP ();
use MIME::Base64 ();
use POSIX ();
use Time::HiRes ();

our $why = '';
# --no-sandbox: it opens pages of this tree alone, also as root and within a container
my @flags = (qw(--headless --no-sandbox --remote-debugging-pipe --disable-gpu --disable-dev-shm-usage
    --no-first-run --no-default-browser-check --disable-extensions --disable-component-update
    --disable-background-networking --disable-sync --disable-default-apps --disable-breakpad
    --disable-crash-reporter --mute-audio --hide-scrollbars --force-color-profile=srgb
    --password-store=basic), "--disable-features=Translate,MediaRouter,OptimizationHints");
my $json = JSON::PP->new->utf8->allow_nonref;

sub program { # the browser's path, or undef
    my @names = $ENV{BROWSER_PROGRAM} || ();
    push @names, qw(chromium-headless-shell chromium chromium-browser google-chrome-stable google-chrome);
    for my $name (@names) {
        for my $dir ($name =~ m{/} ? '' : split /:/, $ENV{PATH}) {
            my $path = $dir eq '' ? $name : "$dir/$name";
            return $path if -f $path && -x $path;
        }
    }
    $why = 'no chromium here; make setup installs it';
    return undef;
}

sub new {
    my ($class, %o) = @_;
    my $program = program() or return undef;
    my $home = File::Temp->newdir('browserXXXXXX', TMPDIR => 1, CLEANUP => 0);
    pipe(my $in_read, my $in) && pipe(my $out, my $out_write) or die "no pipe: $!\n";
    binmode $_ for $in, $out;
    my $owner = $$;
    my $pid = fork // die "no process: $!\n";
    if (!$pid) {
        setpgrp;
        my ($r, $w) = (POSIX::dup2(fileno $in_read, 63), POSIX::dup2(fileno $out_write, 64));
        POSIX::dup2(63, 3); POSIX::dup2(64, 4);
        POSIX::close($_) for 5 .. 64;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$home/said"; open STDERR, '>&', \*STDOUT;
        $ENV{HOME} = $ENV{XDG_CONFIG_HOME} = $ENV{XDG_CACHE_HOME} = "$home";
        delete @ENV{qw(DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS)};
        { no warnings "exec"; exec $program, @flags, "--user-data-dir=$home", "about:blank"; }
        POSIX::_exit(127);
    }
    close $in_read; close $out_write;
    my $self = bless {pid => $pid, owner => $owner, in => $in, out => $out, home => "$home", id => 0,
        buffer => '', events => [], console => [], requests => [], limit => $o{limit} || 60}, $class;
    my $ok = eval {
        my $target = $self->send('Target.createTarget', {url => 'about:blank'})->{targetId};
        $self->{session} =
            $self->send('Target.attachToTarget', {targetId => $target, flatten => JSON::PP::true})->{sessionId};
        $self->cdp("$_.enable") for qw(Page Runtime Log Network);
        $self->size($o{width} || 1024, $o{height} || 768);
        1;
    };
    if (!$ok) {
        $why = "$program does not start: $@";
        if (open my $said, '<', "$home/said") { my @l = <$said>; $why .= join '', grep {defined} @l[-5 .. -1] }
        $self->stop;
        return undef;
    }
    return $self;
}

sub stop {
    my $self = shift;
    return if $self->{stopped}++ || $$ != $self->{owner};
    local ($?, $!, $@);
    local $SIG{PIPE} = 'IGNORE';
    eval { $self->{limit} = 5; $self->post('Browser.close', {}, undef) };
    close $self->{in}; close $self->{out};
    for (1 .. 100) {
        last if waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
        kill 'KILL', -$self->{pid} if $_ == 60;
        Time::HiRes::sleep(.05);
    }
    require File::Path;
    for (1 .. 20) { # its helpers may still be writing there
        File::Path::remove_tree($self->{home}, {error => \my $errors});
        last if !-e $self->{home};
        Time::HiRes::sleep(.05);
    }
}
sub seconds { # of the processor, of all its processes that still live (where there is a /proc)
    my $self = shift;
    my $ticks = 0;
    for (glob "/proc/[0-9]*/stat") {
        CORE::open my $f, "<", $_ or next;
        my ($after) = (<$f> // "") =~ /^.*\) (.*)/ or next;
        my @n = split " ", $after;
        $ticks += $n[11] + $n[12] + $n[13] + $n[14] if $n[2] == $self->{pid};
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}
sub DESTROY { $_[0]->stop }

sub post { # sends a command, returns its number
    my ($self, $method, $params, $session) = @_;
    my $message = {id => ++$self->{id}, method => $method, params => $params};
    $message->{sessionId} = $session if defined $session;
    my $bytes = $json->encode($message) . "\0";
    local $SIG{PIPE} = 'IGNORE';
    for (my $at = 0; $at < length $bytes;) {
        my $n = syswrite $self->{in}, $bytes, length($bytes) - $at, $at;
        defined $n or die "the browser is gone ($method): $!\n";
        $at += $n;
    }
    return $self->{id};
}

sub receive { # the next message, or undef after so many seconds
    my ($self, $seconds) = @_;
    my $end = Time::HiRes::time() + $seconds;
    while ((my $at = index $self->{buffer}, "\0") < 0) {
        my $left = $end - Time::HiRes::time();
        my $bits = '';
        vec($bits, fileno $self->{out}, 1) = 1;
        my $ready = select $bits, undef, undef, $left > 0 ? $left : 0;
        next if $ready < 0;
        return undef if !$ready;
        sysread($self->{out}, $self->{buffer}, 1 << 20, length $self->{buffer}) or die "the browser is gone\n";
    }
    my $at = index $self->{buffer}, "\0";
    my $bytes = substr $self->{buffer}, 0, $at;
    substr($self->{buffer}, 0, $at + 1) = '';
    $bytes = without_texts($bytes) if $self->{light};
    my $message = $json->decode($bytes);
    $self->note($message) if $message->{method};
    return $message;
}

sub note { # an event
    my ($self, $message) = @_;
    my ($method, $p) = ($message->{method}, $message->{params});
    if ($method eq 'Runtime.consoleAPICalled') {
        my $text = join ' ', map { defined $_->{value} ? $_->{value} : $_->{description} // $_->{type} } @{$p->{args}};
        my $at = ($p->{stackTrace}{callFrames} || [])->[0];
        push @{$self->{console}}, {level => $p->{type}, text => $text, where => $at ? "$at->{url}:" . ($at->{lineNumber} + 1) : ''};
    } elsif ($method eq 'Runtime.exceptionThrown') {
        my $e = $p->{exceptionDetails};
        push @{$self->{console}}, {level => 'error', text => $e->{exception}{description} // $e->{text},
            where => ($e->{url} // '') . ':' . ($e->{lineNumber} + 1)};
    } elsif ($method eq 'Log.entryAdded') {
        my $e = $p->{entry};
        push @{$self->{console}}, {level => $e->{level}, text => $e->{text}, where => $e->{url} // ''};
    } elsif ($method eq 'Network.requestWillBeSent') {
        my $url = $p->{request}{url};
        push @{$self->{requests}}, $url if $url !~ /^(file|data|blob|about):/;
    } elsif ($method =~ /^Page\.(loadEventFired|javascriptDialogOpening)$/) {
        push @{$self->{events}}, $method;
        push @{$self->{console}}, {level => 'error', text => 'the page opened a dialog', where => ''} if $1 ne 'loadEventFired';
    }
}

sub send { # a command and its answer
    my ($self, $method, $params, $session) = @_;
    my $id = $self->post($method, $params || {}, $session);
    my $end = Time::HiRes::time() + $self->{limit};
    while (1) {
        my $message = $self->receive($end - Time::HiRes::time());
        die "no answer to $method within $self->{limit} s\n" if !$message;
        next if !defined $message->{id} || $message->{id} != $id;
        die "$method: $message->{error}{message}\n" if $message->{error};
        return $message->{result};
    }
}
sub cdp { my ($self, $method, $params) = @_; return $self->send($method, $params, $self->{session}) }

sub url { # of a file's name
    my $name = shift;
    return $name if $name =~ /^(file|data|about|https?):/;
    my ($path, $rest) = $name =~ /^([^?#]*)(.*)$/s;
    -e $path or die "no file $path\n";
    $path = Cwd::abs_path($path);
    utf8::encode($path) if utf8::is_utf8($path);
    $path =~ s{([^A-Za-z0-9/._~-])}{sprintf '%%%02X', ord $1}ge;
    return "file://$path$rest";
}

sub open {
    my ($self, $name) = @_;
    my $url = url($name);
    @{$self->{events}} = ();
    my $answer = $self->cdp('Page.navigate', {url => $url});
    die "$url: $answer->{errorText}\n" if $answer->{errorText};
    return if !$answer->{loaderId}; # only the anchor has changed
    my $end = Time::HiRes::time() + $self->{limit};
    until (grep { $_ eq 'Page.loadEventFired' } @{$self->{events}}) {
        $self->receive($end - Time::HiRes::time()) or die "$url has not loaded within $self->{limit} s\n";
    }
}

sub size {
    my ($self, $w, $h, $dots) = @_;
    $self->cdp('Emulation.setDeviceMetricsOverride',
        {width => $w + 0, height => $h + 0, deviceScaleFactor => ($dots || 1) + 0, mobile => JSON::PP::false});
}
sub emulate {
    my $self = shift;
    $self->cdp('Emulation.setEmulatedMedia', {media => $self->{media} // '', features => [
        {name => 'prefers-color-scheme', value => $self->{scheme} // ''},
        {name => 'prefers-reduced-motion', value => $self->{still} ? 'reduce' : ''}]});
}
sub scheme { my ($self, $s) = @_; $self->{scheme} = $s; $self->emulate }
sub media { my ($self, $m) = @_; $self->{media} = $m; $self->emulate }
sub still { my ($self, $s) = @_; $self->{still} = $s; $self->emulate }

sub js {
    my ($self, $body, @arguments) = @_;
    my $list = $json->encode(\@arguments);
    utf8::decode($list);
    my $answer = $self->cdp('Runtime.evaluate', {expression => "(async function () {$body\n}).apply(null, $list)",
        awaitPromise => JSON::PP::true, returnByValue => JSON::PP::true, userGesture => JSON::PP::true});
    if (my $e = $answer->{exceptionDetails}) {
        die 'script: ', $e->{exception}{description} // $e->{exception}{value} // $e->{text}, "\n";
    }
    return $answer->{result}{value};
}
sub until {
    my ($self, $body, $seconds) = @_;
    my $end = Time::HiRes::time() + ($seconds || 10);
    while (1) {
        my $got = $self->js($body);
        return $got if $got;
        return undef if Time::HiRes::time() > $end;
        Time::HiRes::sleep(.05);
    }
}

sub console { # an answer in hand means that all events before it have come
    my $self = shift;
    $self->js('');
    my @lines = @{$self->{console}};
    @{$self->{console}} = ();
    return @lines;
}
sub errors { my $self = shift; return grep { $_->{level} =~ /^(error|assert)$/ } $self->console }
sub requests { my $self = shift; my @urls = @{$self->{requests}}; @{$self->{requests}} = (); return @urls }

sub at { # a place in an element's box, by shares of it, in pixels of the viewport
    my ($self, $selector, $u, $v) = @_;
    my $box = $self->js('const e = document.querySelector(arguments[0]); if (!e) return null;' .
        'const in_view = b => b.top >= 0 && b.left >= 0 && b.bottom <= innerHeight && b.right <= innerWidth;' .
        'if (!in_view(e.getBoundingClientRect())) e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});' .
        'const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]', $selector)
        or die "no element $selector\n";
    return ($box->[0] + ($u // .5) * $box->[2], $box->[1] + ($v // .5) * $box->[3]);
}
sub mouse {
    my ($self, $type, $x, $y, $down) = @_;
    $self->cdp('Input.dispatchMouseEvent', {type => $type, x => $x, y => $y, button => $down || $type ne 'mouseMoved' ? 'left' : 'none',
        buttons => $down ? 1 : 0, clickCount => $type eq 'mouseMoved' ? 0 : 1, pointerType => 'mouse'});
}
sub hover { my ($self, $s, $u, $v) = @_; $self->mouse('mouseMoved', $self->at($s, $u, $v), 0) }
sub click {
    my ($self, $s, $u, $v) = @_;
    my @p = $self->at($s, $u, $v);
    $self->mouse('mouseMoved', @p, 0);
    $self->mouse('mousePressed', @p, 1);
    $self->mouse('mouseReleased', @p, 0);
}
sub drag { # by ten moves
    my ($self, $s, $u0, $v0, $u1, $v1) = @_;
    my ($x0, $y0) = $self->at($s, $u0, $v0);
    my ($x1, $y1) = $self->at($s, $u1, $v1);
    $self->mouse('mouseMoved', $x0, $y0, 0);
    $self->mouse('mousePressed', $x0, $y0, 1);
    $self->mouse('mouseMoved', $x0 + $_ / 10 * ($x1 - $x0), $y0 + $_ / 10 * ($y1 - $y0), 1) for 1 .. 10;
    $self->mouse('mouseReleased', $x1, $y1, 0);
}
sub touch {
    my ($self, $s, $u0, $v0, $u1, $v1) = @_;
    my ($x0, $y0) = $self->at($s, $u0, $v0);
    my ($x1, $y1) = defined $u1 ? $self->at($s, $u1, $v1) : ($x0, $y0);
    $self->cdp('Emulation.setTouchEmulationEnabled', {enabled => JSON::PP::true});
    my $send = sub { $self->cdp('Input.dispatchTouchEvent', {type => $_[0], touchPoints => $_[1]}) };
    $send->('touchStart', [{x => $x0, y => $y0}]);
    if (defined $u1) { $send->('touchMove', [{x => $x0 + $_ / 10 * ($x1 - $x0), y => $y0 + $_ / 10 * ($y1 - $y0)}]) for 1 .. 10 }
    $send->('touchEnd', []);
    $self->cdp('Emulation.setTouchEmulationEnabled', {enabled => JSON::PP::false});
}

my %code = (Tab => 9, Enter => 13, Escape => 27, ' ' => 32, PageUp => 33, PageDown => 34, End => 35, Home => 36,
    ArrowLeft => 37, ArrowUp => 38, ArrowRight => 39, ArrowDown => 40, Backspace => 8, Delete => 46);
sub key {
    my ($self, $key, $times) = @_;
    my $modifiers = 0;
    $modifiers |= {Alt => 1, Ctrl => 2, Meta => 4, Shift => 8}->{$1} while $key =~ s/^(Alt|Ctrl|Meta|Shift)\+(?=.)//;
    my %e = (key => $key, code => $key eq ' ' ? 'Space' : length $key > 1 ? $key : 'Key' . uc $key, modifiers => $modifiers,
        windowsVirtualKeyCode => $code{$key} // ord uc $key);
    $e{code} = "Digit$key" if $key =~ /^[0-9]$/;
    my $text = $key eq 'Enter' ? "\r" : length $key == 1 && !($modifiers & 7) ? $key : undef;
    for (1 .. $times || 1) {
        $self->cdp('Input.dispatchKeyEvent', {type => defined $text ? 'keyDown' : 'rawKeyDown', %e, defined $text ? (text => $text) : ()});
        $self->cdp('Input.dispatchKeyEvent', {type => 'keyUp', %e});
    }
}
sub type { my ($self, $text) = @_; $self->cdp('Input.insertText', {text => $text}) }
sub focus {
    my ($self, $selector) = @_;
    $self->js('const e = document.querySelector(arguments[0]); if (!e) return 0; e.focus(); return document.activeElement === e', $selector)
        or die "no element $selector that takes the focus\n";
}

sub keep { my ($file, $bytes) = @_; CORE::open my $f, '>:raw', $file or die "$file: $!\n"; print $f $bytes; close $f or die "$file: $!\n" }
sub shot {
    my ($self, $file, $whole) = @_;
    my %o = (format => 'png');
    if ($whole) {
        my $size = $self->cdp('Page.getLayoutMetrics')->{cssContentSize};
        %o = (%o, captureBeyondViewport => JSON::PP::true, clip => {x => 0, y => 0, width => $size->{width},
            height => $size->{height} > 16000 ? 16000 : $size->{height}, scale => 1});
    }
    keep($file, MIME::Base64::decode_base64($self->cdp('Page.captureScreenshot', \%o)->{data}));
}
sub pdf {
    my ($self, $file) = @_;
    keep($file, MIME::Base64::decode_base64($self->cdp('Page.printToPDF', {printBackground => JSON::PP::true,
        preferCSSPageSize => JSON::PP::true})->{data}));
}

sub without_texts { # an accessibility tree without what is ignored, text or part of a formula: a tenth to decode
    my $bytes = shift;
    my ($head, $nodes, $tail) = $bytes =~ m~^(.*?"nodes":\[)(.*)(\]\}.*?)$~s or return $bytes;
    my @nodes = grep { !m~"ignored":true|"role":\{[^}]*"value":"(?:InlineTextBox|StaticText|ListMarker|MathML(?!Math)\w*)"~ } split /(?<=\}),(?=\{"nodeId":)/, $nodes;
    return $head . join(',', @nodes) . $tail;
}
sub tree {
    my ($self, $light) = @_;
    local $self->{light} = $light;
    my @nodes;
    for my $n (@{$self->cdp('Accessibility.getFullAXTree')->{nodes}}) {
        next if $n->{ignored};
        my %p = map { $_->{name} => $_->{value}{value} } @{$n->{properties} || []};
        push @nodes, {role => $n->{role}{value}, name => $n->{name}{value} // '', value => $n->{value}{value},
            focusable => $p{focusable} ? 1 : 0, level => $p{level}, id => $n->{backendDOMNodeId}};
    }
    return @nodes;
}

sub main {
    my ($what, $page, $file, @rest) = @ARGV;
    my $b = Browser->new or do { print "skipped: $why\n"; return 0 };
    if (!defined $what) { print $b->send('Browser.getVersion')->{product}, " at ", program(), "\n"; return 0 }
    if ($what ne 'shot' || !defined $file) { print STDERR "perl tests/browser.pl shot PAGE.html OUT.png [WIDTH [HEIGHT]] [dark] [print] [full]\n"; return 2 }
    my %is = map { $_ => 1 } grep { /^(dark|print|full)$/ } @rest;
    my ($w, $h) = grep { /^\d+$/ } @rest;
    $b->size($w || 1024, $h || 768);
    $b->scheme('dark') if $is{dark};
    $b->media('print') if $is{print};
    $b->open($page);
    Time::HiRes::sleep(.3);
    $b->shot($file, $is{full});
    print "$_->{level}: $_->{text} $_->{where}\n" for $b->console;
    return 0;
}
$SIG{$_} //= sub { exit 130 } for qw(INT TERM HUP); # so that DESTROY is reached
exit main() unless caller;
1;
