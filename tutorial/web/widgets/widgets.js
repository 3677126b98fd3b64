// The widgets of the book. A page holds
//
//     <figure class="widget" data-widget="ula"></figure>     <script src="widgets.js"></script>
//
// and each such figure becomes an experiment: canvas, sliders, and a table of numbers beside what
// they should be. All that is computed is computed by widgets.c; here it is asked, drawn and told.
// The settings stand in the page's address, as #ula:gamma=.4,key=1;path:beta=20, and are taken from
// it. While a figure computes, its data-state is busy, then done (or error); each number of its
// table is a cell with data-name and, to the last digit, data-value.
//
// A widget is an object:
//     settings   what the reader can change; `values` of a slider that knows only these
//     panels     its canvases: height over width, share of the row, and what they show
//     legend     [colour, text] or [colour, text, 'dash' | 'dot' | 'area']
//     run        a generator: asks C slice by slice, yields between slices; true: wait for a frame
//     draw       draws what there is
//     rows       the table: first the head, then rows of texts and [name, value, digits]
//     says       one sentence with the numbers, for those who hear the page

const WIDGETS = {};
const NS = 'http://www.w3.org/1999/xhtml';

// ---- numbers as text --------------------------------------------------------------------------

function show(x, digits = 4) {
    if (typeof x === 'string') return x;
    if (x == null || Number.isNaN(x)) return '–';
    if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
    const size = Math.abs(x);
    const text = size >= 1e5 || (digits && size > 0 && size < .1 ** digits) ? x.toExponential(1) :
        x.toFixed(Math.max(0, size >= 100 ? digits - 2 : size >= 10 ? digits - 1 : digits));
    return text.replace(/-/g, '−');
}

// ---- drawing ----------------------------------------------------------------------------------

const LIGHT = { ink: '#1d1d1f', back: '#ffffff', grid: '#e3e3e6', faint: '#8a8a90',
    a: '#0072b2', b: '#d55e00', c: '#008a64', shade: [0, 114, 178], below: [213, 94, 0] };
const DARK = { ink: '#eeeeee', back: '#16181c', grid: '#34373d', faint: '#90949c',
    a: '#56b4e9', b: '#f0a04b', c: '#36c99a', shade: [86, 180, 233], below: [240, 160, 75] };

function isDark() {
    const theme = document.documentElement.getAttribute('data-theme');
    if (theme === 'dark' || theme === 'light') return theme === 'dark';
    return matchMedia('(prefers-color-scheme: dark)').matches;
}

function ticksOf(from, to, most) {
    const raw = (to - from) / most, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find(k => k * power >= raw);
    const ticks = [];
    for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9 * step; k++)
        ticks.push(Number((k * step).toPrecision(12)));
    return ticks;
}

function powersOf(from, to) {
    const ticks = [], parts = to / from < 200 ? [1, 2, 5] : [1];
    for (let k = Math.floor(Math.log10(from)); 10 ** k <= to; k++)
        for (const part of parts) ticks.push(Number((part * 10 ** k).toPrecision(3)));
    return ticks.filter(x => x >= from * .999 && x <= to * 1.001);
}

function tickText(x, log) {
    if (log && (x >= 1e4 || x < 1e-2)) {
        const power = String(Math.round(Math.log10(x)));
        return '10' + power.replace(/./g, c => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(c)]);
    }
    return String(x).replace('-', '−');
}

// One canvas with axes: space({x: [0, 1], y: [-3, 3]}) first, then line, area, steps, dots, …
class Plot {
    constructor(canvas, ratio) {
        this.canvas = canvas, this.ratio = ratio, this.width = this.height = 0;
        this.g = canvas.getContext('2d');
    }
    fit() {
        const width = Math.max(120, Math.floor(this.canvas.parentNode.clientWidth));
        const height = Math.round(Math.min(500, Math.max(150, width * this.ratio)));
        const dots = window.devicePixelRatio || 1;
        this.width = width, this.height = height, this.dots = dots;
        this.canvas.style.height = height + 'px', this.canvas.style.width = width + 'px';
        if (this.canvas.width !== Math.round(width * dots)) this.canvas.width = width * dots;
        if (this.canvas.height !== Math.round(height * dots)) this.canvas.height = height * dots;
    }
    // frame: x, y ranges; xlog, ylog; xname, yname; bare: no axes, the picture to the edge
    space(frame) {
        const g = this.g, color = this.color = isDark() ? DARK : LIGHT;
        Object.assign(this, { frame, left: frame.bare ? 0 : 42, right: frame.bare ? 0 : 18,
            top: frame.bare ? 0 : 24, bottom: frame.bare ? 0 : 36 });
        g.setTransform(this.dots, 0, 0, this.dots, 0, 0);
        g.fillStyle = color.back, g.fillRect(0, 0, this.width, this.height);
        g.lineJoin = 'round', g.lineCap = 'butt', g.setLineDash([]);
        if (!frame.bare) this.axes();
        else g.strokeStyle = color.grid, g.strokeRect(.5, .5, this.width - 1, this.height - 1);
    }
    px(x) {
        const { x: [a, b], xlog } = this.frame, w = this.width - this.left - this.right;
        return this.left + w * (xlog ? Math.log(x / a) / Math.log(b / a) : (x - a) / (b - a));
    }
    py(y) {
        const { y: [a, b], ylog } = this.frame, h = this.height - this.top - this.bottom;
        return this.top + h * (1 - (ylog ? Math.log(y / a) / Math.log(b / a) : (y - a) / (b - a)));
    }
    back(px, py) { // from pixels to the picture's place, without logarithms
        const { x, y } = this.frame;
        return [x[0] + (x[1] - x[0]) * (px - this.left) / (this.width - this.left - this.right),
            y[1] - (y[1] - y[0]) * (py - this.top) / (this.height - this.top - this.bottom)];
    }
    axes() {
        const g = this.g, f = this.frame, { color, left, top } = this;
        const right = this.width - this.right, bottom = this.height - this.bottom;
        const xs = f.xlog ? powersOf(...f.x) : ticksOf(...f.x, Math.max(5, (right - left) / 55));
        const ys = f.ylog ? powersOf(...f.y) : ticksOf(...f.y, (bottom - top) / 32);
        g.font = '12px system-ui, sans-serif', g.lineWidth = 1;
        g.strokeStyle = color.grid, g.fillStyle = color.faint;
        g.textAlign = 'center', g.textBaseline = 'top';
        for (const x of xs) {
            const p = Math.round(this.px(x)) + .5;
            g.beginPath(), g.moveTo(p, top), g.lineTo(p, bottom), g.stroke();
            g.fillText(tickText(x, f.xlog), p, bottom + 4);
        }
        g.textAlign = 'right', g.textBaseline = 'middle';
        for (const y of f.noys ? [] : ys) {
            const p = Math.round(this.py(y)) + .5;
            g.beginPath(), g.moveTo(left, p), g.lineTo(right, p), g.stroke();
            g.fillText(tickText(y, f.ylog), left - 5, p);
        }
        g.fillStyle = color.ink, g.textAlign = 'right', g.textBaseline = 'bottom';
        if (f.xname) g.fillText(f.xname, right, this.height - 2);
        g.textAlign = 'left', g.textBaseline = 'top';
        if (f.yname) g.fillText(f.yname, f.noys ? left : 4, 4);
    }
    clip(what) {
        const g = this.g;
        g.save(), g.beginPath();
        g.rect(this.left, this.top, this.width - this.left - this.right,
            this.height - this.top - this.bottom);
        g.clip(), what(g), g.restore();
    }
    line(n, at, color, width = 2, dash = []) {
        this.clip(g => {
            g.strokeStyle = color, g.lineWidth = width, g.setLineDash(dash), g.beginPath();
            for (let i = 0; i < n; i++) {
                const [x, y] = at(i);
                g.lineTo(this.px(x), this.py(y));
            }
            g.stroke();
        });
    }
    band(n, at, color, alpha) { // at(i): x, low, high
        this.clip(g => {
            g.fillStyle = color, g.globalAlpha = alpha, g.beginPath();
            for (let i = 0; i < n; i++) g.lineTo(this.px(at(i)[0]), this.py(at(i)[2]));
            for (let i = n; i--;) g.lineTo(this.px(at(i)[0]), this.py(at(i)[1]));
            g.fill();
        });
    }
    bars(counts, low, high, scale, color, fill) { // a histogram's outline; heights counts·scale
        const n = counts.length, wide = (high - low) / n;
        this.clip(g => {
            g.beginPath(), g.moveTo(this.px(low), this.py(0));
            for (let i = 0; i < n; i++) {
                const y = this.py(counts[i] * scale);
                g.lineTo(this.px(low + i * wide), y), g.lineTo(this.px(low + (i + 1) * wide), y);
            }
            g.lineTo(this.px(high), this.py(0));
            if (fill) g.globalAlpha = fill, g.fillStyle = color, g.fill(), g.globalAlpha = 1;
            g.strokeStyle = color, g.lineWidth = 1.5, g.stroke();
        });
    }
    dots_(n, at, color, radius = 2) {
        this.clip(g => {
            g.fillStyle = color;
            for (let i = 0; i < n; i++) {
                const [x, y] = at(i);
                g.beginPath(), g.arc(this.px(x), this.py(y), radius, 0, 7), g.fill();
            }
        });
    }
    text(x, y, text, color) {
        const g = this.g;
        g.font = '12px system-ui, sans-serif', g.textAlign = 'left', g.textBaseline = 'bottom';
        g.fillStyle = color, g.fillText(text, this.px(x), this.py(y));
    }
    title(text) { // of a bare picture
        const g = this.g;
        g.font = '12px system-ui, sans-serif', g.textAlign = 'left', g.textBaseline = 'top';
        g.lineWidth = 3, g.strokeStyle = this.color.back, g.strokeText(text, 8, 8);
        g.fillStyle = this.color.ink, g.fillText(text, 8, 8);
    }
    contour(n, value, level, color) { // of value[n·j + i], straight from edge to edge of a cell
        const wide = this.width / n, g = this.g, high = this.height / n;
        g.strokeStyle = color, g.lineWidth = 1, g.beginPath();
        for (let j = 0; j + 1 < n; j++)
            for (let i = 0; i + 1 < n; i++) {
                const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]], cuts = [];
                corners.forEach(([x, y], k) => {
                    const [u, v] = corners[(k + 1) % 4];
                    const p = value[n * y + x] - level, q = value[n * v + u] - level;
                    const share = p / (p - q);
                    if (p > 0 !== q > 0) cuts.push([x + (u - x) * share, y + (v - y) * share]);
                });
                cuts.forEach(([x, y], k) => (k % 2 ? g.lineTo : g.moveTo).call(g,
                    (x + .5) * wide, this.height - (y + .5) * high));
            }
        g.stroke();
    }
    shade(nx, ny, ink) { // ink(i, j): [r, g, b, alpha] of a place; row 0 is the lowest
        const small = this.small = this.small || document.createElementNS(NS, 'canvas');
        small.width = nx, small.height = ny;
        const s = small.getContext('2d'), picture = s.createImageData(nx, ny);
        for (let j = 0; j < ny; j++)
            for (let i = 0; i < nx; i++) {
                const [r, g, b, a] = ink(i, j), at = 4 * ((ny - 1 - j) * nx + i);
                picture.data[at] = r, picture.data[at + 1] = g, picture.data[at + 2] = b;
                picture.data[at + 3] = 255 * Math.min(1, Math.max(0, a));
            }
        s.putImageData(picture, 0, 0);
        this.g.imageSmoothingEnabled = true;
        this.g.drawImage(small, this.left, this.top, this.width - this.left - this.right,
            this.height - this.top - this.bottom);
    }
}

const normal = (x, V) => Math.exp(-x * x / (2 * V)) / Math.sqrt(2 * Math.PI * V);

function histogram(counts, low, high, x, from, to) {
    const n = counts.length, scale = n / (high - low);
    for (let i = from; i < to; i++) {
        const bin = Math.floor((x[i] - low) * scale);
        if (bin >= 0 && bin < n) counts[bin]++;
    }
}

const curve = (plot, f, color, width, dash) => {
    const [a, b] = plot.frame.x, n = 161;
    const x = i => a + (b - a) * i / (n - 1);
    plot.line(n, i => [x(i), f(x(i))], color, width, dash);
};

// ---- one figure -------------------------------------------------------------------------------

const STYLE = `
figure.sgm-widget { --ink: #1d1d1f; --soft: #5d5d64; --back: #ffffff; --edge: #cfcfd4;
  --key: #0072b2;
  color: var(--ink); background: var(--back); border: 1px solid var(--edge); border-radius: 8px;
  margin: 1.5em 0; padding: .8em; box-sizing: border-box; max-width: 100%; min-width: 0;
  font: 15px/1.45 system-ui, sans-serif; text-align: left; }
:root[data-theme=dark] figure.sgm-widget { --ink: #eeeeee; --soft: #b0b3ba; --back: #16181c;
  --edge: #44474e; --key: #56b4e9; }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) figure.sgm-widget {
  --ink: #eeeeee; --soft: #b0b3ba; --back: #16181c; --edge: #44474e; --key: #56b4e9; } }
.sgm-widget * { box-sizing: border-box; }
figure.sgm-widget figcaption { font: inherit; font-weight: 600; margin: 0 0 .3em;
  color: var(--ink); }
figure.sgm-widget p { margin: 0 0 .6em; font: inherit; color: var(--soft); max-width: none; }
.sgm-panels { display: flex; flex-wrap: wrap; gap: .6em; }
.sgm-panel { position: relative; min-width: 0; }
.sgm-panel canvas { display: block; width: 100%; max-width: 100%; border-radius: 4px; }
figure.sgm-widget .sgm-legend { display: flex; flex-wrap: wrap; gap: .1em 1em; margin: .3em 0;
  padding: 0; list-style: none; font-size: 13px; }
.sgm-legend li { display: flex; align-items: center; gap: .4em; margin: 0; }
.sgm-legend svg { flex: none; }
.sgm-controls { display: flex; flex-wrap: wrap; gap: .4em 1.2em; margin: .5em 0; align-items: end; }
.sgm-controls label { display: block; flex: 1 1 11em; font-size: 14px; max-width: 24em;
  color: var(--ink); }
.sgm-controls label.sgm-small { flex: 0 0 auto; }
.sgm-value { float: right; font-variant-numeric: tabular-nums; color: var(--ink); }
.sgm-controls input[type=range] { display: block; width: 100%; height: 26px; margin: 0;
  accent-color: var(--key); }
.sgm-controls input[type=number], .sgm-controls select, .sgm-controls button { font: inherit;
  color: var(--ink); background: var(--back); border: 1px solid var(--edge); border-radius: 4px;
  padding: .2em .5em; min-height: 30px; }
.sgm-controls input[type=number] { width: 5.5em; display: block; }
.sgm-controls select { display: block; }
.sgm-controls button { cursor: pointer; }
.sgm-widget :focus-visible { outline: 2px solid var(--key); outline-offset: 2px; }
.sgm-scroll { overflow-x: auto; }
.sgm-widget table { border-collapse: collapse; margin: .2em 0 0; font-size: 14px; display: table;
  width: auto; font-variant-numeric: tabular-nums; }
.sgm-widget th, .sgm-widget td { padding: .15em .7em .15em 0; text-align: left; border: 0;
  font-weight: 400; background: none; color: var(--ink); vertical-align: top; }
.sgm-widget thead th { color: var(--soft); font-size: 13px; border-bottom: 1px solid var(--edge); }
.sgm-handle { position: absolute; width: 28px; height: 28px; margin: -14px 0 0 -14px; padding: 0;
  border-radius: 50%; border: 2px solid var(--ink); background: transparent; color: var(--ink);
  font: 600 12px/1 system-ui, sans-serif; cursor: grab; touch-action: none; }
.sgm-handle.sgm-square { border-radius: 4px; }
.sgm-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
@media (max-width: 400px) { .sgm-widget table { font-size: 13px; } .sgm-widget th,
  .sgm-widget td { padding-right: .5em; } }
@media print { .sgm-controls { display: none; } }
`;

function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text != null) element.textContent = text;
    return element;
}

const figures = [];
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

class Figure {
    constructor(element, name) {
        Object.assign(this, { element, name, kind: WIDGETS[name], value: {}, own: {} });
        this.defaults();
        element.classList.add('sgm-widget');
        element.dataset.state = 'asleep';
        this.build();
        this.paint(); // empty, but as high as it will be: a page that scrolls to it stays there
        this.visible = false;
        new IntersectionObserver(list => {
            this.visible = list[list.length - 1].isIntersecting;
            if (this.visible && !this.engine) this.wake();
            wakeUp();
        }, { rootMargin: '100px' }).observe(element);
        new ResizeObserver(() => { this.resized = true, wakeUp(); }).observe(this.panels);
    }
    defaults() { for (const s of this.kind.settings) this.value[s.id] = s.value; }

    build() {
        const { element, kind, name } = this;
        let title = element.querySelector('figcaption');
        if (!title) title = element.appendChild(make('figcaption', '', kind.title));
        title.id = title.id || 'widget-title-' + name;
        element.setAttribute('role', 'group'), element.setAttribute('aria-labelledby', title.id);
        if (element.firstChild !== title) element.insertBefore(title, element.firstChild);
        element.appendChild(make('p', '', kind.intro));
        this.panels = element.appendChild(make('div', 'sgm-panels'));
        this.plots = kind.panels.map(p => {
            const box = this.panels.appendChild(make('div', 'sgm-panel'));
            box.style.flex = (p.share || 1) + ' 1 ' + (p.least || 240) + 'px';
            const canvas = box.appendChild(make('canvas'));
            canvas.setAttribute('role', 'img'), canvas.setAttribute('aria-label', p.label);
            return new Plot(canvas, p.ratio);
        });
        this.legend = element.appendChild(make('ul', 'sgm-legend'));
        this.controls = element.appendChild(make('div', 'sgm-controls'));
        for (const s of kind.settings) if (!s.drag) this.control(s);
        if (kind.pause) this.pauseButton();
        const again = this.controls.appendChild(make('button', '', 'reset'));
        again.type = 'button', again.setAttribute('aria-label', 'all settings as at the start');
        again.onclick = () => {
            this.defaults(), this.changed(), this.refresh();
        };
        const scroll = element.appendChild(make('div', 'sgm-scroll'));
        this.table = scroll.appendChild(make('table'));
        this.status = element.appendChild(make('p', 'sgm-hidden'));
        this.status.setAttribute('role', 'status'), this.status.setAttribute('aria-live', 'polite');
        this.handles = (kind.handles || []).map(h => this.handle(h));
    }
    control(s) {
        const label = this.controls.appendChild(make('label', s.options || s.id === 'key' ?
            'sgm-small' : ''));
        label.append(s.label + ' ');
        let input;
        if (s.options) {
            input = label.appendChild(make('select'));
            s.options.forEach((text, i) => input.add(new Option(text, i)));
        } else {
            const out = s.id === 'key' ? null : label.appendChild(make('span', 'sgm-value'));
            if (out) out.setAttribute('aria-hidden', 'true'); // aria-valuetext says it
            input = label.appendChild(make('input'));
            input.type = s.id === 'key' ? 'number' : 'range';
            if (s.values) input.min = 0, input.max = s.values.length - 1, input.step = 1;
            else if (s.log) input.min = 0, input.max = 200, input.step = 1;
            else input.min = s.from, input.max = s.to, input.step = s.step;
            s.tell = () => {
                const text = (s.show || (v => show(v, 2)))(this.value[s.id]);
                if (out) out.textContent = text, input.setAttribute('aria-valuetext', text);
            };
        }
        input.dataset.setting = s.id;
        const get = () => {
            const raw = Number(input.value);
            if (s.values) return s.values[raw];
            if (s.log) return Number((s.from * (s.to / s.from) ** (raw / 200)).toPrecision(3));
            return raw;
        };
        const set = v => {
            input.value = s.values ? s.values.indexOf(v) :
                s.log ? Math.round(200 * Math.log(v / s.from) / Math.log(s.to / s.from)) : v;
            if (s.tell) s.tell();
        };
        input.addEventListener('input', () => {
            const v = this.allowed(s, get());
            if (v == null || v === this.value[s.id]) return;
            this.value[s.id] = v, this.changed();
            if (s.tell) s.tell();
        });
        this.own[s.id] = set, set(this.value[s.id]);
    }
    allowed(s, v) { // the nearest value that the setting can have; null: none
        if (!Number.isFinite(v)) return null;
        if (s.values) return s.values.reduce((p, q) => Math.abs(q - v) < Math.abs(p - v) ? q : p);
        if (s.options) return s.options[v] ? v : null;
        if (s.id === 'key') return Math.min(999999, Math.max(1, Math.round(v)));
        return Math.min(s.to, Math.max(s.from, v));
    }
    refresh() { for (const id in this.own) this.own[id](this.value[id]); }
    pauseButton() {
        const b = this.pauser = this.controls.appendChild(make('button', '', 'pause'));
        b.type = 'button';
        b.onclick = () => {
            this.paused = !this.paused, b.textContent = this.paused ? 'go on' : 'pause', wakeUp();
        };
    }
    handle(h) { // a button on the canvas that pointer and arrow keys move
        const b = this.plots[0].canvas.parentNode.appendChild(
            make('button', 'sgm-handle' + (h.square ? ' sgm-square' : ''), h.mark));
        b.type = 'button', b.dataset.handle = h.x;
        const go = (x, y) => {
            const limit = id => this.kind.settings.find(s => s.id === id);
            const round = v => Math.round(v * 100) / 100;
            this.value[h.x] = this.allowed(limit(h.x), round(x));
            this.value[h.y] = this.allowed(limit(h.y), round(y));
            this.changed();
        };
        b.addEventListener('pointerdown', e => { b.setPointerCapture(e.pointerId), b.focus(); });
        b.addEventListener('pointermove', e => {
            if (!b.hasPointerCapture(e.pointerId)) return;
            const box = this.plots[0].canvas.getBoundingClientRect();
            go(...this.plots[0].back(e.clientX - box.left, e.clientY - box.top));
        });
        b.addEventListener('keydown', e => {
            const by = (e.shiftKey ? .25 : .05);
            const way = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, by],
                ArrowDown: [0, -by] }[e.key];
            if (!way) return;
            e.preventDefault();
            go(this.value[h.x] + way[0], this.value[h.y] + way[1]);
        });
        return () => {
            const plot = this.plots[0], x = this.value[h.x], y = this.value[h.y];
            b.style.left = plot.px(x) + 'px', b.style.top = plot.py(y) + 'px';
            b.setAttribute('aria-label', h.label + ' at ' + show(x, 2) + ', ' + show(y, 2) +
                '; arrow keys move it');
        };
    }

    changed() {
        this.job = null, this.restart = true, this.paused = false;
        if (this.pauser) this.pauser.textContent = 'pause';
        this.busy(), writeAddress(this), wakeUp();
    }
    busy() { if (this.engine) this.element.dataset.state = 'busy'; }
    async wake() {
        this.engine = 'coming';
        try {
            this.engine = await newEngine();
        } catch (error) {
            this.failed('This experiment needs a browser of today, with WebAssembly: ' +
                error.message);
            return;
        }
        this.restart = true, this.busy(), wakeUp();
    }
    failed(text) {
        this.job = null, this.restart = false, this.element.dataset.state = 'error';
        this.status.className = '', this.status.textContent = text;
    }
    ask(name, ...numbers) { // true: there is more to do
        const status = this.engine[name](...numbers);
        if (status > 0) throw new Error(this.engine.text(this.engine.web_error()));
        return status < 0;
    }
    numbers(n, from = 0) {
        const e = this.engine;
        return new Float64Array(e.memory.buffer, e.widget_numbers() + 8 * from, n);
    }
    points(n, from = 0) {
        const e = this.engine;
        return new Float32Array(e.memory.buffer, e.widget_points() + 4 * from, n);
    }

    // Called once a frame, until `until`. Returns true if it wants another frame.
    frame(until) {
        if (this.resized) this.resized = false, this.paint(); // also out of sight: it takes room
        if (!this.engine || this.engine === 'coming' || !this.visible) return false;
        try {
            if (this.restart) {
                const old = this.found || {};
                this.restart = false, this.found = {};
                for (const name of this.kind.holds || []) this.found[name] = old[name];
                this.job = this.kind.run(this, this.value);
            }
            while (this.job && !this.paused) {
                const { done, value } = this.job.next();
                this.dirty = this.dirty || !calm() || done;
                if (done) this.job = null, this.element.dataset.state = 'done', this.tell();
                if ((value === true && !calm()) || performance.now() > until) break;
            }
            if (this.dirty) this.paint();
        } catch (error) {
            this.failed(error.message);
        }
        return !!this.job && !this.paused;
    }
    paint() {
        this.dirty = false;
        for (const p of this.plots) p.fit();
        this.kind.draw(this, this.found || {}, this.value, this.plots);
        for (const place of this.handles) place();
        this.paintLegend();
        this.paintTable();
    }
    paintLegend() {
        const color = isDark() ? DARK : LIGHT;
        if (this.legendColor === color) return;
        this.legendColor = color;
        this.legend.replaceChildren(...this.kind.legend.map(([c, text, how]) => {
            const li = make('li'), ink = color[c];
            const mark = how === 'area' ?
                `<rect width="22" height="10" fill="${ink}" opacity=".25"/>` :
                how === 'dot' ? `<circle cx="11" cy="5" r="4" fill="${ink}"/>` :
                `<path d="M0 5h22" stroke="${ink}" stroke-width="2.5"` +
                (how === 'dash' ? ' stroke-dasharray="5 3"/>' : '/>');
            li.innerHTML = '<svg width="22" height="10" aria-hidden="true">' + mark + '</svg>';
            li.append(text);
            return li;
        }));
    }
    paintTable() {
        const [head, ...rows] = this.kind.rows(this.found || {}, this.value);
        const now = JSON.stringify([head, rows]);
        if (now === this.tableText) return;
        this.tableText = now;
        const top = make('thead'), line = top.appendChild(make('tr')), body = make('tbody');
        for (const text of head) line.appendChild(make('th', '', text)).scope = 'col';
        for (const [first, ...cells] of rows) {
            const row = body.appendChild(make('tr'));
            row.appendChild(make('th', '', first)).scope = 'row';
            for (const cell of cells) {
                const [name, value, digits, error] = Array.isArray(cell) ? cell : ['', cell];
                const td = row.appendChild(make('td', '', show(value, digits) +
                    (error > 0 ? '\u00a0±\u00a0' + show(error, digits) : '')));
                if (name) td.dataset.name = name, td.dataset.value = value;
            }
        }
        this.table.replaceChildren(top, body);
    }
    tell() {
        const text = this.kind.says(this.found, this.value);
        this.status.textContent = text;
        this.plots.forEach((p, i) => p.canvas.setAttribute('aria-label',
            this.kind.panels[i].label + ' ' + text));
    }
}

// ---- the page's clock -------------------------------------------------------------------------

let ticking = false;
function wakeUp() {
    if (!ticking) ticking = true, requestAnimationFrame(tick);
}
function tick() {
    const busy = figures.filter(f => f.visible && (f.job || f.restart));
    let more = false;
    for (const f of figures) {
        const share = 7 / Math.max(1, busy.length); // ms of a frame's 16; the rest is for drawing
        more = f.frame(performance.now() + share) || more;
    }
    ticking = false;
    if (more || figures.some(f => f.visible && f.restart && f.engine && f.engine !== 'coming'))
        wakeUp();
}
function repaint() {
    for (const f of figures) f.dirty = true;
    wakeUp();
}

// ---- the page's address -----------------------------------------------------------------------

const touched = new Set();
let writing = 0;
function writeAddress(figure) {
    touched.add(figure);
    clearTimeout(writing);
    writing = setTimeout(() => {
        const parts = [...touched].map(f => f.name + ':' + f.kind.settings
            .map(s => s.id + '=' + String(f.value[s.id]).replace(/^(-?)0\./, '$1.')).join(','));
        try {
            history.replaceState(history.state, '', '#' + parts.join(';'));
        } catch (error) { /* a page that may not: the settings are then not in the address */ }
    }, 250);
}
function readAddress() {
    let first = null, text = '';
    try {
        text = decodeURIComponent(location.hash.slice(1));
    } catch (error) { /* not ours */ }
    for (const part of text.split(';')) {
        const [, name, list] = /^([a-z]+):(.*=.*)$/.exec(part) || [];
        const figure = figures.find(f => f.name === name);
        if (!figure) continue;
        figure.defaults();
        for (const pair of list.split(',')) {
            const [id, text] = pair.split('='), s = figure.kind.settings.find(s => s.id === id);
            const v = s && text ? figure.allowed(s, Number(text)) : null;
            if (v != null) figure.value[id] = v;
        }
        touched.add(figure), figure.refresh();
        figure.job = null, figure.restart = true, figure.busy();
        first = first || figure;
    }
    if (first) first.element.scrollIntoView({ block: 'start' });
    wakeUp();
}

let program;
async function newEngine() { // the program is unpacked once; each figure has a memory of its own
    if (typeof program !== 'object') {
        program = program || (async () => {
            const zipped = Uint8Array.from(atob(WASM), c => c.charCodeAt(0));
            const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
            return new Response(stream).arrayBuffer();
        })();
    }
    return sgmEngine(await program);
}

const key = { id: 'key', label: 'key', value: 1 };
