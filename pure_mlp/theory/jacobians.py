"""Handout 1.2(d) and 1.3: the elements of dz2/dz1, dy_hat/dz3 and dl/dy_hat, with shapes, in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory.definitions import definitions
from pure_mlp.theory.derivation import slope_of_loss
from pure_mlp.theory.document import Block, Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.elements import elements, entry
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.forward_table import factor
from pure_mlp.theory.names import SAMPLES, by_library, names
from pure_mlp.theory.notation import ELL, Y_HAT, Y_HAT_K, Z1, Z2, Z3, matrix, partial
from pure_mlp.theory.problem import HIDDEN, N_OUT, Problem, symbols_of, tensor_of
from pure_mlp.theory.statements import checked
from pure_mlp.theory.symbolic import Equations, Softmax
from pure_mlp.theory.symbolic_losses import times
from pure_mlp.theory.tags import tag

BOUND, LONGEST = 1e-12, 90
NOTES: dict[tuple[str, str], tuple[Note, ...]] = {
    ("f", "relu"): (
        Note(
            Label.REMARK,
            r"(17) asks for $z_2 > 0$. That says the same as $z_1 > 0$, since $z_2 = \max(0, z_1)$; at $z_1 = 0$ the "
            r"derivative is "
            r"taken as 0.",
        ),
        Note(
            Label.MISTAKE,
            r"(17) is laid out with the derivatives of one output in a column, which is denominator layout, and so is (19), a "
            r"column where numerator layout has a row. (19) also counts the label from $y_0$ to $y_K$: those are $K "
            r"+ 1$ entries.",
        ),
    ),
    ("f", "sigmoid"): (
        Note(
            Label.MISTAKE,
            r"(20) is laid out in denominator layout, as (17). A diagonal matrix hides it. In (27) the index runs to "
            r"$K$; it is "
            r"$L_1$, the width of the hidden layer, as in (20) and (23).",
        ),
    ),
}
LAYOUT = Note(
    Label.REMARK,
    "A diagonal matrix is its own transpose, so that the layout does not show in its numbers; it does where the "
    "function is not "
    "elementwise, and in the order of the products.",
)


def jacobians(p: Problem, heading: str = "1.2(d), 1.3 The elements of the Jacobians") -> Document:
    """The three derivatives: what is printed, the library's `bwd` and sympy's derivative of the forward equation agree.

    >>> from pure_mlp.theory.problem import problem
    >>> jacobians(problem("relu", "identity", "mse", 0))[0].text
    '1.2(d), 1.3 The elements of the Jacobians'
    """
    dz2, dy_hat, dl = by_sympy(p)
    rows = (
        (partial(Z2, Z1), r"L_1 \times L_1", verified(by_library(ACTIVATIONS[p.f], p.z1), dz2)),
        (partial(Y_HAT, Z3), r"K \times K", verified(by_library(ACTIVATIONS[p.g], p.z3), dy_hat)),
        (partial(ELL, Y_HAT), r"1 \times K", verified(p.dy_hat, dl)),
    )
    return (
        Heading(2, heading),
        Table(("Derivative", "Shape", "Difference"), tuple((f"${name}$", f"${shape}$", error) for name, shape, error in rows)),
        Paragraph(
            "Difference: the largest one between the numbers of the library's `bwd`, and those of the forward "
            "equation as sympy "
            "differentiates it. Element by element:"
        ),
        *of_function(p, "f"),
        *NOTES.get(("f", p.f), ()),
        *of_function(p, "g"),
        *of_loss(p),
        *(bce_note() if p.loss.startswith("bce") else ()),
    )


def of_function(p: Problem, letter: str) -> tuple[Block, ...]:
    """The slope of f or g, one entry of its Jacobian, the whole of it, and its numbers."""
    of, by, z, y, name, equations, size, at = {
        "f": (Z2, Z1, "z_{1,%s}", "z_{2,%s}", p.f, p.f_equations, HIDDEN, p.z1),
        "g": (Y_HAT, Z3, "z_{3,%s}", r"\hat{y}_%s", p.g, p.g_equations, N_OUT, p.z3),
    }[letter]
    known = names(p)
    one = partial(y % "i", z % "j")
    of_one = rf"{one} = {entry(equations, letter, z, y, 'i', 'j')}"
    slope = "" if isinstance(equations, Softmax) else _slope(equations, letter)
    whole = elements(equations, letter, z, y, size)
    indices = range(1, size + 1)
    together = rf"{slope}, \quad {of_one}" if slope else of_one
    lines = (together,) if len(text_math(together)) <= LONGEST else (slope, of_one)
    return (
        Paragraph(f"${letter}$ = `{name}`:"),
        *(checked(line, known, i=indices, j=indices, z=SAMPLES) for line in lines),
        checked(f"{partial(of, by)} = {whole} = {matrix(by_library(ACTIVATIONS[name], at))}", known, tag(p, letter)),
    )


def _slope(equations: Equations, letter: str) -> str:
    return f"{letter}'(z) = {equations.slope.replace('f(z)', f'{letter}(z)')}{definitions(equations.slope)}"


def of_loss(p: Problem) -> tuple[Block, ...]:
    """The row of the loss, by element, whole, and in numbers."""
    known = names(p)
    element = times(factor(p), p.loss_equations.element_slope)
    return (
        Paragraph(f"The loss `{p.loss}`, a row:"),
        checked(f"{partial(ELL, Y_HAT_K)} = {element}{definitions(element)}", known, k=range(1, N_OUT + 1), z=SAMPLES),
        checked(f"{partial(ELL, Y_HAT)} = {slope_of_loss(p)} = {matrix(p.dy_hat)}", known, tag(p, "loss")),
    )


def bce_note() -> tuple[Block, ...]:
    """Where (24) fails in float32, measured on the library's sigmoid."""
    z = torch.arange(-120, 30, 0.01)
    y, _ = sigmoid.fwd((), z)
    zero, one = float(z[y == 0].max()), float(z[y == 1].min())
    return (
        Note(
            Label.FLOATING_POINT,
            r"(24) is right and divides by zero at $\hat{y} = 0$ and $\hat{y} = 1$. A float32 sigmoid is exactly 1 from about "
            rf"$z = {one:.0f}$ on, and exactly 0 only below about $z = {zero:.0f}$: near 1 the next float32 is "
            rf"$2^{{-24}}$ away, near "
            r"0 they are much closer. torch clamps each logarithm at $-100$ and the denominator at $10^{-12}$, and "
            r"so does `bce`; "
            r"better, `bce_with_logits` takes $\mathbf{z}_3$ and its gradient is (26), which divides by nothing.",
        ),
    )


def by_sympy(p: Problem) -> tuple[Tensor, Tensor, Tensor]:
    """dz2/dz1 (L1, L1), dy_hat/dz3 (K, K) and dl/dy_hat (1, K), differentiated from the forward equations.

    >>> from pure_mlp.theory.problem import problem
    >>> [tuple(J.shape) for J in by_sympy(problem("relu", "identity", "mse", 0))]
    [(3, 3), (2, 2), (1, 2)]
    """
    y = symbols_of(p.y)
    c = sp.Rational(1, N_OUT if p.mean else 1)
    loss = derivative(lambda y_hat: sp.Matrix([c * p.loss_equations.value(y, y_hat)]), p.y_hat)
    return derivative(p.f_equations.fwd, p.z1), derivative(p.g_equations.fwd, p.z3), loss


def derivative(function: Callable[[sp.Matrix], sp.Matrix], x: Tensor) -> Tensor:
    """The Jacobian d function / dx, which sympy differentiates, at one example: (outputs, inputs).

    >>> derivative(lambda x: x.applyfunc(lambda entry: entry**2), torch.tensor([[1.0, 3.0]])).tolist()
    [[2.0, 0.0], [0.0, 6.0]]
    """
    inputs = sp.Matrix([sp.Symbol(f"x_{i}", real=True) for i in range(x.numel())])
    jacobian = function(inputs).jacobian(inputs)
    return tensor_of(jacobian.subs([*zip(inputs, symbols_of(x))]))


def verified(computed: Tensor, expected: Tensor) -> str:
    """The largest difference of the library's result from sympy's. Raises `ArithmeticError` where it is not rounding.

    >>> verified(torch.ones(2), torch.ones(2))
    '0.0e+00'
    """
    error = float((computed - expected).abs().max())
    if computed.shape != expected.shape or not error <= BOUND * (1 + float(expected.abs().max())):
        raise ArithmeticError(f"the library's {computed.tolist()} and sympy's {expected.tolist()} differ")
    return f"{error:.1e}"
