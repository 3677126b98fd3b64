// The page: settings and their link, the two panels, the curves, and the worker behind them.
(() => {
    const $ = id => document.getElementById(id), form = $('settings');
    const DATA = { // shape: as play.c counts them; GIVEN centres come from here
        ring: { says: 'ring', shape: 0, k: 8, blur: .1 },
        moons: { says: 'two moons', shape: 1, k: 64, blur: .08 },
        humps: { says: 'two humps', shape: 4, k: 2, blur: .3, centres: [[-1, 0, 0], [1, .3, 1]] },
        roll: { says: 'swiss roll', shape: 2, k: 100, blur: .06 },
        board: { says: 'checkerboard', shape: 3, k: 400, blur: .06 },
        letters: { says: 'letters', shape: 4, k: 0, blur: .07, centres: letters() },
        drawn: { says: 'drawn by you', shape: 4, k: 0, blur: .1, centres: [] },
    };
    const SDE = [null, ['VP', .1, 20, 'β at t = 0', 'β at t = 1'], ['cosine'],
        ['sub-VP', .1, 20, 'β at t = 0', 'β at t = 1'], ['VE', .01, 10, 'least σ', 'largest σ'],
        ['EDM', .02, 20, 'least σ', 'largest σ'], ['rectified']];
    const LISTS = {
        data: Object.entries(DATA).map(([v, d]) => [v, d.says]),
        sde: SDE.map((s, i) => s && [i, s[0]]).filter(Boolean),
        net: [[0, 'MLP'], [1, 'residual MLP']],
        activation: ['default (SiLU)', 'ReLU', 'SiLU', 'tanh', 'GELU', 'softplus', 'sigmoid'],
        output: ['default (EDM’s F)', 'the noise ε', 'the score', 'the clean point x₀',
            'v = mε − sx₀',
            'the flow’s velocity', 'EDM’s F'],
        objective: ['denoising (DSM)', 'explicit (ESM)', 'implicit (ISM)', 'sliced (SSM)',
            'sliced, less noise'],
        weight: ['default', '1 on the noise', '1 on the score', 'likelihood (g²)', 'EDM', 'min-SNR',
            'flow'],
        times: [[0, 'default'], [1, 'uniform'], [2, 'stratified'], [4, 'log-normal σ'],
            [5, 'logit-normal'], [6, 'importance']],
        optimiser: ['Adam', 'AdamW', 'AdaBelief', 'SGD'],
        method: ['default', 'Euler–Maruyama', 'reverse diffusion', 'ancestral (DDPM)',
            'SDE-DPM-Solver++', 'EDM’s churn', 'DDIM', 'Euler (flow)', 'Heun (flow)', 'RK4 (flow)',
            'RK45 (flow)', 'Adams (flow)', 'DPM-Solver-2', 'DPM-Solver-3', 'DPM-Solver++ 2M',
            'DPM-Solver++ 3M'],
        grid: ['default', 'even in t', 'even in log-SNR', 'EDM', 'quadratic'],
        walk: ['ULA', 'MALA (needs log p)'],
        label: [[-1, 'neither'], [0, 'class A'], [1, 'class B']],
    };
    const DEFAULT = { data: 'moons', k: 64, blur: .08, n: 2000, key: 1, sde: 1, a: .1, b: 20,
        net: 0, width: 64, depth: 3, activation: 0, output: 0, objective: 0, weight: 0, times: 0,
        optimiser: 0, lr: .01, batch: 128, steps: 3000, cosine: 1, method: 14, evals: 30, grid: 0,
        eta: 0, points: 500, walk: 0, gap: .01, classes: 0, label: -1, gamma: 1, level: .25 };
    const RESTART = ['data', 'k', 'blur', 'n', 'key', 'sde', 'a', 'b', 'net', 'width', 'depth',
        'activation', 'output', 'objective', 'weight', 'times', 'optimiser', 'lr', 'batch',
        'steps', 'cosine', 'classes'];
    const WHOLE = ['k', 'n', 'key', 'width', 'depth', 'batch', 'steps', 'evals', 'points'];
    const tidy = (name, x) => { // a key is what a uint64_t of C and a double both hold
        const [least, most] = name === 'key' ? [0, 2 ** 53] : [1 - 1e9, 1e9 - 1];
        return WHOLE.includes(name) ? Math.max(least, Math.min(most, Math.round(x))) : x;
    };
    let set = Object.assign({}, DEFAULT), drawn = [], raw = [];

    function letters() { // S, G, M as strokes of points; M is class B
        const strokes = [
            [-1.85, [[.62, .75], [.3, .95], [.02, .7], [.1, .3], [.5, .02], [.6, -.4], [.3, -.75],
                [-.05, -.55]], 0],
            [-.45, [[.72, .7], [.4, .95], [.1, .7], [0, .1], [.1, -.5], [.4, -.75], [.72, -.5],
                [.72, 0], [.45, 0]], 0],
            [1, [[0, -.75], [.08, .95], [.42, .1], [.76, .95], [.85, -.75]], 1]];
        const out = [];
        for (const [dx, line, side] of strokes)
            for (let i = 0; i + 1 < line.length; i++) {
                const [ax, ay] = line[i], [bx, by] = line[i + 1];
                const n = Math.max(1, Math.round(Math.hypot(bx - ax, by - ay) / .12));
                for (let j = i ? 1 : 0; j <= n; j++)
                    out.push([dx + ax + (bx - ax) * j / n, ay + (by - ay) * j / n].map(
                        x => Math.round(x * 100) / 100).concat(side));
            }
        return out;
    }

    // The link: what differs from the defaults, and the drawn points, of a byte each way.
    const byte = x => Math.max(0, Math.min(255, Math.round(x * 50 + 128)));
    const snap = p => [(byte(p[0]) - 128) / 50, ((byte(p[1]) & 254) - 128) / 50, p[2]];
    const pack = list => btoa(String.fromCharCode(...list.flatMap(p =>
        [byte(p[0]), byte(p[1]) & 254 | p[2]])))
        .replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
    const unpack = text => {
        const b = Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c =>
            c.charCodeAt(0)), out = [];
        for (let i = 0; i + 1 < b.length; i += 2)
            out.push([(b[i] - 128) / 50, ((b[i + 1] & 254) - 128) / 50, b[i + 1] & 1]);
        return out;
    };
    function link() {
        const base = defaultsOf(set.data, set.sde), parts = [];
        for (const name of Object.keys(DEFAULT))
            if (String(set[name]) !== String(base[name]) ||
                name === 'key') parts.push(name + '=' + set[name]);
        if (set.data === 'drawn' && drawn.length) parts.push('points_drawn=' + pack(drawn));
        return '#' + parts.join('&');
    }
    function defaultsOf(data, sde) {
        const d = DATA[data] || DATA.moons, s = SDE[sde] || SDE[1];
        return Object.assign({}, DEFAULT, { k: d.centres ? (data === 'drawn' ? drawn
            : d.centres).length : d.k,
            blur: d.blur, a: s[1] === undefined ? 0 : s[1], b: s[2] === undefined ? 0 : s[2] });
    }
    function read(hash) { // what makes no sense is passed over
        const given = {};
        for (const part of hash.replace(/^#/, '').split('&')) {
            const at = part.indexOf('=');
            if (at < 1) continue;
            try { given[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
            } catch (e) { /* a % that begins no letter */ }
        }
        try { drawn = given.points_drawn ? unpack(given.points_drawn) : [];
        } catch (e) { drawn = []; }
        const listed = (name, value) => !LISTS[name] || LISTS[name].some((item, i) =>
            String(Array.isArray(item) ? item[0] : i) === value);
        const data = listed('data', given.data) ? given.data : 'moons';
        const sde = listed('sde', given.sde) ? Number(given.sde) : 1;
        set = Object.assign(defaultsOf(data, sde), { data, sde });
        for (const name of Object.keys(DEFAULT))
            if (name in given && name !== 'data' && name !== 'sde' && given[name] !== '' &&
                isFinite(given[name]) && listed(name, given[name]))
                set[name] = tidy(name, Number(given[name]));
    }
    const centres = () => set.data === 'drawn' ? drawn : DATA[set.data].centres;
    const etaCounts = of => [0, 6].includes(Number(of.method)); // DDIM's, whose field is shut else
    const numbers = (of = set) => {
        const given = of.data === 'drawn' ? drawn : DATA[of.data].centres;
        const v = Object.assign({}, of, { shape: DATA[of.data].shape });
        if (given) v.k = given.length;
        if (!etaCounts(of)) v.eta = 0;
        delete v.data;
        return v;
    };

    // The worker is made of the scripts of this very file.
    const texts = ['engine.js', 'core.js'].map(name =>
        document.querySelector(`script[data-name="${name}"]`).textContent);
    const source = texts.join('\n') + `
        let handle, early = [];
        onmessage = m => { if (handle) handle(m.data); else early.push(m.data); };
        sgmCore(${JSON.stringify(sgmWasm)}, m => postMessage(m)).then(h => { handle = h;
        early.forEach(h); },
            x => postMessage({ did: 'error', what: 'start', message: String(x.message || x) }));`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    const ask = message => worker.postMessage(Object.assign({ set: numbers(), reach }, message));

    // What is known of the run.
    let starting = false;
    const back = ' Move the noise level to see the arrows again.';
    let state = 'idle', step = 0, curve = [], judged = null, loss = NaN, speed = 0, size = 0,
        reach = 1.5;
    let field = null, asked = false, map = null, moving = null, clean = [], failing = {},
        wishes = [];
    let dirty = true, curveDirty = true, told = false, fresh = true;

    function start(thenTrain) {
        if (drawing() && drawn.length === 0) {
            state = 'idle', clean = [], field = moving = map = null, curve = [], judged = null,
                step = 0;
            say('Draw points in either panel: press and drag, or use the arrow keys and Enter.');
            fresh = dirty = curveDirty = true;
            ask({ do: 'pause' });
            buttons();
            return;
        }
        complain();
        step = 0, curve = [], judged = null, loss = NaN, speed = 0, moving = map = field = null,
            fresh = false;
        dirty = curveDirty = true;
        state = 'idle', asked = false;
        starting = true; // what still comes of the last run is passed over
        ask({ do: 'start', centres: centres() });
        resume = Boolean(thenTrain); // also after an error
        if (thenTrain) train(true); else say('Ready: press Train.');
        buttons();
    }
    function train(on) {
        if (drawing() && !drawn.length) return start(false);
        if (on && step > 0 && step >= set.steps) { start(true); return; }
        state = on ? 'train' : 'idle', moving = on ? null : moving, map = null;
        ask({ do: on ? 'train' : 'pause' });
        say(on ? 'The network learns.' : 'Paused.');
        buttons();
    }
    function act(what) {
        if (drawing() && !drawn.length) return start(false);
        complain();
        const going = state === what && what === 'walk';
        state = 'idle', map = null;
        if (going) { ask({ do: 'pause' }); say('Stopped.' + back); buttons(); return; }
        state = what, moving = null;
        if (what === 'map') {
            map = { rows: [], n: 36 };
            say('The likelihood of every place, under the learnt flow.');
            ask({ do: 'map', n: 36, half: 1.15 * reach + .3 });
        } else {
            say(what === 'sample' ? 'From noise to points: the same noise for both.'
                : 'Walkers at the noise level of the slider, by the arrows and fresh noise.');
            ask({ do: what });
        }
        buttons();
    }
    const drawing = () => set.data === 'drawn';
    function say(text) { $('status').textContent = text; }
    function complain(text, who) {
        if (text === undefined) failing = {}; else failing[who || 'settings'] = text;
        const lines = Object.entries(failing).map(([w, t]) =>
            (w === 'learnt' || w === 'exact' ? 'The ' + w + ' score: ' : 'The library says: ') + t);
        $('error').hidden = lines.length === 0;
        $('error').textContent = lines.join('\n');
        $('error').style.whiteSpace = 'pre-line';
    }
    function buttons() {
        $('train').textContent = state === 'train' ? 'Pause' : step >= set.steps && step > 0
            ? 'Train again' : 'Train';
        $('train').setAttribute('aria-pressed', state === 'train');
        $('walk').setAttribute('aria-pressed', state === 'walk');
        $('walk').textContent = state === 'walk' ? 'Stop walking' : 'Walk';
        $('pen').hidden = !drawing();
        document.body.classList.toggle('draws', drawing());
    }
    const digits = (x, n = 3) => x === undefined || !isFinite(x) ? '–' : Math.abs(x) >= 1e5
        ? x.toExponential(1)
        : Math.abs(x) >= 1000 ? x.toFixed(0) : Number(x.toPrecision(n)).toString();

    worker.onerror = x => {
        complain('the worker stopped: ' + x.message);
        wishes.splice(0).forEach(done => done({ error: x.message }));
    };
    worker.onmessage = ({ data: m }) => {
        if (starting && !['start', 'error', 'run'].includes(m.did)) return;
        if (m.did === 'start' || m.what === 'start') starting = false;
        switch (m.did) {
        case 'start':
            raw = m.data, size = m.size, clean = [];
            for (let i = 0; i < m.sides.length; i++) clean.push([m.centres[2 * i],
                m.centres[2 * i + 1], m.sides[i]]);
            reach = Math.max(.5, ...clean.map(p => Math.max(Math.abs(p[0]),
                Math.abs(p[1])))) + 2 * set.blur;
            asked = false, dirty = true;
            break;
        case 'train':
            step = m.step, loss = m.loss, speed = m.speed;
            if (m.judged) judged = m.judged, curve.push([m.step, m.judged.loss, m.judged.floor,
                m.judged.excess]);
            if (m.judged) curveDirty = true;
            told = false;
            break;
        case 'trained':
            state = 'idle';
            say('Learnt. Now sample, or move the noise level.');
            buttons();
            break;
        case 'fields':
            if (!m.none && asked) field = Object.assign(m, asked), dirty = true;
            asked = false;
            break;
        case 'sample': case 'walk':
            moving = { kind: m.did, time: m.time, m: m.m, s: m.s, from: moving && moving.to,
                to: m.spots, at: performance.now(),
                pace: m.pace, evals: m.evals, accepts: m.accepts, alive: m.alive };
            dirty = true;
            break;
        case 'moved':
            if (state === m.kind) {
                state = 'idle';
                say((m.kind === 'sample' ? 'Sampled: the better the network, the more alike the two.'
                    : 'The walk has ended.') + back);
            }
            buttons();
            break;
        case 'map':
            if (map) map.rows[m.row] = m.logp, map.half = m.half, dirty = true;
            break;
        case 'mapped':
            state = 'idle';
            say('The density of the learnt flow beside the exact one.' + back);
            buttons();
            break;
        case 'error':
            complain(m.message, m.what);
            if (m.what === 'start') clean = [], raw = [], dirty = true;
            if (m.what !== 'learnt' && m.what !== 'exact')
                state = 'idle', say('Nothing was done.'), buttons();
            break;
        case 'run': if (wishes.length) wishes.shift()(m); break;
        }
    };

    // Drawing. A panel shows the square of half-width `half` around 0.
    const css = () => getComputedStyle(document.documentElement);
    let colours = {};
    function paint() {
        const s = css();
        for (const name of ['fore', 'soft', 'line', 'panel', 'learnt', 'exact', 'data', 'floor',
            'excess', 'loss', 'other', 'fill'])
            colours[name] = s.getPropertyValue('--' + name).trim();
        dirty = curveDirty = true;
    }
    function sized(canvas) {
        const dots = Math.min(2, window.devicePixelRatio || 1), w = canvas.clientWidth,
            h = canvas.clientHeight;
        if (canvas.width !== Math.round(w * dots) || canvas.height !== Math.round(h * dots))
            canvas.width = Math.round(w * dots), canvas.height = Math.round(h * dots);
        const g = canvas.getContext('2d');
        g.setTransform(dots, 0, 0, dots, 0, 0);
        g.clearRect(0, 0, w, h);
        return [g, w, h];
    }
    const view = () => {
        if (moving) return 1.15 * (reach * moving.m + 2.2 * moving.s);
        if (map) return map.half || 1.15 * reach + .3;
        if (drawing() && fresh || !field) return Math.max(2.3, 1.15 * reach);
        return field.half;
    };
    // A density as a picture of n by n dots, painted anew only where it has changed.
    const shades = [0, 1].map(() => document.createElement('canvas'));
    function density(g, w, i, logp, n, peak) {
        const shade = shades[i];
        if (shade.of !== logp || shade.fill !== colours.fill) {
            shade.of = logp, shade.fill = colours.fill, shade.width = shade.height = n;
            const s = shade.getContext('2d'), picture = s.createImageData(n, n), to = picture.data;
            const [red, green, blue] = colours.fill.split(',').map(Number);
            for (let j = 0; j < n * n; j++) {
                const p = logp[j] === undefined ? 0 : Math.exp(Math.max(-60, logp[j] - peak));
                to[4 * j] = red, to[4 * j + 1] = green, to[4 * j + 2] = blue;
                to[4 * j + 3] = 255 * .55 * Math.sqrt(p);
            }
            s.putImageData(picture, 0, 0);
        }
        g.imageSmoothingEnabled = true;
        g.drawImage(shade, 0, 0, w, w);
    }
    function arrows(g, w, i) {
        const { n, scores } = field, cell = w / n;
        let typical = 0;
        for (const x of scores[1]) typical += x * x;
        typical = Math.sqrt(typical / n / n) || 1;
        g.strokeStyle = g.fillStyle = colours[i ? 'exact' : 'learnt'];
        g.lineWidth = 1.2;
        g.beginPath();
        for (let j = 0; j < n * n; j++) {
            const sx = scores[i][2 * j], sy = scores[i][2 * j + 1], size = Math.hypot(sx, sy);
            if (!(size > 0)) continue;
            const length = cell * .85 * Math.tanh(.9 * size / typical), ux = sx / size,
                uy = -sy / size;
            const x = (j % n + .5) * cell, y = (Math.floor(j / n) + .5) * cell;
            const bx = x + ux * length / 2, by = y + uy * length / 2, head = Math.min(4.5,
                length * .45);
            g.moveTo(x - ux * length / 2, y - uy * length / 2), g.lineTo(bx, by);
            g.moveTo(bx - head * (ux + .55 * uy), by - head * (uy - .55 * ux));
            g.lineTo(bx, by);
            g.lineTo(bx - head * (ux - .55 * uy), by - head * (uy + .55 * ux));
        }
        g.stroke();
    }
    const refused = i => moving && failing[i ? 'exact' : 'learnt'];
    function moved(i) {
        if (refused(i)) return 'not with these settings: see above';
        const n = moving.to[i].length / 2, accepts = digits(100 * moving.accepts[i], 3);
        if (moving.kind === 'sample')
            return `${n} points, t = ${digits(moving.time)}, ${moving.evals[i]} evaluations`;
        return n + ' walkers' + (set.walk > 0 && moving.accepts[i] >= 0 ? `, ${accepts} % accepted` : '');
    }
    function panel(i) {
        const canvas = $(i ? 'exact' : 'learnt'), [g, w] = sized(canvas), half = view(),
            k = w / 2 / half;
        // all dots of a colour are one path
        const dots = (colour, r, n, at) => {
            g.fillStyle = colour;
            g.beginPath();
            for (let j = 0; j < n; j++) {
                const [px, py] = at(j), x = w / 2 + px * k, y = w / 2 - py * k;
                g.moveTo(x + r, y), g.arc(x, y, r, 0, 7);
            }
            g.fill();
        };
        const pairs = (list, m, r) => {
            for (const c of [0, 1]) {
                const some = list.filter(p => p[2] === c);
                dots(colours[c ? 'other' : 'data'], r, some.length, j => [some[j][0] * m, some[j][1] * m]);
            }
        };
        const still = !moving && !map;
        if ($('show-density').checked && i && still && field && field.logp && !fresh)
            density(g, w, 1, field.logp, field.fine, Math.max(...field.logp));
        if (map) {
            const all = [];
            let peak = -60; // of the exact density, for both
            for (const row of map.rows) if (row) all.push(...row[i]), peak = Math.max(peak,
                ...row[1]);
            density(g, w, i, all, map.n, peak);
        }
        if ($('show-data').checked || fresh) {
            g.globalAlpha = fresh ? 1 : .5;
            const two = set.classes > 0 || drawing();
            const m = still && field && !fresh ? field.m : moving ? moving.m : 1;
            if (fresh) pairs(drawn, 1, 3);
            else if (two) pairs(clean, m, 2.2);
            else dots(colours.data, 1.2, Math.min(400, raw.length / 2), j => [raw[2 * j] * m, raw[2 * j + 1] * m]);
            g.globalAlpha = 1;
        }
        if ($('show-arrows').checked && still && field && !fresh) arrows(g, w, i);
        if (moving && !refused(i)) {
            const share = Math.min(1, (performance.now() - moving.at) / Math.max(moving.pace, 1));
            const to = moving.to[i], from = moving.from ? moving.from[i] : to,
                ease = moving.kind === 'sample' ? share : 1;
            const mix = j => from[j] + (to[j] - from[j]) * ease;
            dots(colours[i ? 'exact' : 'learnt'], w < 250 ? 1.1 : 1.7, to.length / 2,
                j => [mix(2 * j), mix(2 * j + 1)]);
            if (share < 1) dirty = true;
        }
        if (drawing() && document.activeElement === canvas) {
            g.strokeStyle = colours.fore;
            const x = w / 2 + cursor[0] * k, y = w / 2 - cursor[1] * k;
            g.beginPath(), g.moveTo(x - 6, y), g.lineTo(x + 6, y), g.moveTo(x, y - 6),
                g.lineTo(x, y + 6), g.stroke();
        }
        const what = fresh ? drawn.length + ' points drawn' : map ? 'density at the least noise'
            : moving ? moved(i)
            : $('show-arrows').checked ? 'arrows' + (i && field && field.logp &&
                $('show-density').checked ? ' on the density' : '') : '';
        $((i ? 'exact' : 'learnt') + '-says').textContent = what;
        canvas.setAttribute('aria-label',
            `The ${i ? 'exact' : 'learnt'} score: ${what}, half-width ${digits(half)}`);
    }
    function curves() {
        const [g, w, h] = sized($('curve')), left = 46, right = 12, top = 8, bottom = 20;
        g.font = '11px system-ui, "DejaVu Sans", sans-serif';
        const all = curve.flatMap(c => c.slice(1)).filter(x => x > 0);
        if (!all.length) {
            g.fillStyle = colours.soft;
            g.fillText('Train, and the curves grow here.', left, h / 2);
            return;
        }
        const lo = Math.floor(Math.log10(Math.min(...all)) * 2) / 2,
            hi = Math.ceil(Math.log10(Math.max(...all)) * 2) / 2;
        const x0 = Math.log10(Math.max(1, curve[0][0])), x1 = Math.max(x0 + .3,
            Math.log10(Math.max(Number(set.steps) || 1, curve[curve.length - 1][0])));
        const X = s => left + (w - left - right) * (Math.log10(Math.max(1, s)) - x0) / (x1 - x0);
        const Y = v => top + (h - top - bottom) * (1 - (Math.log10(v) - lo) / Math.max(.5,
            hi - lo));
        g.strokeStyle = colours.line, g.fillStyle = colours.soft, g.lineWidth = 1;
        for (let e = Math.ceil(lo - 1); e <= hi; e++)
            for (const d of [1, 3]) {
                const v = d * 10 ** e, y = Y(v);
                if (y < top - 1 || y > h - bottom + 1) continue;
                g.beginPath(), g.moveTo(left, y), g.lineTo(w - right, y), g.stroke();
                g.textAlign = 'right', g.fillText(digits(v), left - 5, y + 4);
            }
        for (let e = 0; e < 8; e++)
            for (const d of [1, 3]) {
                const s = d * 10 ** e, x = X(s);
                if (x < left || x > w - right - 8) continue;
                g.textAlign = 'center', g.fillText(String(s), x, h - 5);
            }
        const lines = [['loss', 1, 2, []], ['floor', 2, 1.6, [5, 4]], ['excess', 3, 2, []]];
        for (const [name, i, width, dash] of lines) {
            g.strokeStyle = colours[name], g.lineWidth = width, g.setLineDash(dash);
            g.beginPath();
            let pen = false;
            for (const c of curve) {
                if (!(c[i] > 0)) { pen = false; continue; }
                if (pen) g.lineTo(X(c[0]), Y(c[i])); else g.moveTo(X(c[0]), Y(c[i]));
                pen = true;
            }
            g.stroke();
        }
        g.setLineDash([]);
        $('curve').setAttribute('aria-label', !judged ? 'Loss, floor and excess by step'
            : `By step ${step}: loss ${digits(judged.loss)}, floor ${digits(judged.floor)}, `
                + `excess ${digits(judged.excess)}`);
    }
    function tell() {
        $('n-step').textContent = step + ' of ' + set.steps;
        $('n-loss').textContent = judged ? digits(judged.loss) : '–';
        $('n-floor').textContent = judged ? digits(judged.floor) : '–';
        $('n-excess').textContent = judged ? digits(judged.excess) + ' ± ' + digits(judged.se, 1)
            : '–';
        $('n-size').textContent = size || '–';
        $('n-speed').textContent = speed ? digits(speed) : '–';
        if (field && !fresh) {
            $('level-says').textContent = 't = ' + digits(field.t)
                + ', σ = ' + digits(field.s / field.m);
            $('gap').textContent = field.fisher && isFinite(field.fisher[0])
                ? 'Mean |learnt − exact|² at this level (Fisher divergence): '
                    + digits(field.fisher[0]) + ' ± ' + digits(field.fisher[1], 1) : '';
        } else $('gap').textContent = '';
    }
    let frames = 0, since = performance.now(), fps = 0, lastAsk = 0;
    let before = 0, between = 16; // mean milliseconds from frame to frame
    function frame(now) {
        between += .1 * (Math.min(200, now - before) - between), before = now;
        frames++;
        if (now - since > 1000) {
            fps = 1000 * frames / (now - since), frames = 0, since = now;
            $('n-fps').textContent = fps.toFixed(0);
        }
        const wanted = !field || field.u !== Number(set.level) || field.at !== step ||
            field.key !== guide();
        if (!asked && wanted && !fresh && clean.length && !moving && !map &&
            now - lastAsk > (between < 18 ? 90 : Math.min(1000, 20 * between))) { // when slow: less
            asked = { at: step, key: guide() }, lastAsk = now;
            ask({ do: 'fields', u: Number(set.level), n: innerWidth < 500 ? 13 : 17, fine: 48 });
        }
        if (dirty) dirty = told = false, panel(0), panel(1);
        if (!told) told = true, tell();
        if (curveDirty) curveDirty = false, curves();
        requestAnimationFrame(frame);
    }
    const guide = () => [set.classes, set.label, set.gamma, set.data, set.key].join();

    // Settings: the form shows them, the link keeps them.
    function showForm() {
        for (const [name, list] of Object.entries(LISTS)) {
            const select = form.elements[name];
            if (!select.options.length)
                list.forEach((item, i) => select.add(Array.isArray(item) ? new Option(item[1],
                    item[0]) : new Option(item, i)));
        }
        for (const name of Object.keys(DEFAULT)) {
            const field = name === 'level' ? $('level') : form.elements[name];
            if (field.type === 'checkbox') field.checked = Number(set[name]) > 0;
            else field.value = set[name];
        }
        const s = SDE[set.sde];
        for (const [i, name] of [[3, 'a'], [4, 'b']]) {
            $('label-' + name).hidden = s[i] === undefined;
            $('label-' + name).firstElementChild.textContent = s[i] || '';
        }
        const off = (name, is) => {
            form.elements[name].disabled = is;
            form.elements[name].closest('label').classList.toggle('off', is);
        };
        off('k', DATA[set.data].shape === 4), off('eta', !etaCounts(set));
        off('label', !(set.classes > 0)), off('gamma', !(set.classes > 0 && set.label >= 0));
        if (DATA[set.data].shape === 4) form.elements.k.value = (centres() || []).length;
    }
    let later = 0, resume = false;
    function changed(name, value) {
        const was = state;
        if (name === 'data') set = Object.assign({}, set, { data: value, k: defaultsOf(value,
            set.sde).k, blur: DATA[value].blur });
        else if (name === 'sde') {
            const d = defaultsOf(set.data, value);
            set = Object.assign({}, set, { sde: Number(value), a: d.a, b: d.b });
        }
        else set = Object.assign({}, set, { [name]: value });
        if (name === 'data' && value === 'drawn' && !drawn.length) fresh = true;
        keep(), showForm(), buttons();
        if (RESTART.includes(name)) {
            clearTimeout(later);
            const on = was === 'train' || step > 0 || resume; // what was learnt is learnt anew
            later = setTimeout(() => start(on || state === 'train'), 250);
        } else {
            complain();
            ask({ do: 'set' });
            if (name === 'label' || name === 'gamma') moving = map = null;
            dirty = true;
        }
    }
    function keep() {
        history.replaceState(null, '', link());
        if (!$('c-box').hidden) program();
    }
    form.addEventListener('submit', x => x.preventDefault());
    form.addEventListener('change', x => {
        const field = x.target, name = field.name;
        if (field.type === 'checkbox') changed(name, field.checked ? 1 : 0);
        else if (name === 'data') changed(name, field.value);
        else changed(name, field.value === '' ? DEFAULT[name] : tidy(name, Number(field.value)));
    });
    $('level').addEventListener('input', () => {
        set.level = Number($('level').value);
        if (moving && state !== 'walk' || map) moving = map = null;
        dirty = true, ask({ do: 'set' });
        if (state === 'walk') ask({ do: 'walk' });
    });
    $('level').addEventListener('change', keep);
    $('train').onclick = () => train(state !== 'train');
    $('again').onclick = () => start(false);
    $('sample').onclick = () => act('sample');
    $('walk').onclick = () => act('walk');
    $('map').onclick = () => act('map');
    $('defaults').onclick = () => { clearTimeout(later), drawn = [], set = Object.assign({}, DEFAULT), keep(),
        showForm(), start(false); };
    for (const id of ['show-arrows', 'show-data',
        'show-density']) $(id).onchange = () => { dirty = true; };

    // Points by pointer or keys.
    let cursor = [0, 0];
    const put = (x, y) => {
        if (drawn.length >= 500 || Math.abs(x) > 2.5 || Math.abs(y) > 2.5) return;
        const p = snap([x, y, Number(document.querySelector('input[name=pen]:checked').value)]);
        if (drawn.some(q => Math.hypot(p[0] - q[0], p[1] - q[1]) < .08)) return;
        if (!fresh) { ask({ do: 'pause' }); state = 'idle', moving = map = null, fresh = true,
            buttons(); }
        drawn.push(p), set.k = drawn.length, dirty = true;
    };
    const drew = () => { keep(), showForm(); if (drawn.length) clearTimeout(later),
        later = setTimeout(() => start(true), 900); };
    for (const id of ['learnt', 'exact']) {
        const canvas = $(id);
        let down = false, at = null;
        const place = x => {
            const box = canvas.getBoundingClientRect(), half = view();
            return [half * (2 * (x.clientX - box.left) / box.width - 1),
                half * (1 - 2 * (x.clientY - box.top) / box.height)];
        };
        canvas.addEventListener('pointerdown', x => {
            if (!drawing()) return;
            clearTimeout(later), canvas.setPointerCapture(x.pointerId);
            if (!fresh) fresh = true, moving = map = null;
            down = true, at = place(x), put(...at);
        });
        canvas.addEventListener('pointermove', x => {
            if (!down) return;
            const to = place(x), n = Math.max(1, Math.ceil(Math.hypot(to[0] - at[0],
                to[1] - at[1]) / .1));
            for (let i = 1; i <= n; i++) put(at[0] + (to[0] - at[0]) * i / n,
                at[1] + (to[1] - at[1]) * i / n);
            at = to;
        });
        for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end,
            () => { if (down) down = false, drew(); });
        canvas.addEventListener('keydown', x => {
            const by = { ArrowLeft: [-.1, 0], ArrowRight: [.1, 0], ArrowUp: [0, .1], ArrowDown: [0,
                -.1] }[x.key];
            if (!drawing() || !by && x.key !== 'Enter' && x.key !== ' ') return;
            x.preventDefault();
            if (by) cursor = cursor.map((c, i) => Math.max(-2.4, Math.min(2.4, c + by[i])));
            else put(...cursor), drew();
            dirty = true;
        });
        canvas.addEventListener('focus', () => { dirty = true; });
        canvas.addEventListener('blur', () => { dirty = true; });
    }
    $('undo').onclick = () => { drawn = drawn.slice(0, -10); set.k = drawn.length, fresh = true,
        dirty = true, drew(); };
    $('clear').onclick = () => { drawn = [], set.k = 0, keep(), showForm(), start(false); };

    // What one takes along.
    function program() { $('c').textContent = sgmProgram(numbers(), centres() || [], step ||
        Number(set.steps), link()); }
    async function copy(text, said) {
        try { await navigator.clipboard.writeText(text); } catch (e) {
            const box = document.createElement('textarea');
            box.value = text, document.body.append(box), box.select(), document.execCommand('copy'),
                box.remove();
        }
        $('copied').textContent = said;
        setTimeout(() => { $('copied').textContent = ''; }, 3000);
    }
    $('copy').onclick = () => copy(location.href.split('#')[0] + link(), 'The link is copied.');
    $('c-show').onclick = () => {
        const open = $('c-box').hidden;
        $('c-box').hidden = !open;
        $('c-show').setAttribute('aria-expanded', open);
        $('c-show').textContent = open ? 'Hide the program' : 'Show this as C';
        if (open) program();
    };
    $('c-copy').onclick = () => copy($('c').textContent, 'The program is copied.');
    addEventListener('hashchange', () => { if (location.hash !== link()) read(location.hash),
        showForm(), start(state === 'train'); });
    addEventListener('resize', () => { dirty = curveDirty = true; });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

    // For tests: the same run without drawing, and the program of the same settings.
    window.sgmPlay = {
        run(settings = {}) {
            const hash = Object.entries(settings).map(([n, v]) => n + '=' + v).join('&');
            read('#' + hash), showForm(), keep();
            state = 'idle', moving = map = field = null, fresh = false, step = 0, curve = [];
            return new Promise(done => {
                wishes.push(m => { step = m.step || 0; done(m); });
                ask({ do: 'run', centres: centres() });
            });
        },
        c: () => sgmProgram(numbers(), centres() || [], step || Number(set.steps), link()),
        fps: () => fps, state: () => state, step: () => step, judged: () => judged, set: () =>
            numbers(),
    };

    paint(), read(location.hash), showForm(), buttons();
    if (drawing() && !drawn.length) start(false);
    else start(!matchMedia('(prefers-reduced-motion: reduce)').matches);
    requestAnimationFrame(frame);
})();
