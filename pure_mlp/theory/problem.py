"""One net, one example and one loss with given numbers: what the tables are computed for and checked on."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Generator, Tensor

from pure_mlp.cli.functions import ACTIVATIONS
from pure_mlp.layers.inits import standard_normal
from pure_mlp.layers.linear import Linear, linear
from pure_mlp.losses.bce import bce
from pure_mlp.losses.bce_with_logits import bce_with_logits
from pure_mlp.losses.cross_entropy import cross_entropy
from pure_mlp.losses.mse import mse, squared_norm
from pure_mlp.losses.reduction import Reduction
from pure_mlp.theory.symbolic import Equations, activation
from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS, LossEquations

N_IN, HIDDEN, N_OUT = 2, 3, 2
BOUND = 1e-12
ELEMENTWISE = ("mse", "bce", "bce_with_logits")
REDUCED: dict[str, Callable[[Tensor, Tensor, Reduction], tuple[Tensor, Tensor]]] = {
    "mse": mse,
    "squared_norm": squared_norm,
    "bce": bce,
    "bce_with_logits": bce_with_logits,
    "cross_entropy": cross_entropy,
}


@attrs.frozen(eq=False)
class Problem:
    """Linear_1 -> f -> Linear_2 -> g and the loss, by name, at float64 numbers drawn by a seed, for one example.

    x (1, n), y (1, K); z1, z2 (1, L1), z3 and y_hat (1, K), J and dy_hat as the library computes them; dx and grads by its `bwd`.
    """

    f: str
    g: str
    loss: str
    reduction: Reduction
    first: Linear
    second: Linear
    x: Tensor
    y: Tensor
    z1: Tensor
    z2: Tensor
    z3: Tensor
    y_hat: Tensor
    J: Tensor
    dy_hat: Tensor
    grads: tuple[Linear, Linear]

    @property
    def f_equations(self) -> Equations:
        """Those of f."""
        return activation(self.f)

    @property
    def g_equations(self) -> Equations:
        """Those of g."""
        return activation(self.g)

    @property
    def loss_equations(self) -> LossEquations:
        """Those of the loss."""
        return LOSS_EQUATIONS[self.loss]

    @property
    def factor(self) -> sp.Rational:
        """c, what the reduction puts on the sum over the K elements of the one example."""
        return sp.Rational(1, N_OUT) if self.reduction == "mean" and self.loss in ELEMENTWISE else sp.Integer(1)


def problem(f: str, g: str, loss: str, seed: int, reduction: Reduction = "mean") -> Problem:
    """Draw the numbers and run the library forward and backward once. Raises `ValueError` for unknown names, or a loss that g
    does not serve: `bce` takes probabilities.

    >>> problem("relu", "identity", "mse", 0).y_hat.shape
    torch.Size([1, 2])
    """
    if loss not in REDUCED:
        raise ValueError(f"loss {loss!r}, expected one of {', '.join(REDUCED)}")
    for name in (f, g):
        activation(name)
    generator = Generator().manual_seed(seed)
    first = standard_normal(N_IN, HIDDEN, generator, torch.float64)
    second = standard_normal(HIDDEN, N_OUT, generator, torch.float64)
    x = torch.randn(1, N_IN, generator=generator, dtype=torch.float64)
    real = torch.randn(1, N_OUT, generator=generator, dtype=torch.float64)
    y = real if loss in ("mse", "squared_norm") else torch.eye(N_OUT, dtype=torch.float64)[real.argmax(1)]

    z1, c1 = linear.fwd(first, x)
    z2, c2 = ACTIVATIONS[f].fwd((), z1)
    z3, c3 = linear.fwd(second, z2)
    y_hat, c4 = ACTIVATIONS[g].fwd((), z3)
    if loss == "bce" and not bool(((y_hat > 0) & (y_hat < 1)).all()):
        raise ValueError(f"bce takes probabilities, which g = {g} does not give; use sigmoid, softmax or bce_with_logits")
    J, dy_hat = REDUCED[loss](y, y_hat, reduction)
    dz3, _ = ACTIVATIONS[g].bwd((), c4, dy_hat)
    dz2, second_grads = linear.bwd(second, c3, dz3)
    dz1, _ = ACTIVATIONS[f].bwd((), c2, dz2)
    _, first_grads = linear.bwd(first, c1, dz1)
    return Problem(f, g, loss, reduction, first, second, x, y, z1, z2, z3, y_hat, J, dy_hat, (first_grads, second_grads))


def symbols_of(x: Tensor) -> sp.Matrix:
    """The numbers of one example as a column for sympy.

    >>> symbols_of(torch.tensor([[0.5, 2.0]])).T
    Matrix([[0.5, 2.0]])
    """
    return sp.Matrix([sp.Float(entry) for entry in x.flatten().tolist()])


def tensor_of(matrix: sp.Matrix) -> Tensor:
    """A matrix of numbers as float64.

    >>> tensor_of(sp.Matrix([[sp.Rational(1, 2), 2]])).tolist()
    [[0.5, 2.0]]
    """
    return torch.tensor([[float(entry) for entry in matrix.row(i)] for i in range(matrix.rows)], dtype=torch.float64)


def derivative(function: Callable[[sp.Matrix], sp.Matrix], x: Tensor) -> Tensor:
    """The Jacobian d function / dx, which sympy differentiates, at one example: (outputs, inputs).

    >>> derivative(lambda x: x.applyfunc(lambda entry: entry**2), torch.tensor([[1.0, 3.0]])).tolist()
    [[2.0, 0.0], [0.0, 6.0]]
    """
    inputs = sp.Matrix([sp.Symbol(f"x_{i}", real=True) for i in range(x.numel())])
    jacobian = function(inputs).jacobian(inputs)
    return tensor_of(jacobian.subs([*zip(inputs, symbols_of(x))]))


def verified(computed: Tensor, expected: Tensor, cotangent: float = 0.0) -> str:
    """The largest difference of the library's result from sympy's. Raises `ArithmeticError` where it is not rounding.

    cotangent: the size of the largest one on the way, whose rounding the result inherits; that of a saturated BCE is huge.

    >>> verified(torch.ones(2), torch.ones(2))
    '0.0e+00'
    """
    error = float((computed - expected).abs().max())
    if computed.shape != expected.shape or not error <= BOUND * (1 + float(expected.abs().max())) * (1 + cotangent):
        raise ArithmeticError(f"the library's {computed.tolist()} and sympy's {expected.tolist()} differ")
    return f"{error:.1e}"
