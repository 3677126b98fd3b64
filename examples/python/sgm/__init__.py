"""
One fitted model of a table or of small pictures, and every question about it.

    import sgm
    model = sgm.SGM(random_state=1).fit(X)   # an array, or a DataFrame; NaN: not known
    model.sample(1000)                       # new rows
    model.score_samples(X)                   # log density of rows, nats, in the data's own units
    model.conditional({"alcohol": 13}, 100)  # rows under what is known
    model.impute(X)                          # unknown values filled in

It is the C library sgm.h behind it: the same key gives the same bits there, in the command `sgm`
and here.
"""

from ._base import NotFittedError
from ._library import (
    ArgumentError,
    BadFileError,
    Error,
    FileError,
    MismatchError,
    NotFiniteError,
    NotLearntError,
    OutOfMemoryError,
    __version__,
    get_threads,
    isa,
    set_threads,
)
from ._model import SGM, Anomaly, Conditional, Imputed, Progress

__all__ = [
    "SGM", "Anomaly", "Conditional", "Imputed", "Progress", "Error", "ArgumentError",
    "BadFileError", "FileError", "MismatchError", "NotFiniteError", "NotFittedError",
    "NotLearntError", "OutOfMemoryError", "get_threads", "isa", "set_threads",
]
