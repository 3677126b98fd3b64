"""Arrays and DataFrames to the doubles that the library reads, and back.

A category is the index of its level; NaN is a value that is not known. An array of float64 in C
order is handed on as it is, without a copy.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np

from . import _api
from ._library import ArgumentError, MismatchError, name_of

KINDS = ("number", "integer", "category")


def _pandas() -> Any:
    """pandas, if it is there; only who has imported it can hand in a DataFrame."""
    return sys.modules.get("pandas")


def is_frame(X: Any) -> bool:
    pandas = _pandas()
    return pandas is not None and isinstance(X, pandas.DataFrame)


def is_series(X: Any) -> bool:
    pandas = _pandas()
    return pandas is not None and isinstance(X, pandas.Series)


def unknown(value: Any) -> bool:
    """None, NaN, NaT and pandas.NA say that a value is not known."""
    if value is None or (_pandas() is not None and value is _pandas().NA):
        return True
    return isinstance(value, (float, np.floating)) and math.isnan(value)


def word(level: Any) -> str:
    """What a level is called in a file: 5 and 5.0 are one."""
    whole = isinstance(level, (float, np.floating)) and float(level).is_integer()
    return str(int(level)) if whole else str(level)


@dataclass
class Column:
    """One column: what C is told of it, and what it was in Python."""

    name: Optional[str] = None
    kind: str = "auto"
    levels: Optional[list] = None  # of a category, as they stood in the data
    dtype: Any = None              # of a DataFrame's column

    def codes(self, values: Sequence, label: str) -> np.ndarray:
        """Each value's level as a double."""
        levels = self.levels or []
        index = {word(level): i for i, level in enumerate(levels)}
        index.update({level: i for i, level in enumerate(levels)})
        out = np.full(len(values), np.nan)
        for i, value in enumerate(values):
            if not unknown(value):
                value = value if value in index else word(value)
                if value not in index:
                    shown = ", ".join(map(repr, levels[:8]))
                    raise ArgumentError(f"column {label}: {value!r} was not among its levels when "
                                        f"the model was fitted ({shown}"
                                        f"{', …' if len(levels) > 8 else ''})")
                out[i] = index[value]
        return out

    def values(self, codes: np.ndarray) -> list:
        """And back; None for NaN."""
        levels = self.levels or []
        return [None if math.isnan(c) else levels[int(c)] for c in codes]

    def numeric(self) -> bool:
        """Levels that were numbers in the data."""
        return self.levels is not None and all(
            isinstance(v, (int, float, np.number, np.bool_)) for v in self.levels)


def _as_numbers(values: Sequence) -> Optional[np.ndarray]:
    """Objects as doubles; None if there are words among them."""
    out = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if isinstance(value, (str, bytes)):
            return None
        if not unknown(value):
            out[i] = float(value)  # its TypeError names what is neither number nor word
    return out


def _levels(values: Sequence) -> list:
    """Each once, in the order of their words, as C has them of a CSV file."""
    return sorted({v for v in values if not unknown(v)}, key=word)


def _learn_objects(column: Column, values: Sequence, label: str) -> np.ndarray:
    """Numbers if all are; else a category of what is there. A kind that was asked for decides."""
    numbers = _as_numbers(values) if column.kind != "category" else None
    if numbers is not None:
        return numbers
    if column.kind in ("number", "integer"):
        raise ArgumentError(f"column {label}: it holds words and cannot be of kind {column.kind}")
    column.kind = "category"
    column.levels = _levels(values)
    return column.codes(values, label)


def _learn_series(column: Column, series: Any, label: str) -> np.ndarray:
    pandas, dtype = _pandas(), series.dtype
    column.dtype = dtype
    types = pandas.api.types
    if isinstance(dtype, pandas.CategoricalDtype):
        column.kind, column.levels = "category", list(dtype.categories)
        return _codes_of(series)
    if types.is_bool_dtype(dtype):
        column.kind, column.levels = "category", [False, True]
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if types.is_complex_dtype(dtype):
        raise ArgumentError(f"Complex data not supported: column {label}")
    if types.is_numeric_dtype(dtype):
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        if column.kind == "category":
            return _learn_objects(column, series.tolist(), label)
        if column.kind == "auto" and types.is_integer_dtype(dtype):
            column.kind = "integer"
        return numbers
    if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        return _learn_objects(column, series.tolist(), label)
    raise TypeError(f"column {label} is of type {dtype}, which is neither number nor word: turn it "
                    "into a number first, as days since a date")


def _codes_of(series: Any) -> np.ndarray:
    codes = series.cat.codes.to_numpy(dtype=np.float64)
    codes[codes < 0] = np.nan
    return codes


def check_array(X: Any) -> np.ndarray:
    """An array with two axes and something in it, of numbers or of objects."""
    if hasattr(X, "toarray") and hasattr(X, "nnz"):
        raise TypeError("Sparse data was passed, but dense data is required. Use '.toarray()' to "
                        "convert to a dense numpy array.")
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ArgumentError("Complex data not supported: give real and imaginary part a column "
                            f"each\n{array}\n")
    if array.dtype.kind not in "fiubOUS":
        raise TypeError(f"X is of type {array.dtype}, which is neither number nor word")
    if array.ndim != 2:
        raise ArgumentError(
            f"Expected 2D array, got {'scalar' if not array.ndim else f'{array.ndim}D'} array "
            f"instead:\narray={array}.\nReshape your data either using array.reshape(-1, 1) if "
            "your data has a single feature or array.reshape(1, -1) if it contains a single "
            "sample.")
    return array


def check_shape(shape: tuple) -> None:
    for count, what in zip(shape, ("sample", "feature")):
        if count < 1:
            raise ArgumentError(f"Found array with {count} {what}(s) (shape={shape}) while a "
                                "minimum of 1 is required.")


def doubles(array: np.ndarray) -> np.ndarray:
    """The same array if it is float64 in C order; else a copy that is."""
    return np.ascontiguousarray(array, dtype=np.float64)


def _filled(shape: tuple, column: Callable[[int], np.ndarray]) -> np.ndarray:
    """An array made column by column."""
    x = np.empty(shape)
    for j in range(shape[1]):
        x[:, j] = column(j)
    return x


def weights(sample_weight: Any, n: int) -> Optional[np.ndarray]:
    """One weight for each row, or None."""
    if sample_weight is None:
        return None
    w = np.ascontiguousarray(sample_weight, dtype=np.float64)
    if w.ndim == 0:
        w = np.full(n, float(w))
    if w.shape != (n,):
        raise ArgumentError(f"sample_weight has the shape {w.shape}, and the rows want ({n},): one "
                         "number each")
    if not w.any():
        raise ArgumentError("sample_weight: all are zero, so no row counts; give at least one "
                         "non-zero weight")
    return w


class Columns:
    """What the columns of a model are called, are, and were in Python."""

    def __init__(self, columns: list, index: Any = None, objects: bool = False) -> None:
        self.columns = columns
        self.index = index      # of the DataFrame that was fitted on
        self.objects = objects  # the array that was fitted on held words

    def __len__(self) -> int:
        return len(self.columns)

    def label(self, j: int) -> str:
        """How a message calls a column."""
        return repr(self.columns[j].name) if self.columns[j].name else str(j)

    @property
    def names(self) -> Optional[list]:
        """The DataFrame's names, if all are words: scikit-learn's feature_names_in_."""
        if self.index is None or not all(isinstance(name, str) for name in self.index):
            return None
        return list(self.index)

    def find(self, name: Any) -> int:
        """The place of a column, by name or place."""
        known = list(self.index) if self.index is not None else [c.name for c in self.columns]
        if name in known:
            return known.index(name)
        whole = isinstance(name, (int, np.integer)) and not isinstance(name, bool)
        if whole and 0 <= name < len(self):
            return int(name)
        shown = ", ".join(self.label(j) for j in range(min(len(self), 12)))
        raise ArgumentError(f"there is no column {name!r}; the columns are {shown}"
                            f"{', …' if len(self) > 12 else ''}")

    # Learning what the columns are

    @classmethod
    def learn(cls, X: Any, kinds: Any = None) -> tuple:
        """The columns of X, and its numbers."""
        if not is_frame(X):
            array = check_array(X)
            check_shape(array.shape)
            self = cls([Column() for _ in range(array.shape[1])])
            self._ask(kinds)
            return self, self._learn_array(array)
        check_shape(X.shape)
        self = cls([Column(str(name)) for name in X.columns], X.columns)
        self._ask(kinds)
        return self, _filled(X.shape, lambda j: _learn_series(self.columns[j], X.iloc[:, j],
                                                              self.label(j)))

    def _ask(self, kinds: Any) -> None:
        """Kinds that the user wants: one for all, or some by column."""
        if kinds is None:
            return
        if isinstance(kinds, str):
            kinds = {j: kinds for j in range(len(self))}
        if not isinstance(kinds, Mapping):
            raise ArgumentError(f"kinds={kinds!r}: give a kind for all columns, or a dict of "
                                "column and kind")
        for name, kind in kinds.items():
            if kind not in KINDS:
                raise ArgumentError(f"kinds: {name!r} cannot be {kind!r}; a kind is number, "
                                    "integer or category")
            self.columns[self.find(name)].kind = kind

    def _learn_array(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind in "OUS":
            x = _filled(array.shape, lambda j: _learn_objects(
                self.columns[j], array[:, j].tolist(), self.label(j)))
            self.objects = any(c.levels is not None and not c.numeric() for c in self.columns)
            return x
        usual = {"f": "auto", "b": "category"}.get(array.dtype.kind, "integer")
        for column in self.columns:
            column.kind = usual if column.kind == "auto" else column.kind
        coded = [j for j, c in enumerate(self.columns) if c.kind == "category"]
        x = doubles(array)
        if coded and x is array:
            x = x.copy()
        for j in coded:
            x[:, j] = _learn_objects(self.columns[j], array[:, j].tolist(), self.label(j))
        return x

    # Rows of columns that are known

    def encode(self, X: Any) -> np.ndarray:
        """The numbers of rows to ask about."""
        if is_frame(X):
            return _filled(X.shape, lambda j: self._encode_series(j, X.iloc[:, j]))
        if X.dtype.kind in "OUS":
            return _filled(X.shape, lambda j: self._encode_objects(j, X[:, j].tolist()))
        x = doubles(X)
        for j, column in enumerate(self.columns):
            if column.numeric() and column.levels != list(range(len(column.levels))):
                x = x.copy() if x is X else x
                x[:, j] = column.codes(X[:, j].tolist(), self.label(j))
        return x

    def _encode_series(self, j: int, series: Any) -> np.ndarray:
        column, pandas = self.columns[j], _pandas()
        if isinstance(series.dtype, pandas.CategoricalDtype) and column.levels is not None \
                and list(series.dtype.categories) == column.levels:
            return _codes_of(series)
        if column.levels is None and pandas.api.types.is_numeric_dtype(series.dtype):
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        return self._encode_objects(j, series.tolist())

    def _encode_objects(self, j: int, values: Sequence) -> np.ndarray:
        if self.columns[j].levels is not None:
            return self.columns[j].codes(values, self.label(j))
        numbers = _as_numbers(values)
        if numbers is None:
            raise ArgumentError(f"column {self.label(j)} was of numbers when the model was fitted, "
                                "and now holds words")
        return numbers

    def row(self, given: Any) -> np.ndarray:
        """What is known, as one row of doubles with NaN for the rest."""
        if is_series(given):
            given = given.to_dict()
        if isinstance(given, Mapping):
            x = np.full(len(self), np.nan)
            for name, value in given.items():
                j = self.find(name)
                x[j] = self._encode_objects(j, [value])[0]
            return x
        if is_frame(given):
            if len(given) != 1:
                raise ArgumentError(f"given has {len(given)} rows: one row is given at a time")
            return self.row(given.iloc[0].to_dict())
        array = np.asarray(given)
        if array.size != len(self) or array.ndim > 2:
            raise MismatchError(f"given has {array.size} values, and the model {len(self)} columns:"
                                " write NaN for what is not known, or a dict of what is")
        return np.ascontiguousarray(self.encode(array.reshape(1, -1))[0])

    # And back

    def decode(self, x: np.ndarray, index: Any = None) -> Any:
        """Rows as they were fitted on: an array, or a DataFrame with its types."""
        if self.index is not None:
            parts = [self._decode_series(column, x[:, j]) for j, column in enumerate(self.columns)]
            frame = _pandas().concat([_pandas().Series(p) for p in parts], axis=1)
            frame.columns = self.index
            if index is not None:
                frame.index = index
            return frame
        out = x.astype(object) if self.objects else x
        for j, column in enumerate(self.columns):
            if column.levels is not None and (self.objects or column.numeric()):
                values = column.values(x[:, j])
                out[:, j] = [np.nan if v is None else v for v in values]
        return out

    @staticmethod
    def _decode_series(column: Column, x: np.ndarray) -> Any:
        pandas, dtype = _pandas(), column.dtype
        if isinstance(dtype, pandas.CategoricalDtype):
            codes = np.where(np.isnan(x), -1, x).astype(int)
            return pandas.Categorical.from_codes(codes, dtype=dtype)
        if column.levels is not None:
            return pandas.Series(column.values(x), dtype=dtype)
        if pandas.api.types.is_integer_dtype(dtype):
            span = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
            if not np.isnan(x).any():
                return pandas.Series(np.clip(np.rint(x), span.min, span.max)).astype(dtype)
            dtype = np.float64
        return pandas.Series(x).astype(dtype)

    # Between Python and C

    def to_c(self, x: np.ndarray, weight: Optional[np.ndarray], picture: tuple) -> tuple:
        """A sgm_table that looks at x, and what it must outlive."""
        columns = (_api.sgm_column * len(self))()
        keep = [columns, x, weight]
        for c, column in zip(columns, self.columns):
            c.name = column.name.encode() if column.name else None
            c.kind = _api.sgm_kind[f"SGM_KIND_{column.kind.upper()}"]
            if column.levels is not None:
                words = [word(level).encode() for level in column.levels]
                levels = (ctypes.c_char_p * len(words))(*words)
                c.n_levels, c.level = len(levels), ctypes.addressof(levels)
                keep.append(levels)
        table = _api.sgm_table(n=x.shape[0], d=x.shape[1], x=x.ctypes.data)
        plain = all(c.name is None and c.kind == "auto" for c in self.columns)
        table.column = None if plain else ctypes.addressof(columns)
        table.weight = None if weight is None else weight.ctypes.data
        table.h, table.w, table.channels = picture
        return table, keep

    @classmethod
    def from_c(cls, table: Any) -> "Columns":
        """The columns of a model that was read from a file: a DataFrame's where they have names."""
        pointer = ctypes.cast(table.column, ctypes.POINTER(_api.sgm_column))
        columns = []
        for j in range(table.d if table.column else 0):
            c, column = pointer[j], Column()
            column.name = c.name.decode("utf-8", "replace") if c.name else None
            column.kind = name_of(_api.sgm_kind, c.kind)
            if c.level:
                level = ctypes.cast(c.level, ctypes.POINTER(ctypes.c_char_p))
                column.levels = [level[i].decode("utf-8", "replace") for i in range(c.n_levels)]
            elif column.kind == "category":
                column.levels = list(range(c.n_levels))
            columns.append(column)
        self = cls(columns or [Column() for _ in range(table.d)])
        if any(c.name for c in columns):
            self._become_frame()
        else:
            self.objects = any(c.levels is not None and not c.numeric() for c in columns)
        return self

    def _become_frame(self) -> None:
        try:
            import pandas
        except ImportError:
            self.objects = any(c.levels is not None and not c.numeric() for c in self.columns)
            return
        self.index = pandas.Index([c.name for c in self.columns])
        for column in self.columns:
            column.dtype = np.dtype(np.int64 if column.kind == "integer" else np.float64)
            if column.kind == "category":
                column.dtype = pandas.CategoricalDtype(column.levels)
