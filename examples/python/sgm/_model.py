"""The estimator: a table or small pictures in, then every question has a call."""

from __future__ import annotations

import ctypes
import math
import sys
import warnings
from typing import Any, Callable, Mapping, NamedTuple, Optional, Union

import numpy as np

from . import _api
from ._base import BaseEstimator, DensityMixin, NotFittedError
from ._columns import Columns, check_array, check_shape, is_frame, weights
from ._fitted import Fitted
from ._library import ArgumentError, RandomState, key_from


class Progress(NamedTuple):
    """What a callback of `fit` is told; NaN is what is not known yet."""

    doing: str        # what is going on, as "training"
    step: int         # of the training, or of what is done now
    steps: int        # at most
    held_loss: float  # of the rows held out
    best_loss: float  # the least of these so far
    nll: float        # their mean -log p so far, nats a row, in the data's own units
    nll_gauss: float  # the same of a Gaussian
    nll_kde: float    # and of a kernel density
    seconds: float    # since the beginning
    left: float       # until the training ends, if it is not stopped early


class Anomaly(NamedTuple):
    """How odd rows are."""

    surprise: np.ndarray  # -log p, nats
    quantile: np.ndarray  # share of ordinary rows that surprise less: .999 is odd


class Conditional(NamedTuple):
    """Rows under what is known, and how far to trust them."""

    rows: Any              # (n, d), an array or a DataFrame
    weight: np.ndarray     # of each row, which sum to 1
    ess: float             # effective sample size: as many independent rows
    particles: int         # that were carried along
    ancestors: int         # the first ones from which the last come
    log_evidence: float    # log density of what is known
    evidence_se: float     # its standard error


class Imputed(NamedTuple):
    """Rows whose unknown values were filled in."""

    rows: Any       # (n, d), an array or a DataFrame
    std: np.ndarray  # of each value, given its row; of a level, the probability of another one



class SGM(DensityMixin, BaseEstimator):
    """
    Score-based generative model of the rows of a table.

    Parameters
    ----------
    quality : {"fast", "good", "best"}, default="good"
        How long training may take.
    aim : {"auto", "density", "samples"}, default="auto"
        What training weighs most: log densities, or how samples look. "auto": densities, of
        pictures samples.
    steps : int, optional
        At most so many steps of training. None: by quality and size.
    width, depth : int, optional
        Of the network. None: by the size of the table.
    members : int, optional
        How many networks, whose scores are averaged. None: five for few rows, one for many.
    patience : int, optional
        How many looks without a gain end a training; below 0: none. None: by quality.
    kinds : str or dict, optional
        "number", "integer" or "category" for all columns, or for some by name or place. None: a
        column of words, of bool or of a pandas category is a category; one of whole numbers is
        of integers.
    picture : tuple of int, optional
        (height, width) or (height, width, channels) of rows that are pictures, in [0, 1].
    random_state : int, RandomState, Generator, optional
        An int is the seed that C and the command know: the same number, the same bits.
    verbose : int, default=0
        So many lines of progress a second, at most, on sys.stderr.
    callback : callable, optional
        Called now and then with a `Progress`; if it returns True, training stops with the best
        model so far. So does KeyboardInterrupt, which is raised after the model is set.

    Attributes
    ----------
    report_ : dict
        What was chosen, and how good it is: steps, network, noise, held-out negative log
        likelihood beside a Gaussian's and a kernel density's, and more.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, if `X` was a DataFrame whose names are all words.

    Examples
    --------
    >>> import numpy as np, sgm
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> model = sgm.SGM(quality="fast", random_state=1).fit(X)
    >>> model.sample(2, random_state=3).shape
    (2, 3)
    """

    def __init__(
        self,
        quality: str = "good",
        aim: str = "auto",
        *,
        steps: Optional[int] = None,
        width: Optional[int] = None,
        depth: Optional[int] = None,
        members: Optional[int] = None,
        patience: Optional[int] = None,
        kinds: Union[None, str, Mapping] = None,
        picture: Optional[tuple] = None,
        random_state: RandomState = None,
        verbose: int = 0,
        callback: Optional[Callable[[Progress], Any]] = None,
    ) -> None:
        self.quality = quality
        self.aim = aim
        self.steps = steps
        self.width = width
        self.depth = depth
        self.members = members
        self.patience = patience
        self.kinds = kinds
        self.picture = picture
        self.random_state = random_state
        self.verbose = verbose
        self.callback = callback

    # Fitting

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "SGM":
        """
        Learn the law of the rows of `X`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            NaN, None and pandas.NA are values that are not known. float64 in C order is read where
            it lies, without a copy.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts.

        Returns
        -------
        self
        """
        columns, x = Columns.learn(X, self.kinds)
        if len(x) < 2:
            raise ArgumentError("n_samples=1: one row shows no law; give at least two")
        table, keep = columns.to_c(x, weights(sample_weight, len(x)), self._picture(x.shape[1]))
        key, step = key_from(self.random_state), self._step()
        fitted, raised = Fitted.fit(table, self._options(), key, step)
        del keep
        self._set(fitted, columns)
        if raised is not None:
            raise raised
        return self

    def _set(self, fitted: Fitted, columns: Columns) -> None:
        self.n_features_in_ = len(columns)
        if columns.names is not None:
            self.feature_names_in_ = np.asarray(columns.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.report_ = fitted.report()
        self._fitted, self._columns = fitted, columns

    def _options(self) -> dict:
        options = {"quality": _constant("quality", self.quality, _api.sgm_quality),
                   "aim": _constant("aim", self.aim, _api.sgm_aim)}
        numbers = ("steps", "width", "depth", "members", "patience")
        options.update({k: getattr(self, k) for k in numbers if getattr(self, k) is not None})
        return options

    def _picture(self, d: int) -> tuple:
        if self.picture is None:
            return 0, 0, 0
        shape = tuple(int(size) for size in self.picture)
        shape += (1,) * (len(shape) == 2)
        if len(shape) != 3 or min(shape) < 1 or int(np.prod(shape)) != d:
            raise ArgumentError(f"picture={self.picture!r}: give (height, width) or (height, width,"
                                f" channels), whose product is the {d} values of a row")
        return shape

    def _step(self) -> Callable[[Any], bool]:
        """What C calls now and then: tells, and asks whether to stop."""
        due = 0.0

        def step(news: Any) -> bool:
            nonlocal due
            told = {name: getattr(news, name) for name in Progress._fields if name != "doing"}
            progress = Progress((news.doing or b"").decode("utf-8", "replace"), **told)
            if self.verbose and progress.seconds >= due:
                due = progress.seconds + 1 / self.verbose
                print(f"SGM: {_line(progress)}", file=sys.stderr, flush=True)
            return bool(self.callback is not None and self.callback(progress))

        return step

    # Rows to ask about

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def _asked(self) -> tuple:
        """Both at once: another thread may fit again meanwhile."""
        if not hasattr(self, "_fitted"):
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call "
                                 "'fit' with appropriate arguments before using this estimator.")
        return self._fitted, self._columns

    def _rows(self, X: Any, columns: Columns) -> np.ndarray:
        self._check_names(X, columns)
        if not is_frame(X):
            X = check_array(X)
        check_shape(X.shape)
        if X.shape[1] != len(columns):
            raise ArgumentError(f"X has {X.shape[1]} features, but {type(self).__name__} is "
                                f"expecting {len(columns)} features as input")
        return columns.encode(X)

    def _check_names(self, X: Any, columns: Columns) -> None:
        """As scikit-learn checks them, with its words."""
        own, name = columns.names, type(self).__name__
        theirs = list(X.columns) if is_frame(X) else None
        if theirs is not None and not all(isinstance(column, str) for column in theirs):
            theirs = None
        if theirs == own:
            return
        if own is None:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names",
                          stacklevel=4)
        elif theirs is None:
            warnings.warn(f"X does not have valid feature names, but {name} was fitted with "
                          "feature names", stacklevel=4)
        else:
            raise ArgumentError(_difference(own, theirs))

    # Questions

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> Any:
        """
        Draw new rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        random_state : int, RandomState, Generator, optional
            None: others each time. An int: the seed that `sgm sample --seed` takes.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features)
            Of the kind, names and types that were fitted on.
        """
        fitted, columns = self._asked()
        x = np.empty((_count(n_samples), len(columns)))
        fitted.ask("sample", x, len(x), key_from(random_state))
        return columns.decode(x)

    def score_samples(self, X: Any, return_se: bool = False, random_state: RandomState = 0) -> Any:
        """
        Log density of rows, in nats and the data's own units.

        A density in the numbers, a probability in integers and categories; of a row with unknown
        values, that of what is known.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The rows.
        return_se : bool, default=False
            Whether to return the standard errors, too.
        random_state : int, RandomState, Generator, optional
            Of what is estimated by drawing. The default gives the same answer each time.

        Returns
        -------
        logp : ndarray of shape (n_samples,)
        se : ndarray of shape (n_samples,)
            Only if asked for.
        """
        fitted, columns = self._asked()
        x = self._rows(X, columns)
        logp, se = np.empty(len(x)), np.empty(len(x))
        fitted.ask("logp", logp, se if return_se else None, x, len(x), key_from(random_state))
        return (logp, se) if return_se else logp

    def score(self, X: Any, y: Any = None) -> float:
        """
        Mean log density of rows; the higher the better.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The rows.
        y : None
            Ignored.

        Returns
        -------
        float
            Nats a row.
        """
        return float(np.mean(self.score_samples(X)))

    def conditional(
        self,
        given: Any,
        n_samples: int = 1,
        return_info: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """
        Draw rows under what is known of them.

        Parameters
        ----------
        given : dict, Series, one-row DataFrame or array-like of shape (n_features,)
            Values by column name or place; or a whole row, with NaN for what is not known.
        n_samples : int, default=1
            How many.
        return_info : bool, default=False
            Whether to return a `Conditional`: the particles themselves with their weights and
            measures of trust; the more of them, best a multiple of 8, the nearer to the exact law.
            Without it the rows all count alike.
        random_state : int, RandomState, Generator, optional
            None: others each time.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features), or Conditional
        """
        fitted, columns = self._asked()
        row = columns.row(given)
        x = np.empty((_count(n_samples), len(columns)))
        weight, info = np.empty(len(x)), _api.sgm_given()
        fitted.ask("given", x, weight if return_info else None, len(x), row, info,
                   key_from(random_state))
        rows = columns.decode(x)
        if not return_info:
            return rows
        return Conditional(rows, weight, info.ess, info.particles, info.ancestors,
                           info.log_evidence, info.evidence_se)

    def impute(
        self,
        X: Any,
        how: str = "draw",
        return_std: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """
        Fill in the values that are not known.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows with NaN, None or pandas.NA. It stays as it is.
        how : {"draw", "mean"}, default="draw"
            A draw from the law of what is missing under what is known, which keeps the spread; or
            its mean (the median of integers, the likeliest level), which is nearest on average.
        return_std : bool, default=False
            Whether to return the standard deviation of each value, too.
        random_state : int, RandomState, Generator, optional
            None: another draw each time.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features), or Imputed
        """
        fitted, columns = self._asked()
        constant = _constant("how", how, _api.sgm_impute)
        x = self._rows(X, columns)
        out, std = np.empty(x.shape), np.empty(x.shape)
        fitted.ask("impute", out, std if return_std else None, x, len(x), constant,
                   key_from(random_state))
        rows = columns.decode(out, X.index if is_frame(X) else None)
        return Imputed(rows, std) if return_std else rows

    def anomaly(self, X: Any, random_state: RandomState = 0) -> Anomaly:
        """
        How odd rows are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The rows.
        random_state : int, RandomState, Generator, optional
            As in `score_samples`.

        Returns
        -------
        Anomaly
            surprise, which is -log p, and quantile, the share of ordinary rows that surprise less.
        """
        fitted, columns = self._asked()
        x = self._rows(X, columns)
        made = Anomaly(np.empty(len(x)), np.empty(len(x)))
        fitted.ask("anomaly", made.surprise, made.quantile, x, len(x), key_from(random_state))
        return made

    def memorisation(self, X: Any, n_samples: int = 1000, random_state: RandomState = 0) -> float:
        """
        Whether samples are new or copies of the rows that were learnt from.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            The rows that the model was fitted on.
        n_samples : int, default=1000
            How many samples to draw for it.
        random_state : int, RandomState, Generator, optional
            Of these samples.

        Returns
        -------
        float
            Median distance of samples to the nearest row, over that of the rows to each other:
            about 1 for new rows, near 0 for copies.
        """
        fitted, columns = self._asked()
        x = self._rows(X, columns)
        table, keep = columns.to_c(x, None, self._picture(x.shape[1]))
        ratio = ctypes.c_double()
        fitted.ask("memory", ctypes.addressof(ratio), table, _count(n_samples),
                   key_from(random_state))
        del keep
        return ratio.value

    def summary(self) -> str:
        """
        What was chosen for this model and how good it is, a sentence each.

        Returns
        -------
        str
        """
        return self._asked()[0].text()

    # Files

    def save(self, path: Any) -> None:
        """
        Write the model into one file, which C and the command read, too.

        Parameters
        ----------
        path : str or path-like
            The file; it appears whole, or what was there stays.
        """
        self._asked()[0].save(path)

    @classmethod
    def open(cls, path: Any) -> "SGM":
        """
        Read a model that Python, C or the command has saved.

        Parameters
        ----------
        path : str or path-like
            The file, and nothing else.

        Returns
        -------
        SGM
            If its columns have names and pandas is installed, it answers with DataFrames.
        """
        fitted, self = Fitted.open(path), cls()
        self._set(fitted, Columns.from_c(fitted.c.table))
        return self

    # What scikit-learn asks

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags

    def _more_tags(self) -> dict:
        return {"allow_nan": True}  # before scikit-learn 1.6


def _constant(name: str, asked: Any, values: dict) -> int:
    """The constant of an enum by its last word: SGM_QUALITY_FAST is "fast"."""
    known = {constant.split("_", 2)[2].lower(): value for constant, value in values.items()}
    if asked not in known:
        raise ArgumentError(f"{name}={asked!r}: it is one of {', '.join(known)}")
    return known[asked]


def _line(news: Progress) -> str:
    """What is known of it."""
    told = (("held-out loss {:.4g}", news.held_loss), ("at best {:.4g}", news.best_loss),
            ("{:.4g} nats a held-out row", news.nll), ("a Gaussian {:.4g}", news.nll_gauss),
            ("kernels {:.4g}", news.nll_kde), ("{:.0f} s left", news.left))
    known = [text.format(value) for text, value in told if math.isfinite(value)]
    return ", ".join([f"{news.doing} {news.step}/{news.steps}", *known])


def _count(n: Any) -> int:
    if int(n) != n or n < 1:
        raise ArgumentError(f"n_samples={n}: it is a whole number from 1 on")
    return int(n)


def _difference(own: list, theirs: list) -> str:
    """How the names of two tables differ."""
    text = "The feature names should match those that were passed during fit.\n"
    new, gone = sorted(set(theirs) - set(own)), sorted(set(own) - set(theirs))
    for names, said in ((new, "Feature names unseen at fit time:\n"),
                        (gone, "Feature names seen at fit time, yet now missing:\n")):
        if names:
            shown = "".join(f"- {name}\n" for name in names[:5])
            text += said + shown + ("- ...\n" if len(names) > 5 else "")
    if not new and not gone:
        text += "Feature names must be in the same order as they were in fit.\n"
    return text
