// The eight experiments: what each asks of widgets.c, draws and tells. See widgets.js.

// ---- path: one step, many paths (chapter 1) ----------------------------------------------------

const X0 = 1.5, CROWD = 2000, SHOWN = 10;
WIDGETS.path = {
    title: 'A forward path, its step, and the law around it',
    intro: 'Ten of 2000 points that start at 1.5 and take on noise. Grey is where the law has ' +
        'them: its mean ± 2 s. Long steps follow a law of their own, though the noise is the same.',
    settings: [
        { id: 'beta', label: 'β at the end', from: 1, to: 40, step: .5, value: 20,
            show: v => show(v, 1) },
        { id: 'step', label: 'step h', values: [.2, .1, .05, .04, .02, .01, .004, .002],
            value: .05, show: v => show(v, 3) },
        { id: 't', label: 'look at time t', from: 0, to: 1, step: .02, value: .2 },
        key],
    panels: [
        { ratio: .62, share: 3, least: 300, label: 'Paths over time, with the band of the law.' },
        { ratio: .9, share: 2, least: 220, label: 'Histogram of the points at the chosen time.' }],
    legend: [['a', 'paths with this step'], ['ink', 'the law’s mean ± 2 s', 'area'],
        ['b', 'Euler’s own law at this step', 'dash']],
    *run(w, v) {
        w.found.steps = Math.round(1 / v.step);
        while (w.ask('path_noise', v.key)) yield;
        w.ask('path_law', v.beta, X0, 101), w.found.law = w.numbers(202).slice();
        w.ask('path_run', v.beta, w.found.steps, X0, v.t);
        w.found.got = w.numbers(8).slice();
        w.found.paths = w.points(SHOWN * (w.found.steps + 1)).slice();
        w.found.crowd = w.points(CROWD, SHOWN * (w.found.steps + 1)).slice();
    },
    draw(w, { law, got, paths, crowd, steps }, v, [left, right]) {
        left.space({ x: [0, 1], y: [-3.5, 3.5], xname: 'time t', yname: 'x' });
        right.space({ x: [-3.5, 3.5], y: [0, .9], xname: 'x at time t', yname: 'density' });
        if (!got) return;
        const { ink, a, b, faint } = left.color, n = steps + 1;
        left.band(101, i => [i / 100, law[2 * i] - 2 * law[2 * i + 1],
            law[2 * i] + 2 * law[2 * i + 1]], ink, .13);
        left.line(101, i => [i / 100, law[2 * i]], ink, 1.5);
        for (let p = SHOWN; p--;)
            left.line(n, i => [i / steps, paths[p * n + i]], a, p ? 1 : 2.2);
        left.line(2, i => [got[7], 7 * i - 3.5], faint, 1, [3, 3]);
        const counts = new Array(35).fill(0), wide = .2;
        histogram(counts, -3.5, 3.5, crowd, 0, CROWD);
        right.bars(counts, -3.5, 3.5, 1 / (CROWD * wide), a, .25);
        if (got[4] > 0) curve(right, x => normal(x - got[3], got[4] ** 2), ink, 2);
        if (got[6] > 0) curve(right, x => normal(x - got[5], got[6] ** 2), b, 1.5, [5, 3]);
    },
    rows({ got: g = [] }) {
        const few = g[4] > 0 ? g[6] / Math.sqrt(CROWD) : 0;
        return [['at t = ' + show(g[7], 2), '2000 points', 'Euler’s rule', 'the law (1.5)'],
            ['mean', ['mean', g[0], 3, few], ['euler-mean', g[5], 3], ['law-mean', g[3], 3]],
            ['std', ['std', g[1], 3, few / Math.SQRT2], ['euler-std', g[6], 3],
                ['law-std', g[4], 3]],
            ['in the band', ['inside', g[2], 3], '', show(g[4] > 0 ? .9545 : 1, 3)]];
    },
    says: ({ got: g }) => `At time ${show(g[7], 2)} the 2000 points have mean ${show(g[0], 3)} ` +
        `and standard deviation ${show(g[1], 3)}; Euler’s rule at this step has ${show(g[5], 3)} ` +
        `and ${show(g[6], 3)}, the law ${show(g[3], 3)} and ${show(g[4], 3)}.`,
};

// ---- arrows: the score of a mixture (chapter 2) ------------------------------------------------

const WIDE = 2.5;
const drag = (id, value, end) => ({ id, value, from: -end, to: end, drag: true });
WIDGETS.arrows = {
    title: 'The score of a mixture that you can move',
    intro: 'Drag the three means (round; or arrow keys) and the place that is measured (square). ' +
        'Each arrow is the score, pressed together so that long ones stay short; the shade is ' +
        'the density.',
    settings: [
        { id: 'sigma', label: 'noise σ', from: .02, to: 2.5, log: true, value: .2,
            show: v => show(v, 3) },
        { id: 'std', label: 'width of a component', from: .1, to: .8, step: .02, value: .3 },
        drag('x1', -1.2, 2.4), drag('y1', .4, 1.6), drag('x2', 1.1, 2.4), drag('y2', .7, 1.6),
        drag('x3', .3, 2.4), drag('y3', -.8, 1.6), drag('px', .3, 2.4), drag('py', .2, 1.6), key],
    handles: [{ x: 'x1', y: 'y1', mark: '1', label: 'mean 1' },
        { x: 'x2', y: 'y2', mark: '2', label: 'mean 2' },
        { x: 'x3', y: 'y3', mark: '3', label: 'mean 3' },
        { x: 'px', y: 'py', mark: '', square: true, label: 'the place that is measured' }],
    panels: [{ ratio: .68, label: 'Arrows of the score over the shade of the density.' }],
    legend: [['b', 'score'], ['a', 'density', 'area']],
    *run(w, v) {
        [[v.x1, v.y1], [v.x2, v.y2], [v.x3, v.y3]].forEach((p, i) => w.ask('arrows_mean', i, ...p));
        const high = WIDE * .68, across = w.plots[0].width < 420 ? 15 : 25;
        const nx = across, ny = Math.round(across * .68);
        w.ask('arrows_field', v.std, v.sigma, 80, 54, WIDE, high);
        const density = w.numbers(80 * 54).slice();
        w.ask('arrows_field', v.std, v.sigma, nx, ny, WIDE * (1 - 1 / nx), high * (1 - 1 / ny));
        Object.assign(w.found, { density, nx, ny, high, arrows: w.points(2 * nx * ny).slice() });
        w.ask('arrows_probe', v.std, v.sigma, v.px, v.py), w.found.probe = w.numbers(5).slice();
        yield;
        w.ask('arrows_stein', v.std, v.sigma, v.key), w.found.stein = w.numbers(2).slice();
    },
    draw(w, { density, nx, ny, high = WIDE * .68, arrows, probe }, v, [plot]) {
        plot.space({ x: [-WIDE, WIDE], y: [-high, high], bare: true });
        if (!arrows) return;
        const { shade, b, ink, back } = plot.color, g = plot.g;
        const top = density.reduce((p, q) => Math.max(p, q), -Infinity);
        plot.shade(80, 54, (i, j) => [...shade, .5 * Math.exp(density[80 * j + i] - top)]);
        const cell = plot.width / nx, usual = 2 / Math.hypot(v.std, v.sigma);
        const arrow = (px, py, sx, sy, longest, color, width) => {
            const size = Math.hypot(sx, sy), long = longest * size / (size + usual);
            if (long < 1) return;
            const ux = sx / size, uy = -sy / size, ex = px + long * ux, ey = py + long * uy;
            const tip = Math.min(long, 3 + 1.5 * width);
            g.strokeStyle = g.fillStyle = color, g.lineWidth = width;
            g.beginPath(), g.moveTo(px, py), g.lineTo(ex - .8 * tip * ux, ey - .8 * tip * uy);
            g.stroke(), g.beginPath(), g.moveTo(ex, ey);
            g.lineTo(ex - tip * ux - .45 * tip * uy, ey - tip * uy + .45 * tip * ux);
            g.lineTo(ex - tip * ux + .45 * tip * uy, ey - tip * uy - .45 * tip * ux), g.fill();
        };
        for (let j = 0; j < ny; j++)
            for (let i = 0; i < nx; i++) {
                const at = 2 * (j * nx + i);
                arrow((i + .5) * cell, plot.height - (j + .5) * plot.height / ny, arrows[at],
                    arrows[at + 1], 1.05 * cell, b, 1.2);
            }
        const px = plot.px(v.px), py = plot.py(v.py);
        arrow(px, py, probe[0], probe[1], 4.5 * cell, back, 5);
        arrow(px, py, probe[0], probe[1], 4.5 * cell, ink, 2.5);
    },
    rows({ probe: p = [], stein: s = [] }) {
        return [['', 'by the library', 'should be'],
            ['score at the square, x', ['score-x', p[0], 4],
                ['quotient-x', p[2], 4]],
            ['score at the square, y', ['score-y', p[1], 4], ['quotient-y', p[3], 4]],
            ['mean of x · score', ['stein', s[0], 3, s[1]], '−2, for D = 2']];
    },
    says: ({ probe: p, stein: s }) => `The score at the square is (${show(p[0], 3)}, ` +
        `${show(p[1], 3)}); difference quotients of log p say (${show(p[2], 3)}, ` +
        `${show(p[3], 3)}). The mean of x times score is ${show(s[0], 3)} plus or minus ` +
        `${show(s[1], 3)}; −2 is exact.`,
};

// ---- ula: Langevin's step against the variance (chapter 6) -------------------------------------

const WALKERS = 2000, ULA_STEPS = 300;
const acceptance = gamma => 1 - 2 / Math.PI * Math.atan((gamma / 2) ** 1.5);
WIDGETS.ula = {
    title: 'Langevin’s step and the variance it settles at',
    intro: '2000 walkers on N(0, 1) with steps of length γ. Unadjusted (ULA) they come to rest ' +
        'too wide. Adjusted (MALA) they refuse some moves, and keep 1.',
    settings: [
        { id: 'gamma', label: 'step γ', from: .05, to: 1.6, step: .05, value: .4 }, key],
    panels: [
        { ratio: .7, label: 'Histograms of the walkers, and the law.' },
        { ratio: .7, label: 'Variance over the step: the curve of ULA, measured points.' }],
    legend: [['a', 'ULA'], ['b', 'MALA'], ['ink', 'the law N(0, 1)'],
        ['a', 'what (6.4) says of ULA', 'dash']],
    pause: true,
    *run(w, v) {
        const found = w.found, keep = w.keep = w.keep || { visited: [] };
        found.visited = keep.visited;
        found.counts = [0, 1].map(() => new Array(45).fill(0)), found.total = 0;
        w.ask('ula_start', v.gamma, v.key);
        for (let step = 0; !(found.got && found.got[5] >= ULA_STEPS); step++) {
            w.ask('ula_steps', 2), found.got = w.numbers(7).slice();
            if (found.got[5] > 0) {
                const x = w.points(2 * WALKERS);
                histogram(found.counts[0], -4.5, 4.5, x, 0, WALKERS);
                histogram(found.counts[1], -4.5, 4.5, x, WALKERS, 2 * WALKERS);
                found.total += WALKERS;
            }
            yield true;
        }
        keep.visited.push([v.gamma, found.got[0], found.got[2]]);
        if (keep.visited.length > 60) keep.visited.shift();
    },
    draw(w, { got, counts, total, visited = [] }, v, [left, right]) {
        left.space({ x: [-4.5, 4.5], y: [0, .48], xname: 'x', yname: 'density' });
        right.space({ x: [0, 1.65], y: [0, 6], xname: 'step γ', yname: 'variance' });
        const { ink, a, b, faint } = left.color;
        if (total) counts.forEach((c, way) =>
            left.bars(c, -4.5, 4.5, 1 / (total * .2), way ? b : a, way ? 0 : .2));
        curve(left, x => normal(x, 1), ink, 2);
        curve(left, x => normal(x, 1 / (1 - v.gamma / 2)), a, 1.5, [5, 3]);
        curve(right, g => 1 / (1 - g / 2), a, 1.5, [5, 3]);
        curve(right, () => 1, ink, 2);
        right.line(2, i => [v.gamma, 6 * i], faint, 1, [3, 3]);
        right.dots_(visited.length, i => [visited[i][0], visited[i][1]], a, 2.5);
        right.dots_(visited.length, i => [visited[i][0], visited[i][2]], b, 2.5);
        if (got && got[5]) {
            right.dots_(1, () => [v.gamma, got[0]], a, 5);
            right.dots_(1, () => [v.gamma, got[2]], b, 5);
        }
    },
    rows({ got: g = [] }, v) {
        const some = g[5] > 0;
        return [['', 'measured', 'should be'],
            ['variance of ULA', ['ula', some ? g[0] : NaN, 4, g[1]],
                ['ula-truth', 1 / (1 - v.gamma / 2), 4]],
            ['variance of MALA', ['mala', some ? g[2] : NaN, 4, g[3]], '1'],
            ['moves that MALA accepts', ['acceptance', some ? g[4] : NaN, 4],
                ['acceptance-truth', acceptance(v.gamma), 4]]];
    },
    says: ({ got: g }, v) => `With step ${show(v.gamma, 2)} the variance of ULA is ` +
        `${show(g[0], 3)}, where 1 over 1 minus half the step is ` +
        `${show(1 / (1 - v.gamma / 2), 3)}; that of MALA is ${show(g[2], 3)}, and it accepts ` +
        `${show(g[4], 3)} of its moves.`,
};

// ---- loss: loss, floor and excess (chapter 4) --------------------------------------------------

WIDGETS.loss = {
    title: 'Loss, floor and excess while a network learns',
    intro: 'A network learns eight points on a circle, here in this page. Its loss never falls ' +
        'below the floor, the loss of the exact score: only the excess over it tells how good it ' +
        'is.',
    settings: [
        { id: 'width', label: 'width', values: [4, 8, 16, 32, 64], value: 32,
            show: v => String(v) },
        { id: 'lr', label: 'learning rate', from: 2e-4, to: 5e-2, log: true, value: 1e-2,
            show: v => show(v, 4) },
        { id: 'batch', label: 'batch', values: [16, 32, 64, 128, 256], value: 128,
            show: v => String(v) },
        { id: 'steps', label: 'steps', values: [500, 1000, 2000, 4000], value: 2000,
            show: v => String(v) },
        key],
    panels: [
        { ratio: .62, share: 3, least: 280, label: 'Loss, floor and excess over training steps.' },
        { ratio: 1, share: 2, least: 200, label: 'Samples of the network around eight points.' }],
    legend: [['a', 'loss'], ['ink', 'floor', 'dash'], ['b', 'excess'],
        ['a', 'samples; large: the eight points', 'dot']],
    pause: true,
    *run(w, v) {
        const found = w.found, every = v.steps / 50;
        found.curve = [];
        w.ask('loss_start', v.width, v.lr, v.batch, v.steps, v.key);
        found.params = w.numbers(1)[0];
        const look = done => {
            w.ask('loss_measure', 1), found.got = w.numbers(7).slice();
            found.curve.push([done, found.got[0], found.got[2], found.got[4]]);
        };
        look(0);
        for (let more = true, done = 0; more;) {
            for (const stop = done + every; more && done < stop; done += 2) {
                more = w.ask('loss_steps', 2);
                yield;
            }
            look(done);
            if (found.curve.length % 5 === 0 || !more)
                w.ask('loss_samples', 1), found.samples = w.points(400).slice();
            yield;
        }
    },
    draw(w, { curve: c = [], samples }, v, [left, right]) {
        left.space({ x: [0, v.steps], y: [.03, 2], ylog: true, xname: 'steps',
            yname: 'per point' });
        right.space({ x: [-1.7, 1.7], y: [-1.7, 1.7], bare: true });
        const { ink, a, b } = left.color;
        [[1, a, []], [2, ink, [5, 3]], [3, b, []]].forEach(([k, color, dash]) =>
            left.line(c.length, i => [c[i][0], Math.max(1e-3, c[i][k])], color, 2, dash));
        const ring = i => [Math.cos(i * Math.PI / 4), Math.sin(i * Math.PI / 4)];
        if (samples) right.dots_(200, i => [samples[2 * i], samples[2 * i + 1]], a, 2.2);
        right.dots_(8, ring, ink, 4), right.title('200 samples');
    },
    rows({ got: g = [], params, curve: c = [] }) {
        return [['after ' + (c.length ? c[c.length - 1][0] : 0) + ' steps', '', ''],
            ['loss', ['loss', g[0], 4], params ? params + ' parameters' : ''],
            ['floor: the exact score', ['floor', g[2], 4, g[3]], ''],
            ['loss − floor', ['difference', g[6], 4], ''],
            ['excess, measured by itself', ['excess', g[4], 4, g[5]],
                'in the mean they are the same (2.9)']];
    },
    says: ({ got: g }) => `The loss is ${show(g[0], 3)}, the floor ${show(g[2], 3)}: the ` +
        `difference is ${show(g[6], 3)}, and the excess measured by itself ${show(g[4], 3)}.`,
};

// ---- reverse: three steps of the reverse SDE (chapter 5) ---------------------------------------

const STEPPERS = ['Euler–Maruyama (5.4)', 'reverse diffusion (5.5)', 'ancestral (5.8)'];
const REVERSED = 4000, TWO = { mean: .2, std: .98939, left: .30168 };
WIDGETS.reverse = {
    title: 'Three steps of the reverse SDE, when there are few',
    intro: 'The exact score of two humps, and noise that becomes data in so many steps: three ' +
        'rules for the step, one law that all of them have in the limit of many.',
    settings: [
        { id: 'steps', label: 'steps', values: [3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192],
            value: 12, show: v => String(v) }, key],
    panels: STEPPERS.map(name => ({ ratio: .62, least: 200, label: 'Histogram: ' + name + '.' })),
    legend: [['a', '4000 points'], ['ink', 'the exact law at their time']],
    *run(w, v) {
        const found = w.found;
        w.ask('reverse_start', v.steps, v.key), found.time = 1;
        for (let more = true, step = 0; more;) {
            found.crowd = w.points(3 * REVERSED).slice();
            w.ask('reverse_law', 201, 3.5, Math.max(.001, found.time));
            found.law = w.numbers(201).slice();
            if (step++ % Math.ceil(v.steps / 48) === 0) yield true;
            else yield;
            more = w.ask('reverse_step'), found.time = w.numbers(1)[0];
        }
        found.time = 0;
        w.ask('reverse_law', 201, 3.5, 0), found.law = w.numbers(201).slice();
        found.crowd = w.points(3 * REVERSED).slice();
        w.ask('reverse_measure'), found.got = w.numbers(16).slice();
    },
    draw(w, { crowd, law, time }, v, plots) {
        plots.forEach((plot, k) => {
            plot.space({ x: [-3.5, 3.5], y: [0, 1], xname: 'x', noys: true, yname: STEPPERS[k] });
            if (!crowd) return;
            const counts = new Array(35).fill(0);
            histogram(counts, -3.5, 3.5, crowd, REVERSED * k, REVERSED * (k + 1));
            plot.bars(counts, -3.5, 3.5, 1 / (REVERSED * .2), plot.color.a, .25);
            plot.line(201, i => [-3.5 + .035 * i, Math.exp(law[i])], plot.color.ink, 2);
            if (time > 0) plot.text(-3.3, .88, 't = ' + show(time, 2), plot.color.faint);
        });
    },
    rows({ got: g = [] }) {
        const name = ['em', 'rd', 'anc', 'exact'];
        return [['', 'mean', 'std', 'left hump', 'distance'],
            ...[...STEPPERS, '4000 exact draws'].map((text, k) => [text,
                [name[k] + '-mean', g[4 * k], 3], [name[k] + '-std', g[4 * k + 1], 3],
                [name[k] + '-left', g[4 * k + 2], 3], [name[k] + '-far', g[4 * k + 3], 3]]),
            ['the law', show(TWO.mean, 3), show(TWO.std, 3), show(TWO.left, 3), '0']];
    },
    says: ({ got: g }, v) => `After ${v.steps} steps the distances from exact draws are ` +
        `${show(g[3], 3)} for Euler and Maruyama, ${show(g[7], 3)} for reverse diffusion, ` +
        `${show(g[11], 3)} for the ancestral step; two exact sets are ${show(g[15], 3)} apart.`,
};

// ---- heun: two solvers of one ODE (chapter 7) --------------------------------------------------

const LADDER = [8, 16, 32, 64, 128, 256, 512], LINES = 14, FLOW = 2.3;
WIDGETS.heun = {
    title: 'Heun against Euler: the same score, asked as often',
    intro: 'Points of the prior flow to five heaps of data. Heun’s step asks the score twice and ' +
        'so takes half as many steps; twice the evaluations leave half of Euler’s error and, ' +
        'once they are enough, a quarter of Heun’s.',
    settings: [{ id: 'nfe', label: 'evaluations', values: LADDER.slice(0, 6), value: 16,
        show: v => String(v) }, key],
    panels: [
        { ratio: 1, label: 'Flow lines of Euler and Heun beside the true ones.' },
        { ratio: .85, label: 'Distance to the true end over evaluations, both axes logarithmic.' }],
    legend: [['ink', 'the true flow'], ['a', 'Euler'], ['b', 'Heun']],
    holds: ['law'],
    *run(w, v) {
        const found = w.found, at = LADDER.indexOf(v.nfe);
        w.ask('heun_start', v.key);
        yield;
        w.ask('heun_law', 60, FLOW), found.law = w.numbers(3600).slice();
        yield;
        const lines = (way, steps) => {
            w.ask('heun_lines', way, steps);
            return { steps, far: w.numbers(1)[0], at: w.points(2 * LINES * (steps + 1)).slice() };
        };
        found.lines = [];
        for (const [way, steps] of [[2, 20], [0, v.nfe], [1, v.nfe / 2]])
            found.lines[way] = lines(way, steps), yield;
        found.euler = [], found.heun = [];
        for (let k = 1; k <= 45; k++) found.share = k / 45, yield true;
        for (const k of [at, at + 1, ...LADDER.keys()]) {
            if (found.heun[k]) continue;
            found.euler[k] = lines(0, LADDER[k]).far, yield;
            found.heun[k] = lines(1, LADDER[k] / 2).far, yield;
        }
    },
    draw(w, { law, lines = [], euler = [], heun = [], share = 0 }, v, [left, right]) {
        left.space({ x: [-FLOW, FLOW], y: [-FLOW, FLOW], bare: true });
        right.space({ x: [6, 700], y: [3e-5, 1], xlog: true, ylog: true, xname: 'evaluations',
            yname: 'distance to the true end' });
        const { shade, ink, a, b, faint } = left.color;
        if (law) {
            const top = law.reduce((p, q) => Math.max(p, q), -Infinity);
            left.shade(60, 60, (i, j) => [...shade, .45 * Math.exp(law[60 * j + i] - top)]);
        }
        [[0, a, 3, 3], [1, b, 1.6, 2], [2, ink, 1, 0]].forEach(([way, color, width, dot]) => {
            if (!lines[way]) return;
            const { steps, at } = lines[way], seen = Math.ceil(share * steps - 1e-9) + 1;
            for (let k = 0; k < LINES; k++) {
                const first = 2 * k * (steps + 1);
                const place = i => [at[first + 2 * i], at[first + 2 * i + 1]];
                left.line(seen, place, color, width);
                if (dot && steps < 40) left.dots_(seen, place, color, dot);
                left.dots_(seen > steps ? 1 : 0, () => place(steps), color, way === 2 ? 3.5 : 3);
            }
        });
        left.title('t from 1 to .05');
        right.line(2, i => [v.nfe, [1e-6, 1][i]], faint, 1, [3, 3]);
        [[euler, a], [heun, b]].forEach(([far, color]) => {
            const known = [...LADDER.keys()].filter(k => far[k]);
            right.line(known.length, i => [LADDER[known[i]], far[known[i]]], color, 1.5);
            right.dots_(known.length, i => [LADDER[known[i]], far[known[i]]], color, 4);
        });
    },
    rows({ euler = [], heun = [] }, v) {
        const k = LADDER.indexOf(v.nfe), order = f => Math.log2(f[k] / f[k + 1]);
        return [['', 'distance at ' + v.nfe, 'at ' + 2 * v.nfe, 'order', 'in the limit'],
            ['Euler', ['euler', euler[k], 5], ['euler-2', euler[k + 1], 5],
                ['euler-order', order(euler), 2], '1'],
            ['Heun', ['heun', heun[k], 5], ['heun-2', heun[k + 1], 5],
                ['heun-order', order(heun), 2], '2']];
    },
    says: ({ euler, heun }, v) => {
        const k = LADDER.indexOf(v.nfe);
        return `With ${v.nfe} evaluations Euler ends ${show(euler[k], 4)} from the true end, ` +
            `Heun ${show(heun[k], 5)}; with twice as many ${show(euler[k + 1], 4)} and ` +
            `${show(heun[k + 1], 5)}.`;
    },
};

// ---- gamma: guidance and three laws (chapter 8) ------------------------------------------------

const GUIDED = 4000;
const bySde = (g, c) => Math.abs(2 * g - 1) < 1e-6 ? c * Math.log(1 / c) / (1 - c) :
    (c - c ** (2 * g)) / ((2 * g - 1) * (1 - c));
const byFlow = (g, c) => c ** g, tilted = (g, c) => c / (c + g * (1 - c));
WIDGETS.gamma = {
    title: 'Guidance γ, and three laws where one would expect one',
    intro: 'Data N(0, 1) and a condition that leaves N(0, c). Guided by γ the reverse SDE and ' +
        'the flow draw from two laws, and neither is p(x) p(y|x)^γ — but for γ = 0 and 1.',
    settings: [
        { id: 'gamma', label: 'guidance γ', from: 0, to: 5, step: .1, value: 2,
            show: v => show(v, 1) },
        { id: 'c', label: 'variance c under the condition', from: .1, to: .9, step: .05,
            value: .5 },
        key],
    panels: [
        { ratio: .7, label: 'Histograms of guided samples and their laws.' },
        { ratio: .7, label: 'Variance over guidance: three curves, and measured points.' }],
    legend: [['a', 'by the SDE'], ['b', 'by the flow'], ['c', 'p(x) p(y|x)^γ', 'dash'],
        ['faint', 'no guidance: γ = 0']],
    *run(w, v) {
        const found = w.found, keep = w.keep = w.keep || { visited: [] };
        if (keep.c !== v.c) keep.c = v.c, keep.visited = [];
        found.visited = keep.visited, found.done = 0;
        w.ask('gamma_start', v.gamma, v.c, v.key);
        for (let more = true; more;) {
            more = w.ask('gamma_steps', 4), found.done = w.numbers(5)[4];
            yield;
        }
        found.crowd = w.points(2 * GUIDED).slice(), found.got = w.numbers(4).slice();
        keep.visited.push([v.gamma, found.got[0], found.got[2]]);
        if (keep.visited.length > 60) keep.visited.shift();
    },
    draw(w, { crowd, got, visited = [], done }, v, [left, right]) {
        const top = Math.max(.45, 1.2 * normal(0, Math.min(bySde(v.gamma, v.c),
            byFlow(v.gamma, v.c), tilted(v.gamma, v.c))));
        left.space({ x: [-3, 3], y: [0, top], xname: 'x', yname: 'density' });
        right.space({ x: [0, 5], y: [0, 1.1], xname: 'guidance γ', yname: 'variance' });
        const { a, b, c, faint } = left.color;
        if (got) [a, b].forEach((color, way) => {
            const counts = new Array(60).fill(0);
            histogram(counts, -3, 3, crowd, GUIDED * way, GUIDED * (way + 1));
            left.bars(counts, -3, 3, 1 / (GUIDED * .1), color, .16);
        });
        else if (done != null)
            left.text(-2.8, .9 * top, show(100 * done, 0) + ' % of the steps', faint);
        curve(left, x => normal(x, 1), faint, 1);
        curve(left, x => normal(x, bySde(v.gamma, v.c)), a, 2);
        curve(left, x => normal(x, byFlow(v.gamma, v.c)), b, 2);
        curve(left, x => normal(x, tilted(v.gamma, v.c)), c, 2, [5, 3]);
        curve(right, g => bySde(g, v.c), a, 2), curve(right, g => byFlow(g, v.c), b, 2);
        curve(right, g => tilted(g, v.c), c, 2, [5, 3]);
        right.line(2, i => [v.gamma, 1.1 * i], faint, 1, [3, 3]);
        right.dots_(visited.length, i => [visited[i][0], visited[i][1]], a, 4);
        right.dots_(visited.length, i => [visited[i][0], visited[i][2]], b, 4);
    },
    rows({ got: g = [] }, v) {
        return [['variance', '4000 samples', 'should be'],
            ['by the SDE', ['sde', g[0], 4, g[1]], ['sde-truth', bySde(v.gamma, v.c), 4]],
            ['by the flow', ['flow', g[2], 4, g[3]], ['flow-truth', byFlow(v.gamma, v.c), 4]],
            ['of p(x) p(y|x)^γ', 'not sampled', ['tilted', tilted(v.gamma, v.c), 4]]];
    },
    says: ({ got: g }, v) => `With guidance ${show(v.gamma, 1)} the variance is ${show(g[0], 3)} ` +
        `by the SDE, where ${show(bySde(v.gamma, v.c), 3)} is exact, and ${show(g[2], 3)} by the ` +
        `flow, where ${show(byFlow(v.gamma, v.c), 3)} is; the density one would expect has ` +
        `${show(tilted(v.gamma, v.c), 3)}.`,
};

// ---- likelihood: a map by the flow (chapter 7) -------------------------------------------------

const SIDE = 56, HALF = 2.8;
WIDGETS.likelihood = {
    title: 'A map of likelihood, and how few steps spoil it',
    intro: 'log p of every place, by the flow. With few steps the map looks as good and is the ' +
        'density of nothing: its integral is not 1. Beside it: how far log p is off, up to ± 1.',
    settings: [
        { id: 'method', label: 'solver', options: ['Euler', 'Heun', 'RK4'], value: 1 },
        { id: 'steps', label: 'steps', values: [3, 4, 6, 8, 12, 16, 24, 32, 64], value: 8,
            show: v => String(v) }, key],
    panels: [
        { ratio: 1, label: 'Density by the flow, as a shade.' },
        { ratio: 1, label: 'Error of log p, blue where it is too high.' }],
    legend: [['ink', 'the exact density: .01, .03, .1'],
        ['a', 'density; in the other map: too high', 'area'], ['b', 'too low', 'area']],
    holds: ['map', 'exact'], // until there are others
    *run(w, v) {
        const found = w.found, all = SIDE * SIDE;
        w.ask('likelihood_start', v.method, v.steps);
        for (let more = true; more;) {
            more = w.ask('likelihood_band');
            yield;
        }
        found.map = w.numbers(all).slice(), found.exact = w.points(all).slice();
        w.ask('likelihood_integral'), found.integral = w.numbers(2, all).slice();
        yield;
        while (w.ask('likelihood_check', v.key)) yield;
        found.got = w.numbers(5, all).slice();
    },
    draw(w, { map, exact }, v, [left, right]) {
        const frame = { x: [-HALF, HALF], y: [-HALF, HALF], bare: true };
        left.space(frame), right.space(frame);
        if (!map) return;
        const { shade, below } = left.color;
        left.shade(SIDE, SIDE, (i, j) => [...shade, 2.2 * Math.exp(map[SIDE * j + i])]);
        right.shade(SIDE, SIDE, (i, j) => {
            const off = map[SIDE * j + i] - exact[SIDE * j + i];
            return [...(off > 0 ? shade : below), Math.abs(off)];
        });
        for (const plot of [left, right])
            for (const level of [.01, .03, .1])
                plot.contour(SIDE, exact, Math.log(level), plot.color.ink);
        left.title('density by the flow'), right.title('log p by the flow − log p');
    },
    rows({ integral: s = [], got: g = [] }) {
        return [['', 'by the flow', 'exact'],
            ['integral over the square', ['integral', s[0], 4], ['integral-exact', s[1], 4]],
            ['mean of log p, 128 draws', ['nats', g[0], 4], ['nats-exact', g[1], 4]],
            ['error of log p, rms', ['rms', g[2], 4], '0'],
            ['the library’s own estimate', ['change', g[3], 4],
                g.length ? g[4] ? 'suspect: take more steps' : 'not suspect' : '']];
    },
    says: ({ integral: s, got: g }) => `The map integrates to ${show(s[0], 3)}, the exact ` +
        `density to ${show(s[1], 3)} over this square; log p is off by ${show(g[2], 3)}, root ` +
        `mean square. ` +
        (g[4] ? 'The library says: suspect.' : 'The library does not suspect it.'),
};

// ---- the start --------------------------------------------------------------------------------

function start() {
    const found = [...document.querySelectorAll('figure.widget[data-widget]')]
        .filter(f => WIDGETS[f.dataset.widget] && !f.classList.contains('sgm-widget'));
    if (!found.length) return;
    if (!document.getElementById('sgm-widget-style')) {
        const style = make('style', '', STYLE);
        style.id = 'sgm-widget-style', document.head.appendChild(style);
    }
    for (const f of found) figures.push(new Figure(f, f.dataset.widget));
    new MutationObserver(repaint).observe(document.documentElement,
        { attributes: true, attributeFilter: ['data-theme'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
    addEventListener('hashchange', readAddress);
    readAddress();
    tick();
}

// The values of `widget_test` in widgets.c, as a promise of a list of { name, bits }: the bits of a
// double in 16 hexadecimal digits. The native program must print the same.
window.sgmWidgetTest = async () => {
    const e = await newEngine(), n = e.widget_test();
    const list = [], data = new DataView(new ArrayBuffer(8));
    if (!n) throw new Error(e.text(e.web_error()));
    for (let i = 0; i < n; i++) {
        data.setFloat64(0, e.widget_test_value(i));
        list.push({ name: e.text(e.widget_test_name(i)),
            bits: data.getBigUint64(0).toString(16).padStart(16, '0') });
    }
    return list;
};

if (document.readyState === 'loading') addEventListener('DOMContentLoaded', start);
else start();
