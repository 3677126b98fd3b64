"""What an estimator inherits: scikit-learn's classes where it is installed, else our own."""

from __future__ import annotations

import inspect
from typing import Any

try:
    from sklearn.base import BaseEstimator, DensityMixin
    from sklearn.exceptions import NotFittedError
except ImportError:

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """A question to a model that has not been fitted."""

    class DensityMixin:  # type: ignore[no-redef]
        """Tells that the estimator is one of densities."""

        _estimator_type = "DensityEstimator"

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name, as in scikit-learn."""

        @classmethod
        def _get_param_names(cls) -> list:
            return sorted(inspect.signature(cls.__init__).parameters.keys() - {"self"})

        def get_params(self, deep: bool = True) -> dict:
            """
            The parameters of the constructor.

            Parameters
            ----------
            deep : bool
                Without effect: no parameter is an estimator.

            Returns
            -------
            dict
                Values by name.
            """
            return {name: getattr(self, name) for name in self._get_param_names()}

        def set_params(self, **params: Any) -> "BaseEstimator":
            """
            Change parameters of the constructor.

            Parameters
            ----------
            **params : object
                Values by name.

            Returns
            -------
            self
            """
            for name, value in params.items():
                if name not in self._get_param_names():
                    raise ValueError(f"Invalid parameter {name!r} for estimator {self}. Valid "
                                     f"parameters are: {self._get_param_names()}.")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            usual = inspect.signature(type(self).__init__).parameters
            changed = (f"{name}={value!r}" for name, value in self.get_params().items()
                       if value is not usual[name].default and value != usual[name].default)
            return f"{type(self).__name__}({', '.join(changed)})"


__all__ = ["BaseEstimator", "DensityMixin", "NotFittedError"]
