"""The equations of every activation as sympy expressions: the forward and the backward one of its docstring."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.cli.functions import ACTIVATIONS

ZERO = sp.Integer(0)


@attrs.frozen(eq=False)
class Equations:
    """A layer without params for sympy: y = fwd(x), dx = bwd(x, y, dy), columns of K expressions each.

    `value` and `slope` are the docstring's equations in LaTeX, of z; `call` is the name of the function in LaTeX.
    """

    fwd: Callable[[sp.Matrix], sp.Matrix]
    bwd: Callable[[sp.Matrix, sp.Matrix, sp.Matrix], sp.Matrix]
    call: str
    value: str
    slope: str

    def of(self, argument: str) -> str:
        """The function of an argument, in LaTeX.

        >>> activation("identity").of("x"), activation("tanh").of("x")
        ('x', '\\\\operatorname{tanh}(x)')
        """
        return f"{self.call}({argument})" if self.call else argument


def elementwise(
    value: Callable[[sp.Expr], sp.Expr], back: Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr], *latex: str
) -> Equations:
    """Equations from the scalar functions y = value(x) and dx = back(x, y, dy), applied to every element.

    >>> elementwise(lambda x: x**2, lambda x, y, dy: 2 * x * dy, "q", "z^2", "2z").fwd(sp.Matrix([3]))
    Matrix([[9]])
    """
    return Equations(
        lambda x: x.applyfunc(value),
        lambda x, y, dy: sp.Matrix([back(*entries) for entries in zip(x, y, dy)]),
        *latex,
    )


def where(condition: sp.Basic, yes: sp.Expr, no: sp.Expr) -> sp.Expr:
    """yes where the condition holds, else no.

    >>> where(sp.Symbol("x", positive=True) > 0, sp.Integer(1), sp.Integer(0))
    1
    """
    return sp.Piecewise((yes, condition), (no, True))


def logistic(x: sp.Expr) -> sp.Expr:
    """1 / (1 + exp(-x)).

    >>> logistic(sp.Integer(0))
    1/2
    """
    return 1 / (1 + sp.exp(-x))


def leaky_relu(a: sp.Expr, *, latex: str = "a") -> Equations:
    """y = x where x > 0, else a x; dx = dy where y > 0, else a dy.

    >>> leaky_relu(sp.Rational(1, 10)).fwd(sp.Matrix([-10, 2])).T
    Matrix([[-1, 2]])
    """
    return elementwise(
        lambda x: where(x > 0, x, a * x),
        lambda x, y, dy: where(y > 0, dy, a * dy),
        r"\operatorname{LeakyReLU}",
        rf"\begin{{cases}} z & \text{{where }} z > 0 \\ {latex} z & \text{{else}} \end{{cases}}",
        rf"\begin{{cases}} 1 & \text{{where }} z > 0 \\ {latex} & \text{{else}} \end{{cases}}",
    )


def softplus(b: sp.Expr, *, latex: str = "b ") -> Equations:
    """y = log(1 + exp(b x)) / b; dx = dy (1 - exp(-b y)).

    >>> softplus(sp.Integer(1)).fwd(sp.Matrix([0]))
    Matrix([[log(2)]])
    """
    return elementwise(
        lambda x: sp.log(1 + sp.exp(b * x)) / b,
        lambda x, y, dy: dy * (1 - sp.exp(-b * y)),
        r"\operatorname{Softplus}",
        rf"\log(1 + e^{{{latex}z}})" + (rf" / {latex}" if latex else ""),
        rf"\sigma({latex}z) = 1 - e^{{-{latex}f(z)}}",
    )


def _cdf(x: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def _pdf(x: sp.Expr) -> sp.Expr:
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


def _gelu_tanh_bwd(x: sp.Expr, y: sp.Expr, dy: sp.Expr) -> sp.Expr:
    t = sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))
    slope = sp.sqrt(2 / sp.pi) * (1 + sp.Rational("0.134145") * x**2)
    return dy * ((1 + t) + x * (1 - t**2) * slope) / 2


def softmax_fwd(x: sp.Matrix, m: sp.Expr = ZERO) -> sp.Matrix:
    """y_k = exp(x_k - m) / sum_j exp(x_j - m), whose value no m changes: the library takes the maximum.

    >>> softmax_fwd(sp.Matrix([0, 0])).T
    Matrix([[1/2, 1/2]])
    """
    powers = x.applyfunc(lambda entry: sp.exp(entry - m))
    return powers / sum(powers)


def _softmax_bwd(x: sp.Matrix, y: sp.Matrix, dy: sp.Matrix) -> sp.Matrix:
    return sp.Matrix([y_k * (dy_k - dy.dot(y)) for y_k, dy_k in zip(y, dy)])


SIGMOID = r"\frac{1}{1 + e^{-z}}"
EQUATIONS: dict[str, Equations] = {
    "relu": elementwise(
        lambda x: where(x > 0, x, sp.Integer(0)),
        lambda x, y, dy: where(y > 0, dy, sp.Integer(0)),
        r"\operatorname{ReLU}",
        r"\max(0, z)",
        r"\begin{cases} 1 & \text{where } z > 0 \\ 0 & \text{else} \end{cases}",
    ),
    "sigmoid": elementwise(logistic, lambda x, y, dy: dy * (1 - y) * y, r"\sigma", SIGMOID, r"\sigma(z) (1 - \sigma(z))"),
    "identity": elementwise(lambda x: x, lambda x, y, dy: dy, "", "z", "1"),
    "tanh": elementwise(sp.tanh, lambda x, y, dy: dy * (1 - y**2), r"\operatorname{tanh}", r"\tanh(z)", r"1 - \tanh(z)^2"),
    "leaky_relu": leaky_relu(sp.Rational("0.01"), latex="0.01"),
    "softplus": softplus(sp.Integer(1), latex=""),
    "gelu": elementwise(
        lambda x: x * _cdf(x),
        lambda x, y, dy: dy * (_cdf(x) + x * _pdf(x)),
        r"\operatorname{GELU}",
        r"z \Phi(z), \quad \Phi(z) = \frac{1}{2} (1 + \operatorname{erf}(z / \sqrt{2}))",
        r"\Phi(z) + z \varphi(z), \quad \varphi(z) = \frac{1}{\sqrt{2 \pi}} e^{-z^2 / 2}",
    ),
    "gelu_tanh": elementwise(
        lambda x: x * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))) / 2,
        _gelu_tanh_bwd,
        r"\operatorname{GELU}_{\tanh}",
        r"\frac{z}{2} (1 + \tanh(u)), \quad u = \sqrt{2 / \pi} (z + 0.044715 z^3)",
        r"\frac{1}{2} ((1 + t) + z (1 - t^2) u'), \quad t = \tanh(u), \quad u' = \sqrt{2 / \pi} (1 + 0.134145 z^2)",
    ),
    "silu": elementwise(
        lambda x: x * logistic(x),
        lambda x, y, dy: dy * logistic(x) * (1 + x * (1 - logistic(x))),
        r"\operatorname{SiLU}",
        r"z \sigma(z)",
        r"\sigma(z) (1 + z (1 - \sigma(z)))",
    ),
    "softmax": Equations(
        softmax_fwd,
        _softmax_bwd,
        r"\operatorname{softmax}",
        r"\frac{e^{z_k - m}}{\sum_j e^{z_j - m}}, \quad m = \max_j z_j",
        r"y_k (\delta_{kj} - y_j)",
    ),
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
