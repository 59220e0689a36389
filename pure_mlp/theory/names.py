"""What the letters of the document stand for: the numbers that the library computes for one problem."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.layer import Activation
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory.definitions import FUNCTIONS
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.indexing import Names
from pure_mlp.theory.notation import B1, B2, ELL, W1, W2, Y_HAT, Z1, Z2, Z3, X, Y, gradient, partial
from pure_mlp.theory.operations import softmax
from pure_mlp.theory.problem import HIDDEN, N_IN, N_OUT, Problem, matrix_of, symbols_of

SAMPLES = (sp.Float(-1.3), sp.Float(-0.4), sp.Float(0.7), sp.Float(2.1))
"""Where the equations of a scalar z are checked."""


def names(p: Problem) -> Names:
    """Vectors as columns; derivatives in numerator layout, so that that of the loss by a vector is a row.

    >>> from pure_mlp.theory.problem import problem
    >>> names(problem("relu", "identity", "mse", 0))["∂ℓ/∂z_3"].shape
    (1, 2)
    """
    vectors = {X: p.x, Y: p.y, Z1: p.z1, Z2: p.z2, Z3: p.z3, Y_HAT: p.y_hat}
    cotangents = {X: p.dx, Z1: p.dz1, Z2: p.dz2, Z3: p.dz3, Y_HAT: p.dy_hat}
    params = dict(zip((W1, B1, W2, B2), (p.first.weight, p.first.bias, p.second.weight, p.second.bias)))
    grads = dict(zip((W1, B1, W2, B2), (leaf for layer in p.grads for leaf in (layer.weight, layer.bias))))
    jacobians = {
        (Z1, X): p.first.weight,
        (Z2, Z1): by_library(ACTIVATIONS[p.f], p.z1),
        (Z3, Z2): p.second.weight,
        (Z3, B2): torch.eye(N_OUT, dtype=torch.float64),
        (Y_HAT, Z3): by_library(ACTIVATIONS[p.g], p.z3),
    }
    latex: dict[str, object] = {
        **{vector: symbols_of(number) for vector, number in vectors.items()},
        **{partial(ELL, vector): matrix_of(number) for vector, number in cotangents.items()},
        **{param: matrix_of(_column(number)) for param, number in params.items()},
        **{gradient(param): matrix_of(_column(number)) for param, number in grads.items()},
        **{partial(ELL, param): matrix_of(_column(number)).T for param, number in grads.items()},
        **{partial(of, by): matrix_of(number) for (of, by), number in jacobians.items()},
        ELL: sp.Float(p.J.item()),
    }
    return {
        **FUNCTIONS,
        **{text_math(letter): number for letter, number in latex.items()},
        **functions("f", ACTIVATIONS[p.f]),
        **functions("g", ACTIVATIONS[p.g]),
        **{"n": N_IN, "L_1": HIDDEN, "K": N_OUT, "I_K": sp.eye(N_OUT), "p": softmax(symbols_of(p.y_hat))},
    }


def functions(letter: str, layer: Activation) -> dict[str, Callable[[sp.Basic], sp.Basic]]:
    """The library's function and its slope at every element, under a letter and its prime.

    >>> functions("f", ACTIVATIONS["relu"])["f'"](sp.Float(2.0))
    1.00000000000000
    """

    def applied(function: Callable[[Tensor], Tensor], x: sp.Basic) -> sp.Basic:
        entries = [*x] if isinstance(x, sp.MatrixBase) else [x]
        column = symbols_of(function(torch.tensor([[float(entry) for entry in entries]], dtype=torch.float64)))
        return column if isinstance(x, sp.MatrixBase) else column[0]

    def slope(z: Tensor) -> Tensor:
        y, cache = layer.fwd((), z)
        return layer.bwd((), cache, torch.ones_like(y))[0]

    return {letter: lambda x: applied(lambda z: layer.fwd((), z)[0], x), f"{letter}'": lambda x: applied(slope, x)}


def by_library(layer: Activation, z: Tensor) -> Tensor:
    """dy/dz (K, K) of one example z (1, K): row i is the dx that `bwd` makes of the cotangent e_i.

    >>> by_library(ACTIVATIONS["relu"], torch.tensor([[-1.0, 2.0]])).tolist()
    [[0.0, 0.0], [0.0, 1.0]]
    """
    n = z.shape[1]
    _, cache = layer.fwd((), z.expand(n, n))
    return layer.bwd((), cache, torch.eye(n, dtype=z.dtype))[0]


def _column(param: Tensor) -> Tensor:
    return param if param.dim() == 2 else param.unsqueeze(1)
