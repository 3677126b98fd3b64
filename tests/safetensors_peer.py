#!/usr/bin/env python3
"""Holds sgm.h's reader and writer of safetensors against the reference package, both ways.

    pip install safetensors numpy; make peer-files

Some 2000 files from a fixed seed: sound ones of every type, rank and spelling, and ones that are
wrong in one place. What the reference accepts, sgm.h must accept, with equal numbers, and save again
so that the reference reads the same; what the reference rejects, sgm.h must reject. The differences
that are meant are counted by name, and stand in `meant` below.
"""

import collections, json, os, random, struct, subprocess, sys, tempfile

try:
    import numpy as np
    import safetensors
except ImportError as missing:
    print("peer-files: skipped, %s: pip install safetensors numpy" % missing)
    sys.exit(0)

random.seed(20)
SIZES = {
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "F64": 8,
    "BOOL": 1,
    "I8": 1,
    "I16": 2,
    "I32": 4,
    "I64": 8,
    "U8": 1,
    "U16": 2,
    "U32": 4,
    "U64": 8,
}
NUMPY = {
    "F32": "<f4",
    "F16": "<f2",
    "F64": "<f8",
    "I8": "i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
}
NAMES = [
    "w",
    "layer.0.weight",
    "",
    "é∇",
    "🎲",
    'say "x"',
    "back\\slash",
    "tab\t\n",
    "a/b",
    "\x7f",
    "__metadata",
    "sgm.checksum",
    "ﬀ",
    "\U0010ffff",
    "dtype",
    "x" * 300,
]


def floats(dtype, data):
    """The numbers as float32, as numpy converts."""
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if dtype == "BOOL":
        return (np.frombuffer(data, "u1") != 0).astype("<f4")
    with np.errstate(all="ignore"):
        return np.frombuffer(data, NUMPY[dtype]).astype("<f4")


def number_bytes(dtype, n):
    if dtype == "BOOL":
        return bytes(random.randrange(2) for _ in range(n))
    if dtype == "F64" and random.random() < 0.9:
        return np.array(
            [random.gauss(0, 1) * 10.0 ** random.randint(-40, 37) for _ in range(n)], "<f8"
        ).tobytes()
    return bytes(random.randrange(256) for _ in range(n * SIZES[dtype]))


def text(s):
    """A string as JSON, in one of the spellings that mean it."""
    way = random.randrange(3)
    if way == 0:
        return json.dumps(s)
    if way == 1:
        return json.dumps(s, ensure_ascii=False)
    return (
        '"'
        + "".join(
            "\\u%04x" % u
            for u in struct.unpack(
                "<%dH" % (len(s.encode("utf-16-le")) // 2), s.encode("utf-16-le")
            )
        )
        + '"'
    )


def blank():
    return random.choice(["", "", "", " ", "\n", "\t ", "\r\n"])


def obj(pairs):
    return (
        "{"
        + ",".join(blank() + text(k) + blank() + ":" + blank() + v + blank() for k, v in pairs)
        + "}"
    )


class File:
    """A sound file, as parts that a fault may change before they are put together."""

    def __init__(self):
        self.arrays, self.data, self.meta, self.head = [], b"", None, None
        for name in random.sample(NAMES, random.randint(0, 5)):
            dtype = random.choice(list(SIZES))
            shape = [random.choice([0, 1, 1, 2, 3, 4, 7]) for _ in range(random.randint(0, 4))]
            part = number_bytes(dtype, int(np.prod(shape, dtype=int)))
            self.arrays.append([name, dtype, shape, len(self.data), len(self.data) + len(part)])
            self.data += part
        if random.random() < 0.5:
            self.meta = {
                random.choice(NAMES): random.choice(NAMES) for _ in range(random.randint(0, 4))
            }
            self.meta.pop("sgm.checksum", None)  # a wrong one is refused
        self.order = random.sample(range(len(self.arrays)), len(self.arrays))

    def entry(self, a):
        fields = [
            ("dtype", json.dumps(a[1])),
            ("shape", json.dumps(a[2])),
            ("data_offsets", json.dumps(a[3:5])),
        ]
        random.shuffle(fields)
        if random.random() < 0.1:
            fields.insert(
                random.randrange(4),
                (
                    "note",
                    random.choice(
                        [
                            "1",
                            "-0.5e+3",
                            "null",
                            '[1,{"a":[]},"x"]',
                            "true",
                            '"\\ud83c\\udfb2"',
                            "{}",
                            "[]",
                        ]
                    ),
                ),
            )
        return obj(fields)

    def header(self):
        if self.head is not None:
            return self.head
        pairs = [(self.arrays[i][0], self.entry(self.arrays[i])) for i in self.order]
        if self.meta is not None:
            pairs.insert(
                random.randint(0, len(pairs)),
                (
                    "__metadata__",
                    random.choice(["null", obj([(k, text(v)) for k, v in self.meta.items()])]),
                ),
            )
        return (obj(pairs) + random.choice(["", " ", "   \n"])).encode()

    def bytes(self):
        head = self.header()
        return struct.pack("<Q", len(head)) + head + self.data


def spoil(f, kind):
    """A fault of this kind; the file's bytes."""
    nonempty = [a for a in f.arrays if a[4] > a[3]]
    a = random.choice(nonempty) if nonempty else None
    if kind < 12 and a is None:
        return f.bytes()
    wide = SIZES[a[1]] if a else 1
    if kind == 0:
        a[3] += wide
    elif kind == 1:
        a[4] += wide
    elif kind == 2:
        a[3], a[4] = a[4], a[3]
    elif kind == 3:
        a[2] = a[2] + [2]
    elif kind == 4:
        a[2] = [-x for x in a[2]] + [-1]
    elif kind == 5:
        a[1] = random.choice(list(SIZES) + ["C64", "F8_E4M3", "f32", "FLOAT", ""])
    elif kind == 6:
        b = random.choice(nonempty)
        b[3:5] = a[3:5]
    elif kind == 7:
        f.data += b"\0" * random.randint(1, 9)
    elif kind == 8:
        f.data = f.data[: -random.randint(1, len(f.data))]
    elif kind == 9:  # a hole: what stands behind moves
        for b in f.arrays:
            if b[3] >= a[4]:
                b[3] += 8
                b[4] += 8
        f.data = f.data[: a[4]] + bytes(8) + f.data[a[4] :]
    elif kind == 10:
        a[2] = random.choice([[2**62, 4], [2**63], [2**64], [2**32, 2**32, 0]])
    elif kind == 11:
        a[3:5] = random.choice([[0], [0, 4, 4], [2**63, 2**63], [2**64, 2**64], []])
    head = f.header()
    if kind == 12 and head:  # a byte of the header is another, is gone, or is there twice
        i, now = random.randrange(len(head)), bytes([random.randrange(256)])
        head = (
            head[:i]
            + random.choice(
                [now, b"", head[i : i + 1] * 2, random.choice([b",", b"0", b'"', b"}", b"[", b" "])]
            )
            + head[i + random.randrange(2) :]
        )
    elif kind == 13:
        head = head.replace(b",", b" ", 1)
    elif kind == 14:
        head = head.replace(b":", b" ", 1)
    elif kind == 15:
        head = head.replace(b"[", b"[0", 1)
    elif kind == 16:
        head = head.replace(b"]", b",]", 1)
    elif kind == 17:
        head = head.rstrip()[:-1] + b",}"
    elif kind == 18:
        head = random.choice([b"\xef\xbb\xbf", b"x", b"\0", b"[", b"{"]) + head
    elif kind == 19:
        head += random.choice([b"x", b"\0", b"{}", b"}", b"\xff", b"\x0c"])
    elif kind == 20:
        head = head.replace(
            b'"',
            b'"'
            + random.choice(
                [
                    b"\xff",
                    b"\xc3",
                    b"\xed\xa0\x80",
                    b"\xc0\xaf",
                    b"\x01",
                    b"\\x",
                    b"\\ud800",
                    b"\\udc00\\ud800",
                    b"\\u12",
                    b"\\",
                ]
            ),
            1,
        )
    elif kind == 21:
        head = head.replace(b"dtype", random.choice([b"shape", b"Dtype", b"data_offsets"]), 1)
    elif kind == 22:
        head = head.replace(
            b'"dtype"',
            b'"x":'
            + random.choice(
                [
                    b"01",
                    b"1.",
                    b".5",
                    b"1e",
                    b"nul",
                    b"tru",
                    b"[1,]",
                    b"{1:2}",
                    b"NaN",
                    b"+1",
                    b"--1",
                    b"'a'",
                    b"1.5e+",
                    b'"\\q"',
                ]
            )
            + b',"dtype"',
            1,
        )
    elif kind == 23:
        n = random.choice(
            [0, 7, len(head) + len(f.data) + 1, 2**63, 2**64 - 8, 10**8 + 1, len(head) - 1]
        )
        return struct.pack("<Q", max(n, 0)) + head + f.data
    elif kind == 24:
        whole = struct.pack("<Q", len(head)) + head + f.data
        return whole[: random.randrange(len(whole))]
    elif kind == 25:
        head = head.replace(
            b"{",
            b'{"__metadata__":'
            + random.choice(
                [
                    b"[]",
                    b'""',
                    b"1",
                    b'{"a":1}',
                    b'{"a":null}',
                    b'{"a"}',
                    b'{"a":"b",}',
                    b"nul",
                    b"{}",
                ]
            )
            + b",",
            1,
        )
    elif kind == 26:
        head = head.replace(
            b'"dtype"',
            b'"x":' + b"[" * 124 + random.choice([b"", b"[", b"[[", b"1"]) + b',"dtype"',
            1,
        )
    elif kind == 27 and f.arrays:
        n = random.randint(122, 127)
        head = head.replace(b'"dtype"', b'"x":' + b"[" * n + b"1" + b"]" * n + b',"dtype"', 1)
    elif kind == 28 and f.arrays:
        head = obj([(f.arrays[0][0], f.entry(b)) for b in f.arrays + f.arrays[:1]]).encode()
    elif kind == 29:
        head = head.replace(b"{", b'{"__metadata__":{"a":"b","a":"c"},', 1)
    elif kind == 30:
        head = head.replace(b'"', b'"\\u0000', 1)
    elif kind == 31 and a:
        head = obj([(b[0], json.dumps(b[1:3] + [b[3:5]])) for b in f.arrays]).encode()
    elif kind == 32 and a:
        head = head.replace(b'"' + a[1].encode() + b'"', b'{"' + a[1].encode() + b'":null}')
    elif kind == 33:
        head = head.replace(b'"dtype"', b'"shape":[1],"dtype"', 1)
    return struct.pack("<Q", len(head)) + head + f.data


KINDS = 34


def from_numpy():
    """A file that the reference package writes itself."""
    from safetensors.numpy import save

    x = {
        "w%d"
        % i: np.asarray(
            np.random.default_rng(i).normal(
                size=random.choice([(), (3,), (2, 3), (2, 0, 1), (2, 3, 2)])
            )
            * 9,
            random.choice(["f2", "f4", "f8", "i1", "i4", "i8", "?"]),
        )
        for i in range(random.randint(0, 9))
    }
    return save(x, random.choice([None, {}, {"format": "np", "é": "∇"}]))


class Twice(Exception):
    pass


def meant(data, arrays):
    """Why sgm.h rejects what the reference accepts, or None if it must not."""
    head = data[8 : 8 + struct.unpack("<Q", data[:8])[0]]

    def unique(pairs):
        if len({k for k, _ in pairs}) < len(pairs):
            raise Twice
        return dict(pairs)

    try:
        json.loads(head, object_pairs_hook=unique)
    except Twice:
        return "a name that is there twice (the format forbids it)"
    except ValueError:
        pass
    if b"\\u0000" in head:
        return "a name with a zero byte (no string of C)"
    entries = [v for k, v in json.loads(head).items() if k != "__metadata__"]
    if any(not isinstance(v, dict) or not isinstance(v["dtype"], str) for v in entries):
        return "an array that is told as a list, a type as a map (not in the format)"
    for _, a in arrays:
        if a["dtype"] not in SIZES:
            return "a type that has no float"
        if any(s >= 2**63 for s in a["shape"]):
            return "a size beyond a long"
        if a["dtype"] == "F64":
            x = np.frombuffer(bytes(a["data"]), "<f8")
            with np.errstate(all="ignore"):
                if (np.isfinite(x) & ~np.isfinite(x.astype("<f4"))).any():
                    return "a double beyond float"
    return None


def reference(data):
    try:
        return safetensors.deserialize(data), ""
    except Exception as error:  # its own, and those of Python on the way
        return None, str(error)


def two_sizes(shape):
    rows = shape[0] if shape else 1
    return rows, int(np.prod(shape[1:], dtype=object)) if len(shape) > 1 else 1


def same_bits(ours, truth):
    nan = np.isnan(truth)
    return np.array_equal(np.isnan(ours), nan) and np.array_equal(
        ours[~nan].view("<u4"), truth[~nan].view("<u4")
    )


def metadata(path):
    with safetensors.safe_open(path, framework="np") as f:
        return {k: v for k, v in (f.metadata() or {}).items() if k != "sgm.checksum"}


def answers(lines):
    """What safetensors_peer.c prints, file by file: (message, arrays, meta)."""
    for line in lines:
        if line.startswith("bad "):
            yield line, None, None
            continue
        arrays, meta = {}, {}
        for _ in range(int(line.split()[1])):
            name, rows, cols, bits = next(lines).split()
            arrays[bytes.fromhex(name[1:]).decode()] = (
                int(rows),
                int(cols),
                np.frombuffer(bytes.fromhex(bits[1:]), ">u4").astype("<u4").view("<f4"),
            )
        for line in lines:
            if line == "end":
                break
            _, k, v = line.split()
            meta[bytes.fromhex(k[1:]).decode()] = bytes.fromhex(v[1:]).decode()
        meta.pop("sgm.checksum", None)
        yield None, arrays, meta


def check_equal(path, theirs, arrays, meta):
    theirs = dict(theirs)
    if theirs.keys() != arrays.keys():
        return "other names"
    for name, a in theirs.items():
        rows, cols, x = arrays[name]
        if (rows, cols) != two_sizes(a["shape"]):
            return "another shape of " + name
        if not same_bits(x, floats(a["dtype"], bytes(a["data"]))):
            return "other numbers in " + name
    if metadata(path) != meta:
        return "other metadata"
    with open(path + ".again", "rb") as f:
        again, why = reference(f.read())
    if again is None:
        return "the reference rejects what sgm.h wrote: " + why
    for name, a in again:
        rows, cols, x = arrays[name]
        if a["dtype"] != "F32" or list(a["shape"]) != [rows, cols]:
            return "saved as another shape: " + name
        if x.tobytes() != bytes(a["data"]):
            return "saved as other numbers: " + name
    return (
        "other metadata saved"
        if len(again) != len(arrays) or metadata(path + ".again") != meta
        else None
    )


def main(tool):
    count, wrong = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        files = [File().bytes() for _ in range(500)]
        files += [from_numpy() for _ in range(100)]
        files += [spoil(File(), i % KINDS) for i in range(40 * KINDS)]
        paths = [os.path.join(folder, "%d.safetensors" % i) for i in range(len(files))]
        for path, data in zip(paths, files):
            with open(path, "wb") as f:
                f.write(data)
        run = subprocess.run(
            [tool], input="\n".join(paths) + "\n", text=True, stdout=subprocess.PIPE
        )
        if run.returncode:
            sys.exit("peer-files: %s ended with %d" % (tool, run.returncode))
        for path, data, (bad, arrays, meta) in zip(
            paths, files, answers(iter(run.stdout.split("\n")[:-1]))
        ):
            theirs, why = reference(data)
            if theirs is None and bad:
                count["rejected by both"] += 1
                continue
            reason = meant(data, theirs) if theirs is not None and bad else None
            if reason:
                count["meant: " + reason] += 1
                continue
            fault = (
                "accepted, but the reference says: " + why
                if theirs is None
                else "rejected: " + bad if bad else check_equal(path, theirs, arrays, meta)
            )
            count["equal"] += fault is None
            if fault:
                wrong += 1
                print("%s\n  header %r" % (fault, data[8:300]))
    for what in sorted(count):
        print("%6d  %s" % (count[what], what))
    print(
        "peer-files: %d files, safetensors %s: %d differ"
        % (len(files), safetensors.__version__, wrong)
    )
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(sys.argv[1])
