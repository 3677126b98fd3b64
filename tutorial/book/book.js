/* What the pages do beyond HTML: light or dark, three depths, the contents at the side, and cards
that show a formula or a word's meaning. All is readable without. */
(function () {
    'use strict';
    var root = document.documentElement, query = new URLSearchParams(location.search);
    function remembered(name) {
        if (query.has(name)) return query.get(name);
        try { return localStorage.getItem('sgm-' + name); } catch (e) { return null; }
    }
    function remember(name, value) {
        try { localStorage.setItem('sgm-' + name, value); } catch (e) { /* a private window */ }
        if (!query.has(name)) return;
        query.set(name, value);
        history.replaceState(null, '', '?' + query + location.hash);
    }
    var theme = remembered('theme'), depth = remembered('depth');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    if (['first', 'details', 'workshop'].indexOf(depth) < 0) depth = 'first';
    root.dataset.reading = depth;

    function all(selector, of) {
        return Array.prototype.slice.call((of || document).querySelectorAll(selector));
    }
    function element(tag, attributes, text) {
        var e = document.createElement(tag);
        for (var k in attributes) e.setAttribute(k, attributes[k]);
        if (text) e.textContent = text;
        return e;
    }
    var card, shownFor;

    function setDepth(to, by) {
        depth = to;
        root.dataset.reading = to;
        all('details.d2').forEach(function (d) { d.open = to !== 'first'; });
        all('.toc details.d3').forEach(function (d) { if (to === 'workshop') d.open = true; });
        all('.turn a').forEach(function (a) { // a first pass steps over the pages of details
            if (!a.dataset.first) return;
            if (!a.dataset.href) {
                a.dataset.href = a.getAttribute('href');
                a.dataset.name = a.querySelector('span').textContent;
            }
            var skip = to === 'first' && document.body.dataset.depth === '1';
            a.setAttribute('href', skip ? a.dataset.first : a.dataset.href);
            a.querySelector('span').textContent = skip ? a.dataset.firstName : a.dataset.name;
        });
        if (by) remember('depth', to);
        reveal();
    }
    function reveal() { // what the address names must not be folded away
        var name = decodeURIComponent(location.hash.slice(1));
        var target = name && document.getElementById(name);
        for (var e = target; e; e = e.parentElement) {
            if (e.tagName === 'DETAILS' && !e.open) e.open = true;
        }
        if (target && target.closest('details')) target.scrollIntoView();
    }

    function choice(box, legend, options, current, choose) {
        var set = element('fieldset', {});
        set.appendChild(element('legend', {}, legend));
        options.forEach(function (o) {
            var label = element('label', {title: o[2]});
            var input = element('input', {type: 'radio', name: legend, value: o[0]});
            input.checked = o[0] === current;
            input.addEventListener('change', function () { choose(o[0]); });
            label.appendChild(input);
            label.appendChild(element('span', {}, o[1]));
            set.appendChild(label);
        });
        box.appendChild(set);
    }

    function showCard(anchor, pinned) {
        var number = anchor.dataset.eq, word = anchor.dataset.word, body;
        if (number) {
            var there = document.getElementById('E' + number);
            var source = there ? there.querySelector('.formula') : null;
            var template = document.querySelector('template[data-eq="' + number + '"]');
            if (source) body = source.cloneNode(true);
            else if (template) body = template.content.cloneNode(true);
        } else {
            all('template[data-word]').forEach(function (t) {
                if (t.dataset.word === word) body = t.content.cloneNode(true);
            });
        }
        if (!body) return;
        card.textContent = '';
        card.appendChild(body);
        var go = element('a', {'class': 'go', href: anchor.getAttribute('href')},
            number ? 'to (E' + number + ')' : 'word list');
        card.appendChild(go);
        card.hidden = false;
        var r = anchor.getBoundingClientRect(), w = card.offsetWidth, h = card.offsetHeight;
        var left = Math.max(8, Math.min(r.left, document.documentElement.clientWidth - w - 8));
        var top = r.bottom + 6 + h < innerHeight || r.top < h + 12 ? r.bottom + 6 : r.top - h - 6;
        card.style.left = left + scrollX + 'px';
        card.style.top = top + scrollY + 'px';
        shownFor = anchor;
        card.dataset.pinned = pinned ? '1' : '';
    }
    function hideCard() { card.hidden = true; shownFor = null; card.dataset.pinned = ''; }
    function light(anchor) { // the formula, and every line of code that carries it out
        all('.lit').forEach(function (e) { e.classList.remove('lit'); });
        var number = anchor.dataset.eq, there = document.getElementById('E' + number);
        if (there) there.classList.add('lit');
        all('pre a.eq[data-eq="' + number + '"]').forEach(function (a) {
            a.closest('.l').classList.add('lit');
        });
        return there;
    }

    document.addEventListener('DOMContentLoaded', function () {
        var box = document.querySelector('.switches');
        choice(box, 'How deep to read', [['first', 'First pass', 'prose, main code, lessons'],
            ['details', 'Details', 'all folds open'], ['workshop', 'Workshop', 'Part III too']],
                depth, function (d) { setDepth(d, true); });
        choice(box, 'Light or dark', [['light', 'Light', 'dark letters on light'], ['dark', 'Dark',
            'light letters on dark']],
            root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark'
                : 'light'),
            function (t) { root.dataset.theme = t; remember('theme', t); });
        card = element('div', {id: 'hover', role: 'tooltip'});
        card.hidden = true;
        document.body.appendChild(card);
        setDepth(depth, false);

        var menu = document.querySelector('.menu'), wide = matchMedia('(min-width: 68rem)');
        menu.open = wide.matches && remembered('contents') !== 'closed';
        menu.addEventListener('toggle', function () {
            if (wide.matches) remember('contents', menu.open ? 'open' : 'closed');
        });
        var here = menu.querySelector('[aria-current]'), toc = document.querySelector('.toc');
        var high = toc.clientHeight;
        if (here && wide.matches && here.offsetTop > high * .7) {
            toc.scrollTop = here.offsetTop - high / 3;
        }

        var marks = all('a.eq, a.word');
        marks.forEach(function (a) {
            var show = function () { if (!card.dataset.pinned) showCard(a, false); };
            a.addEventListener('mouseenter', show);
            a.addEventListener('focus', show);
            a.addEventListener('mouseleave', function () {
                setTimeout(function () {
                    if (!card.dataset.pinned && shownFor === a && !card.matches(':hover')) hideCard();
                }, 150);
            });
            a.addEventListener('blur', function () {
                var stays = card.dataset.pinned || card.contains(document.activeElement);
                if (!stays && shownFor === a) hideCard();
            });
            if (a.classList.contains('eq') && a.closest('pre')) a.addEventListener('click',
                function (e) {
                if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
                e.preventDefault();
                light(a);
                showCard(a, true);
            });
        });
        card.addEventListener('mouseleave', function () { if (!card.dataset.pinned) hideCard(); });
        document.addEventListener('keydown', function (e) { if (e.key === 'Escape') hideCard(); });
        document.addEventListener('click', function (e) {
            if (!card.contains(e.target) && !e.target.closest('a.eq')) hideCard();
        });
        addEventListener('hashchange', reveal);

        var index = document.querySelector('details.index');
        if (index) { // the reference: find a name
            var input = element('input', {type: 'search', 'class': 'find',
                placeholder: 'find a name', 'aria-label': 'Find a name'});
            index.parentNode.insertBefore(input, index);
            input.addEventListener('input', function () {
                var want = input.value.toLowerCase();
                index.open = true;
                all('li', index).forEach(function (li) {
                    li.hidden = want && li.textContent.toLowerCase().indexOf(want) < 0;
                });
            });
        }
        var folded = [];
        addEventListener('beforeprint', function () {
            folded = all('main details:not([open])');
            folded.forEach(function (d) { d.open = true; });
        });
        addEventListener('afterprint', function () {
            folded.forEach(function (d) { d.open = false; });
        });
    });
})();
