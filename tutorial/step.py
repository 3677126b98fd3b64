# For gdb: stops at the first equation that a tutorial reaches, and gives the equations of sgm.h names to stop at.
# make step14 starts it. Read from sgm.h at each start: a line of code with a comment /* ... (5.3) ... */ carries out (5.3).
import os, re
import gdb

places, texts = {}, {}  # equation: lines of code; equation: its formula


def read_page(path="sgm.h"):
    book, prose = False, False
    for number, line in enumerate(open(path, encoding="utf-8").read().split("\n"), 1):
        book = book or line.startswith("# Part II:")
        alone = line.startswith("/*") and line.endswith("*/")  # stands before what carries it out
        prose = prose or line.startswith("/*")
        found = prose and re.search(r"(.*)\\qquad\s*\(([0-9A-H]\.\d+)\)", line)
        if found:
            texts[found.group(2)] = found.group(1).replace("$", "").strip()
        for comment in re.findall(r"/\*(.*?)\*/", line) if book and (alone or not prose) else []:
            for name in re.findall(r"\(([0-9A-H]\.\d+)\)", comment):
                places.setdefault(name, []).append(number + alone)
        if "*/" in line:
            prose = False


def order(name):
    chapter, number = name.split(".")
    return (chapter, int(number))


class Equation(gdb.Breakpoint):
    """A breakpoint with the name of an equation."""

    def __init__(self, name, line, once=False):
        super().__init__("sgm.h:%d" % line, internal=once)
        self.equation, self.silent = name, True
        self.commands = 'eq-said %s\nframe' % name


class Said(gdb.Command):
    """eq-said NAME: prints an equation."""

    def __init__(self):
        super().__init__("eq-said", gdb.COMMAND_DATA)

    def invoke(self, name, from_tty):
        print("(%s)  %s" % (name, texts.get(name, "")))


class Eq(gdb.Command):
    """eq: the equations that have a place in the code.  eq 5.3: stop there.  eq all: stop at each of them."""

    def __init__(self):
        super().__init__("eq", gdb.COMMAND_BREAKPOINTS)

    def complete(self, text, word):
        return [n for n in sorted(places, key=order) if n.startswith(word)]

    def invoke(self, argument, from_tty):
        name = argument.strip().strip("()")
        if not name:
            for n in sorted(places, key=order):
                print("(%s)%s sgm.h:%-22s %s" % (n, " " * (5 - len(n)), ",".join(map(str, places[n])), texts.get(n, "")[:48]))
        elif name == "all":
            for n in places:
                for line in places[n]:
                    Equation(n, line)
        elif name in places:
            for line in places[name]:
                Equation(name, line)
        else:
            print("(%s) has no place in the code; eq lists those that have" % name)


def numbers(pointer, n):
    if int(pointer) == 0:
        return "none"
    v = [float(pointer[i]) for i in range(min(n, 6))]
    return "[" + ", ".join("%.4g" % x for x in v) + (", ...]" if n > 6 else "]")


class Tensor:
    """A tensor of the tape: its operation, shape and first numbers."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        t = self.value
        n = int(t["rows"]) * int(t["cols"])
        name = t["name"].string() if int(t["name"]) else "?"
        parts = ["%s (%d, %d)" % (name, int(t["rows"]), int(t["cols"]))]
        for field, said in (("v", "value"), ("j", "tangent"), ("d", "gradient"), ("jd", "of the tangent")):
            if int(t[field]):
                parts.append("%s %s" % (said, numbers(t[field], n)))
        return "; ".join(parts)


class Sde:
    """A process, by its family and end."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        s = self.value
        return "%s, t from %g to %g" % (s["family"], float(s["t_min"]), float(s["T"]))


class Score:
    """A score: its dimension, process and function."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        s = self.value
        return "score in %d dimensions; %s; eval %s" % (int(s["d"]), Sde(s["sde"]).to_string(), s["eval"])


def printer(value):
    name = str(value.type.unqualified())
    if value.type.code == gdb.TYPE_CODE_PTR and int(value):
        name, value = str(value.type.target().unqualified()), value.dereference()
        return Tensor(value) if name == "sgm_tensor" else None
    return {"sgm_tensor": Tensor, "sgm_sde": Sde, "sgm_score": Score}.get(name, lambda v: None)(value)


gdb.pretty_printers.append(printer)
Said()
Eq()
read_page()
for setting in ("pagination off", "confirm off", "print frame-arguments scalars", "breakpoint pending off"):
    gdb.execute("set " + setting)
first = []  # whichever equation is reached first ends the wait for all
for n in places:
    for line in places[n]:
        try:
            first.append(Equation(n, line, once=True))
        except gdb.error:
            pass  # a line that was compiled away
gdb.execute("run")
for b in first:
    if b.is_valid():
        b.delete()
print("eq lists the equations, eq 5.3 stops at (5.3); next, finish, continue; print *y shows a tensor, print *score a score.")
