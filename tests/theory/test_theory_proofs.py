"""The docstring equations of every layer and loss: proven by sympy, and what the library computes."""

from __future__ import annotations

from inspect import signature
from itertools import product

import pytest
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Generator

import pure_mlp as pm
from pure_mlp.registry.functions import ACTIVATIONS, LOSSES
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.theory.operations import softmax as softmax_fwd
from pure_mlp.theory.problem import REDUCED, symbols_of, tensor_of
from pure_mlp.theory.proof import activation_residual, column, linear_residuals, loss_residual, residual
from pure_mlp.theory.symbolic import Equations, activation
from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS, targets

B = sp.Symbol("b", positive=True)
PROVEN: dict[str, Equations] = {}
LIBRARY: dict[str, pm.Activation] = {}
NUMBERS: dict[str, dict[sp.Symbol, sp.Rational]] = {}
PIECEWISE: set[str] = set()
for name, row in LAYER_ROWS.items():
    if row.equation is None:
        continue
    PROVEN[name], LIBRARY[name] = activation(name), row.layer
    names = [name]
    for letter in signature(row.equation).parameters:  # the hyperparameter, if there is one
        [[number], *_] = row.hyperparameters
        symbol = sp.Symbol(letter, positive=True)
        names.append(f"{name}({letter})")
        PROVEN[names[1]], NUMBERS[names[1]] = activation(name, (letter, symbol)), {symbol: sp.Rational(str(number))}
        assert row.make is not None
        LIBRARY[names[1]] = row.make(number)
    PIECEWISE |= {*names} if row.kinks else set()


def test_every_activation_and_loss_has_its_equations() -> None:
    assert PROVEN.keys() >= ACTIVATIONS.keys()
    assert LOSSES.keys() >= LOSS_EQUATIONS.keys() == REDUCED.keys()


@pytest.mark.parametrize("name", PROVEN)
def test_the_backward_equation_is_the_transposed_jacobian(name: str) -> None:
    generic = [[True, False], [False, True]] if name in PIECEWISE else [[None, None]]
    for signs in generic:
        assert activation_residual(PROVEN[name], signs) == sp.zeros(2, 1)


def test_softmax_of_three() -> None:
    assert activation_residual(PROVEN["softmax"], [None] * 3) == sp.zeros(3, 1)


def test_no_subtracted_number_changes_softmax() -> None:
    x, m = column("x", [None] * 3), sp.Symbol("m", real=True)
    assert (softmax_fwd(x, m) - softmax_fwd(x)).applyfunc(sp.simplify) == sp.zeros(3, 1)


def test_both_forms_of_the_slope_of_softplus() -> None:
    x = sp.Symbol("x", real=True)
    y = PROVEN["softplus(b)"].fwd(sp.Matrix([x]))[0]
    assert sp.simplify(1 - sp.exp(-B * y) - 1 / (1 + sp.exp(-B * x))) == 0


@pytest.mark.parametrize("batch", [1, 2])
def test_linear(batch: int) -> None:
    for zero in linear_residuals(batch, 3, 2).values():
        assert zero == sp.zeros(*zero.shape)


@pytest.mark.parametrize("name", LOSS_EQUATIONS)
def test_the_gradient_of_a_loss_is_its_derivative(name: str) -> None:
    assert loss_residual(LOSS_EQUATIONS[name], column("y", [None] * 2)) == sp.zeros(2, 1)


def test_cross_entropy_with_smoothing_and_weights() -> None:
    t = targets(column("q", [True] * 2), sp.Symbol("e", positive=True), column("w", [True] * 2))
    assert loss_residual(LOSS_EQUATIONS["cross_entropy"], t) == sp.zeros(2, 1)


def test_a_wrong_equation_leaves_a_residual() -> None:
    x, dy = column("x", [None] * 2), column("d", [None] * 2)
    y = PROVEN["softmax"].fwd(x)
    assert residual(y, x, dy, sp.Matrix([dy[0] * y[0] * (1 - y[0]), dy[1] * y[1] * (1 - y[1])])) != sp.zeros(2, 1)


@pytest.mark.parametrize("name", PROVEN)
def test_the_proven_equations_are_those_the_library_computes(name: str) -> None:
    generator = Generator().manual_seed(0)
    x, dy = (torch.randn(1, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    y, cache = LIBRARY[name].fwd((), x)
    dx, _ = LIBRARY[name].bwd((), cache, dy)
    symbolic = PROVEN[name].fwd(symbols_of(x)).subs(NUMBERS.get(name, {})).evalf()
    back = PROVEN[name].bwd(symbols_of(x), symbolic, symbols_of(dy)).subs(NUMBERS.get(name, {})).evalf()
    torch.testing.assert_close(y, tensor_of(symbolic.T), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(dx, tensor_of(back.T), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("name", "reduction"), [*product(REDUCED, ("mean", "sum", "batchmean", "none"))])
def test_the_proven_losses_are_those_the_library_computes(name: str, reduction: pm.Reduction) -> None:
    generator = Generator().manual_seed(0)
    y, y_hat = (torch.rand(3, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    J, dy_hat = REDUCED[name](y, y_hat, reduction)
    whole_rows = LOSS_ROWS[name].rows
    c = {"mean": 1 / 3 if whole_rows else 1 / 6, "batchmean": 1 / 3, "sum": 1.0, "none": 1.0}[reduction]
    rows = [(symbols_of(label), symbols_of(row)) for label, row in zip(y, y_hat)]
    value = sum(float(LOSS_EQUATIONS[name].value(*row)) for row in rows)
    slopes = torch.cat([tensor_of(LOSS_EQUATIONS[name].slope(*row).T) for row in rows])
    torch.testing.assert_close(J.sum(), torch.tensor(c * value, dtype=torch.float64), rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(dy_hat, c * slopes, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_proven_targets_are_those_of_cross_entropy(weighted: bool) -> None:
    generator = Generator().manual_seed(0)
    z = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    weight = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64) if weighted else None
    J, dz = pm.cross_entropy(torch.tensor([1]), z, "sum", label_smoothing=0.25, weight=weight)
    w = sp.ones(3, 1) if weight is None else symbols_of(weight)
    t = targets(sp.Matrix([0, 1, 0]), sp.Rational(1, 4), w)
    equations = LOSS_EQUATIONS["cross_entropy"]
    assert J.item() == pytest.approx(float(equations.value(t, symbols_of(z))), rel=1e-13)
    torch.testing.assert_close(dz, tensor_of(equations.slope(t, symbols_of(z)).evalf().T), rtol=1e-13, atol=1e-14)
