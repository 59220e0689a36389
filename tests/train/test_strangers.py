"""Wrong arguments as people give them: a `ValueError` that names what was wrong, what was expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import pure_mlp as pm

X, Y = torch.ones(5, 4), torch.zeros(5, 3)
LAYERS: dict[str, tuple[Any, Any]] = {
    "linear": (pm.linear, pm.linear_init(4, 3, Generator())),
    "dense": (pm.dense(pm.relu), pm.linear_init(4, 3, Generator())),
    "layer_norm": (pm.layer_norm(), pm.LayerNorm(torch.ones(4), torch.ones(4))),
    "rms_norm": (pm.rms_norm(), pm.RMSNorm(torch.ones(4))),
    "batch_norm": (pm.batch_norm(), pm.BatchNorm(torch.ones(4), torch.ones(4))),
    "softplus": (pm.softplus(), ()),
    "relu": (pm.relu, ()),
    "glu": (pm.glu(), ()),
    "embedding": (pm.embedding, pm.Embedding(torch.ones(3, 2))),
}
STRANGE: dict[str, Any] = {"None": None, "list": [1.0], "text": "x", "float": 1.5, "module": nn.Linear(4, 3)}


def refused(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(ValueError, match=r".*") as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("kind", STRANGE)
def test_a_layer_names_itself_and_what_it_was_given(name: str, kind: str) -> None:
    layer, params = LAYERS[name]
    net, x = pm.serial(layer), X if name != "embedding" else torch.zeros(5, 4, dtype=torch.int64)
    _, cache = net.fwd((params,), x)
    told = repr(STRANGE[kind]) if kind in ("None", "text", "float") else f"of class {type(STRANGE[kind]).__name__}"
    refused(lambda: net.fwd((params,), STRANGE[kind]), "layer 0 (", told)
    refused(lambda: net.bwd((params,), cache, STRANGE[kind]), "layer 0 (", "backward", told)
    if params and not isinstance(STRANGE[kind], nn.Linear):
        refused(lambda: net.fwd((STRANGE[kind],), x), "layer 0 (", told, "expected")
    if params:
        refused(lambda: net.fwd(((),), x), "layer 0 (", "expected")


NET, PARAMS = pm.mlp((4, 6, 3), Generator())
SGD: Any = pm.sgd(0.1)
STEP: Any = pm.training_step(NET, pm.mse, SGD)
START: Any = (PARAMS, SGD.init(PARAMS))
pmx: Any = pm  # the types refuse most of what follows


def fitted(**changed: Any) -> Callable[[], object]:
    given = {"step": STEP, "carry": START, "data": (X, Y), "epochs": 1, "batch": 2, "generator": Generator()} | changed
    return lambda: pmx.fit(given.pop("step"), given.pop("carry"), given.pop("data"), **given)


WRONG: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "params None": (lambda: pmx.serial(pm.relu).fwd(None, X), ("1 layers", "None")),
    "params and x swapped": (lambda: pmx.serial(pm.relu).fwd(X, ((),)), ("1 layers", "(5, 4) float32")),
    "cache None": (lambda: pmx.serial(pm.relu).bwd(((),), None, X), ("1 layers", "None")),
    "no layer": (lambda: pmx.serial(pm.relu, "relu"), ("serial: part 1", "'relu'")),
    "a factory": (lambda: pmx.serial(pm.elu), ("serial: part 0", "elu() makes one")),
    "a function": (
        lambda: pmx.mlp((3, 2), Generator(), torch.relu, torch.relu),
        (": part 1 is of class builtin_function_or_method",),
    ),
    "a gate": (lambda: pmx.glu(torch.sigmoid), ("glu: the gate",)),
    "sizes": (lambda: pmx.mlp(3, Generator()), ("mlp: sizes 3",)),
    "a width": (lambda: pmx.mlp((3, 2.5), Generator()), ("mlp: layer 0", "2.5")),
    "a seed": (lambda: pmx.mlp((3, 2), 0), ("generator that is 0, expected a torch.Generator",)),
    "whole params": (lambda: pm.mlp((3, 2), Generator(), dtype=torch.int64), ("torch.int64",)),
    "loss of an array": (lambda: pmx.mse([1.0], torch.ones(1)), ("mse: y of class list",)),
    "labels of a list": (lambda: pmx.cross_entropy([0], torch.ones(1, 2)), ("cross_entropy: y of class list",)),
    "alpha": (lambda: pmx.elu("1"), ("elu: alpha '1', expected > 0",)),
    "slope": (lambda: pm.leaky_relu(inf), ("leaky_relu: negative_slope inf, expected >= 0 and finite",)),
    "lr": (lambda: pmx.adam("0.1"), ("adam: lr '0.1'",)),
    "lr nan": (lambda: pm.sgd(nan), ("sgd: lr nan",)),
    "b1": (lambda: pm.adam(0.1, 1.0), ("adam: b1 1.0, expected >= 0 and < 1",)),
    "steps": (lambda: pmx.cosine(0.1, "10"), ("cosine: steps '10'",)),
    "warmup": (lambda: pmx.warmup(0.1, 10), ("warmup: a schedule that is 0.1",)),
    "a chain of a list": (lambda: pmx.chain([SGD]), ("chain: of class list",)),
    "state": (lambda: SGD.update(PARAMS, PARAMS, None), ("a state that is None",)),
    "eps": (lambda: pm.batch_norm_by(pm.Statistics(X[0], X[0]), -1.0), ("batch_norm_by: eps -1.0",)),
    "statistics": (lambda: pmx.batch_norm_by(X), ("batch_norm_by: (5, 4) float32",)),
    "net and loss swapped": (lambda: pmx.training_step(pm.mse, NET, SGD), ("a net that is",)),
    "loss": (lambda: pmx.training_step(NET, "mse", SGD), ("a loss that is 'mse'",)),
    "optimizer": (lambda: pmx.training_step(NET, pm.mse, 0.1), ("an optimizer that is 0.1",)),
    "batch of one": (lambda: STEP(START, X), ("a batch that is (5, 4)",)),
    "batch of three": (lambda: STEP(START, (X, Y, Y)), ("a batch that is 3 values",)),
    "batch dict": (lambda: STEP(START, {"x": X, "y": Y}), ("a batch that is of class dict",)),
    "a loss of one number": (
        lambda: pmx.training_step(NET, nn.functional.mse_loss, SGD)(START, (X, Y)),
        ("the loss returned () float32",),
    ),
    "grads of another dtype": (lambda: SGD.update(X, X.double(), SGD.init(X)), ("float64",)),
    "no grads": (lambda: SGD.update(PARAMS, None, START[1]), ("grads [None]",)),
    "three params of two": (lambda: pmx.fan_sum(pm.relu, pm.relu).fwd(((), (), ()), X), ("3 params, expected a pair",)),
    "too few params": (lambda: pmx.outline(pm.serial(pm.relu, pm.relu), ((),)), ("serial of 2 layers, 1 params",)),
    "a seed of text": (lambda: pmx.dropout(0.5, "a").fwd((), X), ("a seed that is 'a'",)),
    "init of a width": (lambda: pmx.init(pm.linear, 4, Generator()), ("init: sizes 4;",)),
    "init of a negative width": (lambda: pmx.init(pm.linear, (-3, 2), Generator()), ("init: sizes -3, 2;", "at least 1")),
    "init of a number": (lambda: pmx.init(pm.linear, (torch.tensor(1.0), 2), Generator()), ("init: sizes () float32, 2;",)),
    "init without a generator": (lambda: pmx.init(pm.linear, (3, 2), 0), ("init: a generator that is 0",)),
    "init of a factory": (lambda: pmx.init(pm.elu, (3, 2), Generator()), ("a net that is of class function", "elu() makes one")),
    "a pass": (lambda: pmx.remat(pm.relu.fwd), ("remat: part 0 is of class function, expected a Layer",)),
    "an activation": (lambda: pmx.dense("relu"), ("dense: part 1 is 'relu'",)),
    "summary of another input": (lambda: pmx.summary(NET, PARAMS, Y), ("layer 0 (dense_relu): input (5, 3)",)),
    "outline of one layer's params": (lambda: pmx.outline(NET, PARAMS[0]), ("serial: params: of class Linear, expected a tuple",)),
    "a rule": (lambda: pmx.over(3, NET), ("over: a rule that is 3",)),
    "a rule that returns nothing": (lambda: pmx.over(lambda f: None, NET), ("over: the rule makes linear None",)),
    "a width for eps": (lambda: pm.layer_norm(64), ("layer_norm: eps 64, expected >= 0 and <= 1",)),
    "rate and seed swapped": (lambda: pmx.dropout(0, 0.5), ("a seed that is 0.5",)),
    "tree and function swapped": (lambda: pmx.tree_map(PARAMS, torch.neg), ("tree_map: tuple(0, 1), expected a function",)),
    "leaves of a number": (lambda: pmx.tree_like(X, 3), ("tree_like: int, expected a list",)),
    "no class of attrs": (lambda: pmx.record(int), ("record: int is no attrs class",)),
    "zeros like a number": (lambda: pmx.tree_zeros(3), ("an int at the root",)),
    "whole logits": (lambda: pm.cross_entropy(torch.tensor([0]), torch.tensor([[1, 2]])), ("cross_entropy:", "int64")),
    "weights of a list": (lambda: pmx.cross_entropy(torch.tensor([0]), torch.ones(1, 2), weight=[1, 2]), ("weight of class list",)),
    "epochs": (fitted(epochs="3"), ("fit: epochs is '3'",)),
    "negative epochs": (fitted(epochs=-1), ("fit: epochs -1",)),
    "batch": (fitted(batch=2.5), ("fit: batch is 2.5",)),
    "generator": (fitted(generator=0), ("fit: generator is 0, expected a torch.Generator",)),
    "callbacks": (fitted(callbacks=print), ("fit: callbacks is",)),
    "score": (fitted(score=0.5), ("fit: score is 0.5",)),
    "a callback": (fitted(callbacks=[3]), ("fit: callbacks is of class list, expected a list of functions",)),
    "a score that is no number": (fitted(score=lambda carry: Y), ("fit: the score returned (5, 3) float32, expected a number",)),
    "observe": (fitted(observe=None), ("fit: observe is None",)),
    "observe that returns nothing": (fitted(observe=lambda pieces: None), ("fit: observe returned None, expected the batches",)),
    "lists": (fitted(data=(X.tolist(), Y.tolist())), ("fit: x and y are lists, expected tensors",)),
    "engine": (fitted(engine="fast"), ("engine 'fast', expected one of pure, plan, native",)),
    "step": (fitted(step=None), ("fit: step is None",)),
    "fold engine": (lambda: pmx.fold(STEP, engine="c"), ("engine 'c'",)),
    "fold step": (lambda: pmx.fold(NET), ("fold: a step",)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_named(name: str) -> None:
    refused(WRONG[name][0], *WRONG[name][1])


@pytest.mark.parametrize("engine", ["pure", "plan"])
@pytest.mark.parametrize(
    ("came", "words"),
    [(None, "NoneType"), ((X,), "1 values"), ((X, 1.5), "a loss that is 1.5"), ((X, Y), "a loss that is (5, 3) float32")],
    ids=["nothing", "no loss", "a number", "losses"],
)
def test_what_a_step_must_return(came: Any, words: str, engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> Any:
        return came

    refused(lambda: pm.fold(step, engine=engine)(X, [X]), "the step returned", words)


def test_unreduced_losses_are_refused_by_name() -> None:
    step = pm.training_step(NET, partial(pm.mse, reduction="none"), SGD)
    refused(lambda: pm.fold(step)(START, [(X, Y)]), "a loss that is (5, 3) float32, expected one number")
