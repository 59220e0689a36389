"""The estimators are what scikit-learn takes for estimators, and learn what its own perceptron learns."""

from __future__ import annotations

import doctest
import pickle
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from pure_mlp import layer_name, outline
from pure_mlp.data.load import load

np = pytest.importorskip("numpy", reason="scikit-learn is of its arrays")
sklearn = pytest.importorskip("sklearn", minversion="1.6", reason="needs the extra sklearn")
selection, neural, estimator_checks = (
    pytest.importorskip(f"sklearn.{name}") for name in ("model_selection", "neural_network", "utils.estimator_checks")
)
make_pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline
StandardScaler = pytest.importorskip("sklearn.preprocessing").StandardScaler

from pure_mlp.interop.estimators import PureMLPClassifier, PureMLPRegressor  # noqa: E402

CHECKS = [
    (estimator, check)
    for made in (PureMLPClassifier((10,), max_iter=20, learning_rate_init=0.05, batch_size=50),
                 PureMLPRegressor((10,), max_iter=20, learning_rate_init=0.05, batch_size=50))
    for estimator, check in estimator_checks.estimator_checks_generator(made, legacy=True)
]  # fmt: skip


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=lambda value: getattr(getattr(value, "func", None), "__name__", ""))
def test_what_scikit_learn_asks_of_an_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def table(name: str) -> tuple[Any, Any]:
    data = load(name)
    return data.x.numpy(), data.y.reshape(-1).numpy()


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_it_classifies_no_worse_than_theirs(name: str) -> None:
    x, y = table(name)
    flags: dict[str, Any] = {"hidden_layer_sizes": (32,), "max_iter": 10, "learning_rate_init": 0.02}
    ours, theirs = (make_pipeline(StandardScaler(), made(**flags)) for made in (PureMLPClassifier, neural.MLPClassifier))
    theirs.set_params(mlpclassifier__random_state=0)
    score = selection.cross_val_score(ours, x, y, cv=3).mean()
    with pytest.warns(Warning, match="hasn't converged"):
        peer = selection.cross_val_score(theirs, x, y, cv=3).mean()
    assert score > peer - 0.01
    assert score > 0.85


def test_a_grid_search_over_a_pipeline_with_frames_of_names_and_strings() -> None:
    x, y = table("breast_cancer")
    named = np.array(["benign", "malignant"])[y.astype(int)]
    pipeline = make_pipeline(StandardScaler(), PureMLPClassifier(max_iter=10, learning_rate_init=0.02))
    grid = {"puremlpclassifier__hidden_layer_sizes": [(), (8,)], "puremlpclassifier__activation": ["tanh", "relu"]}
    found = selection.GridSearchCV(pipeline, grid, cv=2).fit(x, named)
    assert found.best_score_ > 0.8
    assert {*found.predict(x)} == {"benign", "malignant"}
    assert np.allclose(found.predict_proba(x).sum(1), 1)
    again = pickle.loads(pickle.dumps(found.best_estimator_))
    assert (again.predict_proba(x) == found.predict_proba(x)).all()


def test_a_regressor_of_one_value_and_of_several() -> None:
    x, y = table("diabetes")
    x, y = StandardScaler().fit_transform(x), (y - y.mean()) / y.std()
    ours = PureMLPRegressor((16,), max_iter=20, learning_rate_init=0.01).fit(x, y)
    theirs = neural.MLPRegressor(hidden_layer_sizes=(16,), max_iter=20, learning_rate_init=0.01, random_state=0)
    with pytest.warns(Warning, match="hasn't converged"):
        theirs.fit(x, y)
    assert ours.score(x, y) > theirs.score(x, y) - 0.05
    assert (ours.n_iter_, len(ours.loss_curve_), ours.predict(x).shape) == (20, 20, y.shape)
    both = np.stack((y, -y), 1)
    assert PureMLPRegressor((16,), max_iter=20).fit(x, both).predict(x).shape == both.shape


def test_what_was_fitted_is_a_net_of_this_library() -> None:
    x, y = table("breast_cancer")
    fitted = PureMLPClassifier((4,), "tanh", max_iter=1).fit(x, y)
    assert (layer_name(fitted.net_), len(fitted.params_), "dense_tanh" in outline(fitted.net_)) == ("serial", 2, True)
    with pytest.raises(ValueError, match="PureMLPClassifier: activation 'logistic', expected one of relu, sigmoid, "):
        PureMLPClassifier(activation="logistic").fit(x, y)
    with pytest.raises(ValueError, match="solver 'lbfgs', expected one of adam, "):
        PureMLPClassifier(solver="lbfgs").fit(x, y)


def test_the_examples() -> None:
    assert doctest.testmod(sys.modules["pure_mlp.interop.estimators"]).failed == 0


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "pure_mlp.interop.estimators")
    with pytest.raises(ImportError, match=r"needs scikit-learn: pip install 'pure-mlp\[sklearn\]'"):
        import_module("pure_mlp.interop.estimators")
