"""What C has fitted: one structure, freed when nobody holds it, pickled as its file."""

from __future__ import annotations

import ctypes
import os
import tempfile
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import _api
from ._library import call, library, name_of

_STEP = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_api.sgm_fit_news), ctypes.c_void_p)


class Fitted:
    """Never changes once it is made, so any number of threads may ask it at once."""

    def __init__(self) -> None:
        self.c = _api.sgm_fitted()

    def __del__(self) -> None:
        if library is not None:  # at the interpreter's end it may be gone
            library.sgm_fitted_free(ctypes.byref(self.c))

    @classmethod
    def fit(cls, table: Any, options: dict, key: Any, step: Callable) -> tuple:
        """Trains; step(news) is asked now and then, and stops it by returning True or by raising.
        The result, and the exception that was raised: the model is the best until then."""
        self, raised = cls(), []

        def on_step(news: Any, _: Any) -> int:
            try:
                return 1 if step(news.contents) else 0
            except BaseException as error:  # KeyboardInterrupt, too
                raised.append(error)
                return 1

        held = _STEP(on_step)
        c = _api.sgm_fit_options(**options)
        c.on_step = ctypes.cast(held, ctypes.c_void_p)
        try:
            call("sgm_fit", ctypes.byref(self.c), ctypes.byref(table), ctypes.byref(c), key)
        except Exception as error:
            if raised:  # it was stopped before there was a model
                raise raised[0] from error
            raise
        return self, raised[0] if raised else None

    def ask(self, name: str, *arguments: Any) -> None:
        """sgm_fitted_name of this model; an array is handed on by its address, None as NULL."""
        plain = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
        call(f"sgm_fitted_{name}", ctypes.byref(self.c), *plain)

    def report(self) -> dict:
        """The structure sgm_fit_report as a dict."""
        said = self.c.report
        made = {name: getattr(said, name) for name, *_ in said._fields_}
        arrays = {name: tuple(v) for name, v in made.items() if hasattr(v, "__len__")}
        made.update(arrays)
        made["method"] = name_of(_api.sgm_method, made["method"])
        return made

    def text(self) -> str:
        """What sgm_fitted_print says."""
        room = library.sgm_fitted_print(ctypes.byref(self.c), None, 0) + 1
        text = ctypes.create_string_buffer(max(room, 1))
        library.sgm_fitted_print(ctypes.byref(self.c), text, room)
        return text.value.decode("utf-8", "replace")

    def save(self, path: Any) -> None:
        self.ask("save", os.fsencode(path))

    @classmethod
    def open(cls, path: Any) -> "Fitted":
        with open(path, "rb"):
            pass  # Python's own FileNotFoundError, PermissionError, IsADirectoryError
        self = cls()
        self.ask("open", os.fsencode(path))
        return self

    def __reduce__(self) -> tuple:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            self.save(path)
            return _from_bytes, (path.read_bytes(),)


def _from_bytes(data: bytes) -> Fitted:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        path.write_bytes(data)
        return Fitted.open(path)
