"""Writes sgm/_api.py from sgm_api.json, Part I of sgm.h: `declare.py sgm_api.json >sgm/_api.py`.

What is written: the functions that the package calls, the structures that these want, and all
their enums. `declare.py --check sgm/_api.py` prints a C program, which compiles beside sgm.h if
each size, offset and number there is the compiler's own.
"""

import ctypes
import json
import re
import sys
from pathlib import Path

CALLED = re.compile(r"sgm_(fit|error|key_init|isa|threads|set_threads|"
                    r"fitted_(free|print|sample|logp|given|impute|anomaly|memory|save|open))")
ALSO = ("sgm_status", "sgm_method", "sgm_kind", "sgm_column", "sgm_fit_news")
PLAIN = {"int": "c_int", "unsigned": "c_uint", "long": "c_long", "char": "c_char",
         "float": "c_float", "double": "c_double", "size_t": "c_size_t", "uint32_t": "c_uint32",
         "uint64_t": "c_uint64", "int64_t": "c_int64"}


class Writer:
    def __init__(self, api):
        self.structs = {s["name"]: s for s in api["structs"]}
        self.enums = {e["name"]: e["values"] for e in api["enums"] if e["name"]}
        self.callbacks = {c["name"] for c in api["callbacks"]}
        self.functions = [f for f in api["functions"] if CALLED.fullmatch(f["name"])]
        self.text = {}  # of structures and enums, in the order in which they are wanted

    def value(self, kind):
        """What stands for itself: a number, an enum, a whole structure."""
        if kind in PLAIN:
            return f"c.{PLAIN[kind]}"
        if kind in self.enums:
            self.text.setdefault(kind, f"{kind} = {json.dumps(self.enums[kind], indent=4)}")
            return "c.c_int"
        if kind in self.callbacks:
            return "c.c_void_p"
        self.structure(kind)
        return kind

    def pointer(self, kind, argument):
        """Text is bytes; the address of anything else is a number, unless a call takes it."""
        inner = re.sub(r"\bconst\b|\bstruct\b", "", kind).strip()
        if inner == "char *":
            return "c.c_char_p"
        target = inner[:-1].strip() if inner.endswith("*") else ""
        known = argument and target in self.structs and not self.structs[target]["opaque"]
        if known:
            self.structure(target)
        return f"c.POINTER({target})" if known else "c.c_void_p"

    def type(self, kind, argument=False):
        if "*" in kind:
            return self.pointer(kind, argument)
        return "None" if kind == "void" else self.value(kind.replace("const ", ""))

    def structure(self, name):
        if name in self.text:
            return
        struct = self.structs.get(name)
        if struct is None or struct["opaque"]:
            sys.exit(f"declare.py: {name} is used whole, and Part I does not say what is in it")
        fields = []
        for field in struct["fields"]:
            kind = self.type(field["type"])
            many = f" * {field['array']}" if field["array"] else ""
            fields.append(f'("{field["name"]}", {kind}{many})')
        body = ",\n        ".join(fields)
        self.text[name] = f"class {name}(c.Structure):\n    _fields_ = [\n        {body},\n    ]"

    def write(self):
        for name in ALSO:
            self.value(name)
        lines = []
        for f in self.functions:
            args = "".join(f"\n        {self.type(a['type'], True)}," for a in f["args"])
            lines.append(f'    "{f["name"]}": ({self.type(f["returns"])}, [{args}]),')
        yield '"""Part I of sgm.h, as far as the package calls it. declare.py writes this file."""'
        yield "import ctypes as c"
        yield from ("\n" + text for text in self.text.values())
        yield "\nFUNCTIONS = {\n" + "\n".join(lines) + "\n}"


def check(path):
    """Each structure's size and offsets, as C that compiles if they are right."""
    scope = {}
    exec(Path(path).read_text(encoding="utf-8"), scope)
    yield "#include \"sgm.h\"\n#define SAME(name, claim) typedef char name[(claim) ? 1 : -1]"
    for name, made in scope.items():
        if isinstance(made, type) and issubclass(made, ctypes.Structure):
            yield f"SAME(size_of_{name}, sizeof({name}) == {ctypes.sizeof(made)});"
            for field, *_ in made._fields_:
                claim = f"offsetof({name}, {field}) == {getattr(made, field).offset}"
                yield f"SAME(at_{name}_{field}, {claim});"
        elif isinstance(made, dict) and name.startswith("sgm_"):
            for constant, value in made.items():
                yield f"SAME(is_{constant}, {constant} == {value});"
    yield "int main(void) { return 0; }"


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        print("\n".join(check(sys.argv[2])))
    elif len(sys.argv) == 2:
        print("\n".join(Writer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).write()))
    else:
        sys.exit(__doc__)
