"""Compiles sgm.h into the package; all else that a build wants to know is in pyproject.toml.

The header lies two folders up in the repository, and beside this file in an sdist, into which it is
copied. In the repository everything that is made goes to out/.
"""

import os
import re
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

try:
    from setuptools.command.bdist_wheel import bdist_wheel  # since setuptools 70.1
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADER = next((p for p in (HERE / "sgm.h", ROOT / "sgm.h") if p.is_file()), None)
if HEADER is None:
    sys.exit("sgm.h is neither beside setup.py nor two folders up: install from the whole "
             "repository with pip 21.3 or newer (python3 -m pip install --upgrade pip)")
VERSION = re.search(r'#define SGM_VERSION "(.*)"', HEADER.read_text(encoding="utf-8")).group(1)


class Library(build_ext):
    """A shared library that ctypes loads: of no version of Python, and without PyInit."""

    def get_ext_filename(self, fullname):
        return fullname.replace(".", os.sep) + (".dll" if os.name == "nt" else ".so")

    def get_export_symbols(self, ext):
        return []


class Wheel(bdist_wheel):
    """Of any Python 3, on this platform."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class Source(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        self.copy_file(str(HEADER), os.path.join(base_dir, "sgm.h"))


def flags():
    """CFLAGS of the environment are the user's; else -O2, whatever this Python was built with."""
    if os.name == "nt":
        return [], []
    return ["-fvisibility=hidden", *([] if "CFLAGS" in os.environ else ["-O2"])], ["-pthread"]


def made():
    """Where the repository wants what is made."""
    if HEADER.parent == HERE:
        return {}
    out = ROOT / "out" / "python"
    out.mkdir(parents=True, exist_ok=True)
    return {"build": {"build_base": str(out / "build")}, "egg_info": {"egg_base": str(out)}}


compile_flags, link_flags = flags()
setup(
    version=VERSION,
    ext_modules=[Extension("sgm._sgm", ["library.c"], depends=[str(HEADER), "omp.h"],
                           include_dirs=[str(HERE), str(HEADER.parent)],
                           extra_compile_args=compile_flags, extra_link_args=link_flags)],
    cmdclass={"build_ext": Library, "bdist_wheel": Wheel, "sdist": Source},
    options=made(),
)
