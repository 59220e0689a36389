"""The equations of the registry's activations, printed as they stand and computed from their text."""

from __future__ import annotations

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.registry.equations import Equation
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.theory.definitions import FUNCTIONS
from pure_mlp.theory.operations import softmax
from pure_mlp.theory.reading import value
from pure_mlp.theory.statements import sides


@attrs.frozen
class Equations(Equation):
    """An elementwise activation y = f(x) with what its formulas compute, on columns of K sympy expressions.

    Args:
        parameter: the name and value of a number in the formulas, `("b", 2)`.
    """

    parameter: tuple[str, sp.Expr] | None = None

    def fwd(self, x: sp.Matrix) -> sp.Matrix:
        """y (K, 1), by the formula of the value."""
        return x.applyfunc(lambda z: value(self.value, self._names(z)))

    def bwd(self, x: sp.Matrix, y: sp.Matrix, dy: sp.Matrix) -> sp.Matrix:
        """dx (K, 1) = dy f'(x), by the formula of the slope."""
        return sp.Matrix([g * self.slope_at(*at) for *at, g in zip(x, y, dy)])

    def slope_at(self, z: sp.Expr, y: sp.Expr) -> sp.Expr:
        """f'(z), where y = f(z)."""
        return value(sides(self.slope)[0], {**self._names(z), "f": lambda _: y})

    def of(self, argument: str) -> str:
        """The function of an argument, in LaTeX.

        >>> activation("identity").of("x"), activation("tanh").of("x")
        ('x', '\\\\operatorname{tanh}(x)')
        """
        return f"{self.call}({argument})" if self.call else argument

    def _names(self, z: sp.Expr) -> dict[str, object]:
        return {**FUNCTIONS, "z": z, **dict([self.parameter] if self.parameter else [])}


@attrs.frozen
class Softmax(Equations):
    """Softmax, whose element k depends on the whole of z; `slope` is entry (i, j) of the Jacobian in its output s."""

    def fwd(self, x: sp.Matrix) -> sp.Matrix:
        """y (K, 1)."""
        return softmax(x)

    def bwd(self, x: sp.Matrix, y: sp.Matrix, dy: sp.Matrix) -> sp.Matrix:
        """dx (K, 1), the transposed Jacobian applied to dy."""
        K = len(y)
        return sp.Matrix(K, K, lambda i, j: value(self.slope, {"s": y, "i": int(i) + 1, "j": int(j) + 1})).T * dy


def activation(name: str, parameter: tuple[str, sp.Expr] | None = None) -> Equations:
    """The equations of one of the library's activations, by default with the numbers that the library gives it.

    Raises `ValueError` for a name that has none.

    >>> activation("sigmoid").value
    '\\\\frac{1}{1 + e^{-z}}'
    >>> activation("leaky_relu", ("a", sp.Rational(1, 10))).fwd(sp.Matrix([-10, 2])).T
    Matrix([[-1, 2]])
    """
    if name not in ACTIVATIONS or (equation := LAYER_ROWS[name].equation) is None:
        raise ValueError(f"activation {name!r}, expected one of {', '.join(ACTIVATIONS)}")
    said = equation() if parameter is None else equation(parameter[0])
    kind = Equations if said.elementwise else Softmax
    return kind(**attrs.asdict(said), parameter=parameter)
