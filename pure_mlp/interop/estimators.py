"""Perceptrons as scikit-learn estimators, for pipelines and searches."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Generator, Tensor
from typing_extensions import Self

from pure_mlp._compile.program import Engine
from pure_mlp.layers.linear import Linear
from pure_mlp.losses.mse import mse
from pure_mlp.perceptron import MLP, mlp
from pure_mlp.registry.functions import ACTIVATIONS, OPTIMIZERS, RATES
from pure_mlp.signatures import Loss
from pure_mlp.train.fit import fit
from pure_mlp.train.step import training_step

__all__ = ["PureMLPClassifier", "PureMLPRegressor"]

try:
    _base: Any = import_module("sklearn.base")  # Any: scikit-learn has no types
    _checks: Any = import_module("sklearn.utils.validation")
    _utils: Any = import_module("sklearn.utils")
    _labels: Any = import_module("sklearn.utils.multiclass")
except ImportError as _missing:
    raise ImportError("pure_mlp.interop.estimators needs scikit-learn: pip install 'pure-mlp[sklearn]'") from _missing

if TYPE_CHECKING:  # the bases of the estimators, with the types that scikit-learn lacks

    class _Estimator:
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def __sklearn_tags__(self) -> Any: ...

    class _Classifier:
        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

    class _Regressor:
        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

else:
    _Estimator, _Classifier, _Regressor = _base.BaseEstimator, _base.ClassifierMixin, _base.RegressorMixin


class _Perceptron(_Estimator):
    """What both estimators share: the parameters, which are those of scikit-learn's own where it has them, and the training."""

    net_: MLP
    params_: tuple[Linear, ...]
    loss_curve_: list[float]
    n_iter_: int

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        learning_rate_init: float | None = None,
        batch_size: int = 200,
        max_iter: int = 200,
        random_state: Any = 0,
        engine: str | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.random_state = random_state
        self.engine = engine

    def _trained(self, x: Tensor, y: Tensor, outputs: int, loss: Loss) -> None:
        choices: dict[str, Any] = {"activation": ACTIVATIONS, "solver": OPTIMIZERS, "engine": (None, *get_args(Engine))}
        for name, table in choices.items():
            if getattr(self, name) not in table:
                known = ", ".join(map(str, table))
                raise ValueError(f"{type(self).__name__}: {name} {getattr(self, name)!r}, expected one of {known}")
        seed = int(_utils.check_random_state(self.random_state).randint(2**31 - 1))
        generator = Generator().manual_seed(seed)
        widths = (x.shape[1], *self.hidden_layer_sizes, outputs)
        self.net_, params = mlp(widths, generator, ACTIVATIONS[self.activation], dtype=x.dtype)
        rate = RATES[self.solver] if self.learning_rate_init is None else self.learning_rate_init
        optimizer = OPTIMIZERS[self.solver](rate)
        step, start = training_step(self.net_, loss, optimizer), (params, optimizer.init(params))
        engine: Any = self.engine
        (self.params_, _), history = fit(
            step, start, (x, y), epochs=self.max_iter, batch=min(self.batch_size, len(x)), generator=generator, engine=engine
        )
        self.loss_curve_ = [epoch.loss for epoch in history]
        self.n_iter_ = len(history)

    def _outputs(self, X: Any) -> Tensor:
        _checks.check_is_fitted(self)
        x = _checks.validate_data(self, X, reset=False, dtype=["float64", "float32"])
        return self.net_.fwd(self.params_, _tensor(x, self.params_[0].weight.dtype))[0]


class PureMLPClassifier(_Classifier, _Perceptron):
    """A perceptron with the cross-entropy loss that tells two or more classes apart.

    Parameters have the names of `sklearn.neural_network.MLPClassifier`: hidden_layer_sizes, activation (a name of `--f`), solver (a
    name of `--optimizer`), learning_rate_init (None: the solver's own), batch_size, max_iter (the number of epochs), random_state.
    And engine, as of `fit`: "native" is the fastest, where there is a C compiler, once it has compiled for a second or two.
    After `fit`: net_ and params_, for the functions of this library; classes_, loss_curve_ and n_iter_. Features should be scaled,
    as by `StandardScaler`.

    >>> PureMLPClassifier(max_iter=50).fit([[0.0], [1.0]], ["no", "yes"]).predict([[1.0]]).tolist()
    ['yes']
    """

    classes_: Any

    def fit(self, X: Any, y: Any) -> PureMLPClassifier:
        """Train from the beginning on features X (n, d) and labels y (n,)."""
        X, y = _checks.validate_data(self, X, y, dtype=["float64", "float32"])
        _labels.check_classification_targets(y)
        self.classes_ = _labels.unique_labels(y)
        x, k = _tensor(X), len(self.classes_)
        self._trained(x, torch.eye(k, dtype=x.dtype)[torch.from_numpy(self.classes_.searchsorted(y))], k, _likelihood)
        return self

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class for each row, (n, classes)."""
        return torch.softmax(self._outputs(X), 1).numpy()

    def predict(self, X: Any) -> Any:
        """The most probable class of each row, (n,)."""
        best = self._outputs(X).argmax(1).numpy()
        return self.classes_[best]


class PureMLPRegressor(_Regressor, _Perceptron):
    """A perceptron with `mse` for one value or several; parameters as in `PureMLPClassifier`. Labels should be scaled too.

    >>> line = PureMLPRegressor((), max_iter=50, solver="sgd").fit([[-1.0], [1.0]], [-2.0, 2.0])
    >>> [round(float(y), 3) for y in line.predict([[0.5]])]
    [1.0]
    """

    flat_: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> PureMLPRegressor:
        """Train from the beginning on features X (n, d) and labels y, (n,) or (n, k)."""
        X, y = _checks.validate_data(self, X, y, dtype=["float64", "float32"], multi_output=True, y_numeric=True)
        self.flat_ = y.ndim == 1
        x = _tensor(X)
        target = _tensor(y, x.dtype).reshape(len(x), -1)
        self._trained(x, target, target.shape[1], mse)
        return self

    def predict(self, X: Any) -> Any:
        """The value of each row, of the shape of the labels."""
        y = self._outputs(X).numpy()
        return y.ravel() if self.flat_ else y


def _likelihood(y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """`cross_entropy` of the rows y of an identity matrix, in a third of the operations: every row counts, and alike."""
    log_p = torch.log_softmax(z, 1)
    return -(y * log_p).sum() / len(y), (log_p.exp() - y) / len(y)


def _tensor(array: Any, dtype: torch.dtype | None = None) -> Tensor:
    t = torch.from_numpy(array.copy())
    return t if dtype is None else t.to(dtype)
