// What runs beside the page, in a worker: the C program, asked by messages {do: ...}, and its
// answers {did: ...}. It works in slices of some milliseconds, so that a message never waits long.
async function sgmCore(wasm, post) {
    const e = await sgmEngine(wasm);
    const names = e.text(e.play_names()).trim().split(' ');
    const four = e.doubles(4), MOST = 2000;
    let busy = '', made = false, due = 0, seen = 0, rate = 0, speed = 0, next = 0, alive = [false,
        false];
    let flock = 0; // how many points move now

    const settings = set => {
        const view = new Float64Array(e.memory.buffer, e.play_settings(), names.length);
        names.forEach((name, i) => { view[i] = name in set ? Number(set[name]) : 0; });
    };
    const floats = (at, n) => new Float32Array(e.memory.buffer, at, n).slice();
    const ints = (at, n) => new Int32Array(e.memory.buffer, at, n).slice();
    const failed = (what, error) => {
        busy = '';
        post({ did: 'error', what, message: String(error.message || error) });
    };

    function start(set, centres) {
        made = false, busy = '', alive = [false, false];
        settings(set);
        if (centres) {
            const n = Math.min(centres.length, MOST);
            const at = new Float32Array(e.memory.buffer, e.play_centres(), 2 * MOST);
            const side = new Int32Array(e.memory.buffer, e.play_sides(), MOST);
            for (let i = 0; i < n; i++)
                at[2 * i] = centres[i][0], at[2 * i + 1] = centres[i][1], side[i] = centres[i][2];
        }
        e.call('play_start');
        made = true, due = seen = 0;
        const k = Math.min(set.k, MOST), n = Math.min(set.n, 1000);
        post({ did: 'start', centres: floats(e.play_centres(), 2 * k), sides: ints(e.play_sides(),
            k),
            data: floats(e.play_data(), 2 * n), size: e.play_size() });
    }
    function judge() {
        e.call('play_judge', four.at);
        const v = four.view();
        return { loss: v[0], floor: v[1], excess: v[2], se: v[3] };
    }
    function train(steps) {
        e.call('play_train', steps, four.at);
        return four.view()[0];
    }

    // A slice of training: about 8 ms of steps. Judged some three times a second.
    function trainSlice(set) {
        const t0 = performance.now(), from = e.play_steps();
        let loss, t;
        do loss = train(1), t = performance.now();
        while (t - t0 < 8 && e.play_steps() < set.steps && e.play_steps() > 9);
        const done = e.play_steps() - from;
        speed = speed ? .95 * speed + 50 * done / (t - t0) : 1000 * done / (t - t0);
        const over = e.play_steps() >= set.steps, said = { did: 'train', step: e.play_steps(), loss,
            speed };
        if (t > due || said.step >= 1.5 * seen || over)
            said.judged = judge(), seen = said.step, due = performance.now() + 350;
        if (said.judged || t > next) post(said), next = t + 30;
        if (over) busy = '', post({ did: 'trained' });
    }
    // One update of both samplers, or one step of both walks. What fails stops alone, and says why.
    function moveSlice() {
        const t0 = performance.now(), kind = busy, n = flock;
        for (const i of [0, 1]) {
            if (!alive[i]) continue;
            try {
                if (kind === 'walk') e.call('play_walk_step', i);
                else if (e.play_sample_done(i)) alive[i] = false;
                else e.call('play_sample_step', i);
            } catch (error) {
                alive[i] = false;
                post({ did: 'error', what: i ? 'exact' : 'learnt', message: error.message });
            }
        }
        const time = kind === 'walk' ? e.play_time(now.level) : e.play_sample_time(alive[0] ? 0
            : 1);
        post({ did: kind, time, pace: rate, spots: [0, 1].map(i => floats(e.play_spots(i), 2 * n)),
            evals: [0, 1].map(i => e.play_sample_evals(i)),
                accepts: [0, 1].map(e.play_walk_accepts),
            m: e.play_m(time), s: e.play_s(time), alive: alive.slice() });
        const over = kind === 'walk' ? !alive[0] && !alive[1]
            : [0, 1].every(i => !alive[i] || e.play_sample_done(i));
        if (over) busy = '', post({ did: 'moved', kind });
        return Math.max(0, rate - (performance.now() - t0));
    }
    function move(kind) {
        const said = ['', ''];
        flock = Number(now.points);
        for (const i of [0, 1]) {
            try { e.call('play_' + kind, i); } catch (error) { said[i] = error.message; }
            alive[i] = said[i] === '';
        }
        if (said[0] && said[0] === said[1]) throw new Error(said[0]);
        for (const i of [0, 1])
            if (said[i]) post({ did: 'error', what: i ? 'exact' : 'learnt', message: said[i] });
        if (!alive[0] && !alive[1]) return post({ did: 'moved', kind });
        busy = kind;
        const steps = Math.max(e.play_sample_steps(0), e.play_sample_steps(1), 1);
        rate = kind === 'walk' ? 33 : Math.min(400, Math.max(16, 2500 / steps));
    }
    // The likelihood map, line by line.
    let map = null;
    function mapSlice() {
        const { n, half } = map, x = e.floats(2 * n), p = e.doubles(n), t = e.play_time(0);
        for (let j = 0; j < n; j++) {
            x.view()[2 * j] = half * (2 * (j + .5) / n - 1);
            x.view()[2 * j + 1] = half * (1 - 2 * (map.row + .5) / n);
        }
        try {
            e.call('play_density', 0, p.at, x.at, n, t);
            const learnt = p.view().slice();
            e.call('play_density', 1, p.at, x.at, n, t);
            post({ did: 'map', row: map.row, n, half, logp: [learnt, p.view().slice()] });
        } finally { x.free(), p.free(); }
        if (++map.row === n) busy = '', post({ did: 'mapped' });
    }

    let now = {}, ticking = false;
    const wait = new MessageChannel(); // setTimeout(0) would wait 4 ms after some turns
    wait.port1.onmessage = () => tick();
    function tick() {
        let pause = 0;
        try {
            if (busy === 'train') trainSlice(now);
            else if (busy === 'map') mapSlice();
            else if (busy) pause = moveSlice();
        } catch (error) { failed(busy, error); }
        ticking = busy !== '';
        if (!ticking) return;
        if (pause > 1) setTimeout(tick, pause); else wait.port2.postMessage(0);
    }
    function go() { if (!ticking && busy) ticking = true, wait.port2.postMessage(0); }

    // The arrows of both scores on a grid, log p of the exact one, and how far they are apart.
    function fields({ u, n, fine, half }) {
        const t = e.play_time(u), m = e.play_m(t), s = e.play_s(t), answer = { did: 'fields', u, n,
            fine };
        const size = half || 1.15 * (reach * m + 2.2 * s);
        const x = e.floats(2 * n * n), out = e.floats(2 * n * n), dense = e.floats(2 * fine * fine);
        const p = e.doubles(fine * fine);
        const grid = (of, count) => {
            const v = of.view();
            for (let i = 0; i < count * count; i++) {
                v[2 * i] = size * (2 * (i % count + .5) / count - 1);
                v[2 * i + 1] = size * (1 - 2 * (Math.floor(i / count) + .5) / count);
            }
        };
        grid(x, n), grid(dense, fine);
        try {
            answer.scores = [0, 1].map(i => (e.call('play_scores', i, out.at, x.at, n * n, t),
                out.view().slice()));
            if (!(Number(now.classes) && now.label >= 0)) {
                e.call('play_density', 1, p.at, dense.at, fine * fine, t);
                answer.logp = p.view().slice();
            }
            e.call('play_fisher', t, four.at);
            answer.fisher = [four.view()[0], four.view()[1]];
        } finally { x.free(), out.free(), dense.free(), p.free(); }
        post(Object.assign(answer, { t, m, s, half: size }));
    }

    const fnv = view => { // FNV-1a of the bytes, as the C program prints it
        let h = 14695981039346656037n;
        for (const byte of new Uint8Array(view.buffer))
            h = (h ^ BigInt(byte)) * 1099511628211n & 0xffffffffffffffffn;
        return h.toString(16).padStart(16, '0');
    };
    function run({ set, centres }) {
        const t0 = performance.now();
        start(set, centres), now = set;
        const loss = train(Number(set.steps)), trained = performance.now(), judged = judge();
        const answer = { did: 'run', isa: e.text(e.web_isa()), loss, judged, step: e.play_steps(),
            hash: [], first: [], ms: { train: trained - t0 } };
        for (const i of [0, 1]) {
            const t1 = performance.now();
            e.call('play_sample', i);
            while (!e.play_sample_done(i)) e.call('play_sample_step', i);
            const x = floats(e.play_spots(i), 2 * Number(set.points));
            answer.hash.push(fnv(x));
            const bits = new Uint32Array(x.buffer);
            answer.first.push([0, 1, 2, 3].map(b => (bits[b] || 0).toString(16).padStart(8, '0')));
            answer.ms[i ? 'exact' : 'learnt'] = performance.now() - t1;
        }
        post(answer);
    }

    let reach = 1;
    return message => {
        try {
            if (message.reach) reach = message.reach;
            if (message.set) now = message.set;
            switch (message.do) {
            case 'start': start(message.set, message.centres); break;
            case 'train': settings(now); if (made) busy = 'train', speed = 0; break;
            case 'pause': busy = ''; break;
            case 'set': settings(now); break;
            case 'sample': case 'walk': settings(now); move(message.do); break;
            case 'map': settings(now); map = { n: message.n, half: message.half, row: 0 };
            busy = 'map'; break;
            case 'fields': if (made) fields(message); else post({ did: 'fields', none: true });
            break;
            case 'run': run(message); break;
            }
        } catch (error) {
            failed(message.do, error);
            if (message.do === 'run') post({ did: 'run', error: String(error.message) });
            if (message.do === 'fields') post({ did: 'fields', none: true });
        }
        go();
    };
}
