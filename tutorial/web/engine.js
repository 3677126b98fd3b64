// Loads a program of tutorial/web/build.sh. In a page that pack.pl has put together:
//
//     const e = await sgmEngine(sgmWasm);      // sgmWasm: the text that pack.pl leaves
//     e.half(3)                                // a WEB function of the C program
//     const p = e.floats(2000)                 // memory of C, zeroed: p.at is the pointer,
//     e.draw(p.at, 2000); p.view()[0]          // p.view() a Float32Array on it, p.free()
//     e.call('train', p.at, 100)               // as e.train, but SGM_OK is 0: throws sgm_error()
//     e.text(e.web_isa())                      // a C string
//     e.put('name')                            // a JavaScript string as memory of C, p.free()
//
// A view is good until C next takes memory; so ask p.view() anew after each call.
async function sgmEngine(source) {
    let bytes = source;
    if (typeof source === 'string') {
        const zipped = Uint8Array.from(atob(source), c => c.charCodeAt(0));
        const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
        bytes = await new Response(stream).arrayBuffer();
    }
    let x; // what C exports
    const u32 = (at, value) => new DataView(x.memory.buffer).setUint32(at, value, true);
    const known = { // the little of an operating system that the C library asks for
        environ_sizes_get: (n, size) => (u32(n, 0), u32(size, 0), 0),
        environ_get: () => 0,
        fd_prestat_get: () => 8, // no folder is open
        clock_time_get: (id, precision, at) => {
            const ns = BigInt(Math.round(Date.now() * 1e6));
            new DataView(x.memory.buffer).setBigUint64(at, ns, true);
            return 0;
        },
        fd_write: (fd, list, n, written) => { // what an assert says
            const data = new DataView(x.memory.buffer);
            let text = '', total = 0;
            for (let i = 0; i < n; i++) {
                const at = data.getUint32(list + 8 * i, true);
                const size = data.getUint32(list + 8 * i + 4, true);
                text += new TextDecoder().decode(new Uint8Array(x.memory.buffer, at, size).slice());
                total += size;
            }
            console.error(text);
            u32(written, total);
            return 0;
        },
        proc_exit: code => { throw new Error('the C program ended with status ' + code); },
    };
    const system = new Proxy(known, { get: (own, name) => own[name] || (() => 52) }); // not here
    const module = await WebAssembly.compile(bytes);
    x = (await WebAssembly.instantiate(module, { wasi_snapshot_preview1: system })).exports;
    x._initialize();

    const text = at => {
        const all = new Uint8Array(x.memory.buffer);
        return new TextDecoder().decode(all.slice(at, all.indexOf(0, at)));
    };
    const room = Type => n => {
        const size = Math.max(1, n) * Type.BYTES_PER_ELEMENT, at = x.malloc(size);
        if (!at) throw new Error('no memory for ' + size + ' bytes');
        new Uint8Array(x.memory.buffer, at, size).fill(0);
        return { at, view: () => new Type(x.memory.buffer, at, n), free: () => x.free(at) };
    };
    const put = string => {
        const raw = new TextEncoder().encode(string + '\0'), p = room(Uint8Array)(raw.length);
        p.view().set(raw);
        return p;
    };
    const call = (name, ...numbers) => {
        const status = x[name](...numbers);
        if (status) throw new Error(text(x.web_error()));
    };
    return Object.assign({}, x, { text, put, call, floats: room(Float32Array),
        doubles: room(Float64Array), ints: room(Int32Array), bytes: room(Uint8Array) });
}
