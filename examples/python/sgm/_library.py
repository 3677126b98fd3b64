"""The shared library beside this file: its calls, its errors, its keys and its threads."""

from __future__ import annotations

import ctypes
import numbers
import os
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from . import _api

RandomState = Union[None, int, np.random.RandomState, np.random.Generator]


class Error(Exception):
    """What the library refused. The message says what was wrong, and the cure."""


class ArgumentError(Error, ValueError):
    """A value, size or option that makes no sense."""


class OutOfMemoryError(Error, MemoryError):
    """The memory that a call wanted is not there."""


class FileError(Error, OSError):
    """A file could not be opened, read, written or renamed."""


class BadFileError(Error, OSError, ValueError):
    """A file's contents are not what they should be."""


class MismatchError(Error, ValueError):
    """Two things that must fit, as a model and a row, do not."""


class NotFiniteError(Error, ValueError):
    """Infinity in the data, or a training that went there."""


class NotLearntError(Error, RuntimeError):
    """The samples of a model are far from its data."""


_ERRORS = {
    "SGM_BAD_ARGUMENT": ArgumentError,
    "SGM_NO_MEMORY": OutOfMemoryError,
    "SGM_NO_FILE": FileError,
    "SGM_BAD_FILE": BadFileError,
    "SGM_MISMATCH": MismatchError,
    "SGM_NOT_FINITE": NotFiniteError,
    "SGM_NOT_LEARNT": NotLearntError,
}
_ERROR_OF = {number: _ERRORS.get(name, Error) for name, number in _api.sgm_status.items()}


def _load() -> ctypes.CDLL:
    path = Path(__file__).with_name("_sgm.dll" if os.name == "nt" else "_sgm.so")
    if not path.is_file():
        raise ImportError(f"{path} is missing: it is compiled by `pip install ./examples/python`")
    library = ctypes.CDLL(str(path))
    for name, (returns, arguments) in _api.FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, arguments
    library.sgm_python_version.restype = ctypes.c_char_p
    library.sgm_python_size.restype = ctypes.c_size_t
    return library


def _check_sizes() -> None:
    """A structure that is not the library's would let it write where it must not."""
    for which, made in enumerate((_api.sgm_key, _api.sgm_column, _api.sgm_table, _api.sgm_fit_news,
                                  _api.sgm_fit_options, _api.sgm_fitted, _api.sgm_given)):
        if library.sgm_python_size(which) != ctypes.sizeof(made):
            raise ImportError(f"{made.__name__} is not what sgm.h says: write sgm/_api.py anew with "
                              "declare.py, and install again")


library = _load()
_check_sizes()
__version__: str = library.sgm_python_version().decode()


def call(name: str, *arguments: Any) -> None:
    """Calls a function that returns a status, without the interpreter's lock; raises its error."""
    status = getattr(library, name)(*arguments)
    if status:
        raise _ERROR_OF.get(status, Error)(library.sgm_error().decode("utf-8", "replace"))


def name_of(values: dict, number: int) -> str:
    """The last word of an enum's constant: "heun" of SGM_METHOD_HEUN."""
    constant = next((name for name, value in values.items() if value == number), str(number))
    return constant.split("_", 2)[-1].lower()


def key_from(random_state: RandomState) -> _api.sgm_key:
    """An int is the seed that C and the command know; None draws one from numpy's global state."""
    if random_state is None:
        seed = int(np.random.randint(0, 2**63 - 1, dtype=np.int64))
    elif isinstance(random_state, numbers.Integral):
        seed = int(random_state)
    elif isinstance(random_state, np.random.RandomState):
        seed = int(random_state.randint(0, 2**63 - 1, dtype=np.int64))
    elif isinstance(random_state, np.random.Generator):
        seed = int(random_state.integers(0, 2**63 - 1))
    else:
        raise ArgumentError(f"random_state={random_state!r}: give an int, None, or a generator "
                            "of numpy's (RandomState or Generator)")
    if not 0 <= seed < 2**64:
        raise ArgumentError(f"random_state={seed}: a seed is a whole number from 0 to 2**64 - 1")
    return library.sgm_key_init(seed)


def set_threads(n: Optional[int] = None) -> None:
    """
    Say how many threads a call may use from now on, in the whole process.

    Results do not depend on it.

    Parameters
    ----------
    n : int, optional
        From 1 to 1024. None: OMP_NUM_THREADS if the environment has it, else one for each
        processor that the process may use.
    """
    if n is None:
        said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
        have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        n = min(int(said) if said.isdigit() and int(said) else have or 1, 1024)
    call("sgm_set_threads", n)


def get_threads() -> int:
    """How many threads a call may use."""
    return library.sgm_threads()


def isa() -> str:
    """The instruction set whose kernels were chosen for this processor, as "avx2"."""
    return library.sgm_isa().decode()


set_threads(None)
