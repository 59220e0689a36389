"""Break every backward rule and every loss at every place of its source, and see the checks fail."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import attrs
import pytest
import torch
from checks import check_layer
from equivalent import SAME
from loss_checks import (
    check_bce_clamps,
    check_cross_entropy_edges,
    check_half_bce_with_logits,
    check_half_cross_entropy,
    check_infinite_logits,
    check_loss,
    check_mse_in_transforms,
)
from loss_table import LOSSES
from mutation import calling, mutants
from tables import DENSE, LAYERS, Row
from torch import Tensor

import pure_mlp as pm
from pure_mlp import Layer, kernels, tree_map
from pure_mlp.layers import linear
from pure_mlp.losses import bce_with_logits, cross_entropy, mse, reduction
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.shapes import check_cotangent

Function = Callable[..., Any]


def survives(check: Callable[..., None], *args: Any) -> bool:
    """Whether a check passes; a mutant that cannot even run is as dead as one that is wrong."""
    try:
        check(*args)
    except (Exception, pytest.fail.Exception):
        return False
    return True


class Rule(NamedTuple):
    """A function to be mutated, what a mutant has to pass, and the mutants that are the same function after all."""

    name: str
    function: Function
    check: Callable[[Function], None]
    equivalent: dict[str, str] = {}  # noqa: RUF012 (never changed)


def layer_rule(row: Row) -> Rule:
    """A mutant has to fail for one set of hyperparameters."""
    samples = [*row.samples()]

    def check(f: Function) -> None:
        for sample in samples:
            bwd = sample.layer.bwd
            bound = partial(f, *bwd.args, **bwd.keywords) if isinstance(bwd, partial) else f
            check_layer(sample, attrs.evolve(sample.layer, bwd=bound))

    return Rule(row.name, getattr(row.layer.bwd, "func", row.layer.bwd), check, SAME.get(row.name, {}))


def helper_rule(row_name: str, function: Function) -> Rule:
    """A function that the backward rule of a layer calls."""
    row, name = next(row for row in LAYERS if row.name == row_name), function.__name__

    def check(f: Function) -> None:
        check_layer(row, attrs.evolve(row.layer, bwd=calling(row.layer.bwd, **{name: f})))

    return Rule(f"{name} of {row_name}", function, check, SAME.get(f"{name} of {row_name}", {}))


def loss_rule(function: Function, helper: Function | None = None) -> Rule:
    """A loss, or a function that it calls."""

    def check(f: Function) -> None:
        made = f if helper is None else calling(function, **{helper.__name__: f})
        for edges in EDGES.get(function, ()):
            edges(made)
        for row in LOSSES:
            if row.function is function:
                check_loss(row, row.bind(made))

    name = function.__name__ if helper is None else f"{helper.__name__} of {function.__name__}"
    return Rule(name, helper or function, check, SAME.get(name, {}))


EDGES: dict[Function, list[Callable[[Function], None]]] = {
    pm.bce: [check_bce_clamps],
    pm.bce_with_logits: [check_infinite_logits, check_half_bce_with_logits],
    pm.mse: [check_mse_in_transforms],
    pm.cross_entropy: [check_cross_entropy_edges, check_half_cross_entropy],
}

RULES = [
    *map(layer_rule, LAYER_ROWS.values()),
    *map(layer_rule, DENSE),
    helper_rule("linear", linear.weight_grads),
    helper_rule("linear_bottom", linear.weight_grads),
    helper_rule("relu", check_cotangent),
    helper_rule("relu", kernels.threshold_backward),
    helper_rule("sigmoid", kernels.sigmoid_backward),
    helper_rule("tanh", kernels.tanh_backward),
    *[loss_rule(row.function) for row in LOSS_ROWS.values()],
    loss_rule(bce_with_logits.bce_with_logits, reduction.reduce),
    loss_rule(bce_with_logits.bce_with_logits, reduction.scale),
    loss_rule(mse.mse, reduction.same_shape),
    loss_rule(mse.mse, kernels.squared_error),
    loss_rule(mse.mse, kernels.mse_backward),
    loss_rule(cross_entropy.cross_entropy, cross_entropy._one_hot),
    loss_rule(cross_entropy.cross_entropy, cross_entropy._check),
]


# torch's own rules for forward derivatives are compiled by what torch has deprecated
@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_every_mutant_is_killed(rule: Rule) -> None:
    rule.check(rule.function)
    alive = {statement for statement, mutant in mutants(rule.function) if survives(rule.check, mutant)}
    assert alive == set(map(normal, rule.equivalent))


def normal(statement: str) -> str:
    """A statement, or the head of one, as `ast` writes it."""
    return ast.unparse(ast.parse(statement + " pass" if statement.endswith(":") else statement)).splitlines()[0]


def spoiled(layer: Layer[Any, Any], output: int, spoil: Callable[[Tensor], Tensor]) -> Layer[Any, Any]:
    """The layer with dx (output 0) or every leaf of grads (1) spoiled."""

    def bwd(params: Any, cache: Any, dy: Tensor) -> Any:
        out = [*layer.bwd(params, cache, dy)]
        out[output] = tree_map(spoil, out[output])
        return tuple(out)

    return attrs.evolve(layer, bwd=bwd)


SPOILS: dict[str, Callable[[Tensor], Tensor]] = {
    "sign": torch.neg,
    "factor 2": lambda t: 2 * t,
    "mean for sum": lambda t: t / 5,
    "nothing": torch.zeros_like,
    "examples in another order": lambda t: t.flip(0),
    "transposed": lambda t: t.mT if t.dim() > 1 else t.flip(0),
    "one part in a billion": lambda t: t * (1 + 1e-9),
    "another dtype": lambda t: t.float(),
    "another shape": lambda t: t.unsqueeze(0),
}


@pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])
@pytest.mark.parametrize("spoil", SPOILS)
def test_a_spoiled_gradient_is_noticed(row: Row, spoil: str) -> None:
    for output in [0] * row.has_dx + [1] * (row.draw_params(torch.Generator()) != ()):
        assert not survives(check_layer, row, spoiled(row.layer, output, SPOILS[spoil]))
