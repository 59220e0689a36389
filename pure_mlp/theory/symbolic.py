"""The equations of every activation: one formula each for value and slope, printed as it stands and computed from its text."""

from __future__ import annotations

from math import inf

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory.definitions import FUNCTIONS
from pure_mlp.theory.operations import softmax
from pure_mlp.theory.reading import value
from pure_mlp.theory.statements import sides


@attrs.frozen
class Equations:
    """An elementwise activation y = f(x): its formulas in LaTeX, and what they compute on columns of K sympy expressions.

    Args:
        call: the name of the function in LaTeX, "" for the identity.
        value: f(z).
        slope: f'(z), which may use f(z); all sides of its equals signs are printed.
        low: what f(z) stays above.
        high: what f(z) stays below.
        by_output: f'(z) written in y = f(z), "" where y does not determine it.
        parameter: the name and value of a number in the formulas, `("b", 2)`.
    """

    call: str
    value: str
    slope: str
    low: float = -inf
    high: float = inf
    by_output: str = ""
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


def leaky_relu(a: sp.Expr, *, latex: str = "a") -> Equations:
    """y = x where x > 0, else a x.

    >>> leaky_relu(sp.Rational(1, 10)).fwd(sp.Matrix([-10, 2])).T
    Matrix([[-1, 2]])
    """
    return Equations(
        r"\operatorname{LeakyReLU}",
        rf"\begin{{cases}} z & \text{{where }} z > 0 \\ {latex} z & \text{{else}} \end{{cases}}",
        rf"\begin{{cases}} 1 & \text{{where }} z > 0 \\ {latex} & \text{{else}} \end{{cases}}",
        parameter=(latex, a),
    )


def softplus(b: sp.Expr, *, latex: str = "b") -> Equations:
    """y = log(1 + exp(b x)) / b; latex is "" for b = 1.

    >>> softplus(sp.Integer(1)).fwd(sp.Matrix([0]))
    Matrix([[log(2)]])
    """
    by, over = (f"{latex} ", f" / {latex}") if latex else ("", "")
    return Equations(
        r"\operatorname{Softplus}",
        rf"\log(1 + e^{{{by}z}}){over}",
        rf"1 - e^{{-{by}f(z)}} = \sigma({by}z)",
        low=0,
        by_output=f"1 - e^{{-{by}y}}",
        parameter=(latex, b),
    )


GELU_LOW, SILU_LOW = -0.16997120747990369, -0.27846454276107374
"""The least values of the two, near z = -0.75 and z = -1.28."""

EQUATIONS: dict[str, Equations] = {
    "relu": Equations(
        r"\operatorname{ReLU}",
        r"\max(0, z)",
        r"\begin{cases} 1 & \text{where } z > 0 \\ 0 & \text{else} \end{cases}",
        low=0,
        by_output=r"\mathbf{1}_{y > 0}",
    ),
    "sigmoid": Equations(r"\sigma", r"\frac{1}{1 + e^{-z}}", r"f(z) (1 - f(z))", 0, 1, "y (1 - y)"),
    "identity": Equations("", "z", "1", by_output="1"),
    "tanh": Equations(r"\operatorname{tanh}", r"\tanh(z)", r"1 - f(z)^2 = 1 - \tanh(z)^2", -1, 1, "1 - y^2"),
    "leaky_relu": leaky_relu(sp.Rational("0.01"), latex="0.01"),
    "softplus": softplus(sp.Integer(1), latex=""),
    "gelu": Equations(r"\operatorname{GELU}", r"z \Phi(z)", r"\Phi(z) + z \varphi(z)", GELU_LOW),
    "gelu_tanh": Equations(
        r"\operatorname{GELU}_{\tanh}",
        r"\frac{z}{2} (1 + \tanh(u(z)))",
        r"\frac{1}{2} (1 + \tanh(u(z))) + \frac{z}{2} (1 - \tanh(u(z))^2) v(z)",
        GELU_LOW - 1e-3,
    ),
    "silu": Equations(r"\operatorname{SiLU}", r"z \sigma(z)", r"\sigma(z) (1 + z (1 - \sigma(z)))", SILU_LOW),
    "softmax": Softmax(r"\operatorname{softmax}", r"\frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}", r"s_i (\delta_{ij} - s_j)", 0, 1),
}
"""One entry for each of the library's activations, with the numbers that its table gives them."""


def activation(name: str) -> Equations:
    """The equations of one of the library's activations. Raises `ValueError` for another name.

    >>> activation("sigmoid").value
    '\\\\frac{1}{1 + e^{-z}}'
    """
    if name not in ACTIVATIONS or name not in EQUATIONS:
        raise ValueError(f"activation {name!r}, expected one of {', '.join(ACTIVATIONS)}")
    return EQUATIONS[name]
