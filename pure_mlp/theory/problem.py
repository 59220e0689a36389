"""One net, one example and one loss with given numbers: what the formulas are computed for and checked on."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Generator, Tensor

from pure_mlp.layers.inits import standard_normal
from pure_mlp.layers.linear import Linear, linear
from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.theory.sense import check_sense
from pure_mlp.theory.symbolic import Equations, activation
from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS, LossEquations

N_IN, HIDDEN, N_OUT = 2, 3, 2
REDUCED: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {name: LOSS_ROWS[name].loss for name in LOSS_EQUATIONS}


@attrs.frozen(eq=False)
class Numbers:
    """What is drawn: the params, x (1, n), and labels y (1, K) for regression and for classes."""

    first: Linear
    second: Linear
    x: Tensor
    real: Tensor
    one_hot: Tensor


@attrs.frozen(eq=False)
class Problem:
    """Linear_1 -> f -> Linear_2 -> g and the loss, by name, for one example in float64, as the library computes it.

    x (1, n), y (1, K); z1, z2 (1, L1), z3 and y_hat (1, K); dy_hat .. dx are the cotangents, of the shapes of y_hat .. x; grads
    those of the params.
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
    dz3: Tensor
    dz2: Tensor
    dz1: Tensor
    dx: Tensor
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
    def mean(self) -> bool:
        """Whether the loss of one example is a mean over its K elements, so that its factor is 1/K; else it is their sum."""
        return self.reduction == "mean" and not LOSS_ROWS[self.loss].rows


def draw(seed: int) -> Numbers:
    """The numbers of a seed.

    >>> draw(0).x.shape
    torch.Size([1, 2])
    """
    generator = Generator().manual_seed(seed)
    first = standard_normal(N_IN, HIDDEN, generator, torch.float64)
    second = standard_normal(HIDDEN, N_OUT, generator, torch.float64)
    x = torch.randn(1, N_IN, generator=generator, dtype=torch.float64)
    real = torch.randn(1, N_OUT, generator=generator, dtype=torch.float64)
    return Numbers(first, second, x, real, torch.eye(N_OUT, dtype=torch.float64)[real.argmax(1)])


def problem(f: str, g: str, loss: str, seed: int, reduction: Reduction = "mean") -> Problem:
    """Draw the numbers and run the library forward and backward once.

    Args:
        f: the activation after Linear_1, by name.
        g: the activation after Linear_2, by name.
        loss: by name.
        seed: of the drawn numbers.
        reduction: of the loss.

    Raises `ValueError` as `check_sense` does.

    >>> problem("relu", "identity", "mse", 0).y_hat.shape
    torch.Size([1, 2])
    """
    check_sense(f, g, loss)
    drawn = draw(seed)
    x, y = drawn.x, drawn.real if LOSS_EQUATIONS[loss].takes == "numbers" else drawn.one_hot
    z1, c1 = linear.fwd(drawn.first, x)
    z2, c2 = ACTIVATIONS[f].fwd((), z1)
    z3, c3 = linear.fwd(drawn.second, z2)
    y_hat, c4 = ACTIVATIONS[g].fwd((), z3)
    J, dy_hat = REDUCED[loss](y, y_hat, reduction)
    dz3, _ = ACTIVATIONS[g].bwd((), c4, dy_hat)
    dz2, second = linear.bwd(drawn.second, c3, dz3)
    dz1, _ = ACTIVATIONS[f].bwd((), c2, dz2)
    dx, first = linear.bwd(drawn.first, c1, dz1)
    values = (drawn.first, drawn.second, x, y, z1, z2, z3, y_hat, J, dy_hat, dz3, dz2, dz1, dx)
    return Problem(f, g, loss, reduction, *values, (first, second))


def symbols_of(x: Tensor) -> sp.Matrix:
    """The numbers of one example as a column for sympy.

    >>> symbols_of(torch.tensor([[0.5, 2.0]])).T
    Matrix([[0.5, 2.0]])
    """
    return sp.Matrix([sp.Float(entry) for entry in x.flatten().tolist()])


def matrix_of(x: Tensor) -> sp.Matrix:
    """The numbers of a matrix for sympy.

    >>> matrix_of(torch.tensor([[0.5, 2.0]]))
    Matrix([[0.5, 2.0]])
    """
    return sp.Matrix([[sp.Float(entry) for entry in row] for row in x.tolist()])


def tensor_of(matrix: sp.Matrix) -> Tensor:
    """A matrix of numbers as float64.

    >>> tensor_of(sp.Matrix([[sp.Rational(1, 2), 2]])).tolist()
    [[0.5, 2.0]]
    """
    return torch.tensor([[float(entry) for entry in matrix.row(i)] for i in range(matrix.rows)], dtype=torch.float64)
