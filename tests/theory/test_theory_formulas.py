"""What is printed is what is computed: LaTeX is read back, and so are the forms in plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
from theory_text import from_text

from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory import statements
from pure_mlp.theory.definitions import DEFINITIONS, FUNCTIONS
from pure_mlp.theory.document import Document, Equation
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.handout import CASES, handout
from pure_mlp.theory.jacobians import jacobians
from pure_mlp.theory.names import names
from pure_mlp.theory.problem import REDUCED, problem
from pure_mlp.theory.reading import value
from pure_mlp.theory.sense import check_sense
from pure_mlp.theory.statements import checked, difference
from pure_mlp.theory.symbolic import activation
from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS, times
from pure_mlp.theory.theory import theory

X = sp.Float(0.7)
REDUCTIONS = ("mean", "sum", "batchmean")


def sensible(g: str, loss: str) -> bool:
    try:
        check_sense("relu", g, loss)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("2 x + 1", 2.4),
        ("2 (x + 1)^2", 2 * 1.7**2),
        (r"\frac{1}{2} x - x", -0.35),
        ("x^2 / 2", 0.245),
        ("-x^2", -0.49),
        (r"\sqrt{x + 1}", 1.7**0.5),
        (r"\sum_{k=1}^{3} k x + 1", 6 * 0.7 + 1),
        (r"\sum_{k=1}^{3} (k + x)", 6 + 3 * 0.7),
        (r"\max(0, x)", 0.7),
        (r"\mathbf{1}_{x > 0}", 1.0),
        (r"e^{-x} e^{x}", 1.0),
        (r"\left\lVert \left[\begin{matrix}3 \\ 4\end{matrix}\right] \right\rVert^2", 25.0),
        (r"\delta_{1,2} + \delta_{2,2}", 1.0),
    ],
)
def test_formulas_are_read_as_mathematicians_read_them(latex: str, expected: float) -> None:
    assert float(value(latex, {"x": X})) == pytest.approx(expected)


@pytest.mark.parametrize("latex", ["y", "x / 2 x", "(x", "x)", "1 +", r"\sum_k x", "A A", "A + x", "x_1"])
def test_what_cannot_be_computed_is_refused(latex: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        value(latex, {"x": X, "A": sp.Matrix([1, 2])})


def test_a_wrong_equation_is_refused() -> None:
    assert checked(r"(x + 1)^2 = x^2 + 2 x + 1", {"x": X}).latex
    with pytest.raises(ArithmeticError, match="does not hold"):
        checked(r"(x + 1)^2 = x^2 + 2 x + 2", {"x": X})
    with pytest.raises(ArithmeticError, match="does not hold"):
        checked(r"x = 0.7000 = 0.7002", {"x": X})


def test_a_factor_before_a_sum_gets_parentheses() -> None:
    assert times(r"\frac{1}{K}", r"\sigma(\hat{y}_k) - y_k") == r"\frac{1}{K} \left(\sigma(\hat{y}_k) - y_k\right)"
    assert times(r"\frac{1}{K}", r"(a + b) c") == r"\frac{1}{K} (a + b) c"


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", REDUCED)
def test_the_printed_slope_of_a_loss_is_what_the_library_computes(loss: str, reduction: str) -> None:
    g = next(g for g in ("sigmoid", "identity") if sensible(g, loss))
    p = problem("tanh", g, loss, 5, reduction)  # type: ignore[arg-type]  # pytest's parameters are plain strings
    known = names(p)
    (printed,) = (b.latex for b in jacobians(p) if isinstance(b, Equation) and r"\hat{y}_k}" in b.latex and "ell" in b.latex)
    formula = printed.split(" = ", 1)[1].split(r", \quad")[0]
    for k in (1, 2):
        for written in (formula, from_text(text_math(formula))):
            assert float(value(written, {**known, "k": k})) == pytest.approx(p.dy_hat[0, k - 1].item(), rel=1e-12), written


def test_every_displayed_equation_of_the_handout_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def recorded(latex: str, tag: str) -> Equation:
        seen.append(latex)
        return Equation(latex, tag)

    monkeypatch.setattr(statements, "Equation", recorded)
    monkeypatch.setattr("pure_mlp.theory.handout.vanishing", lambda seed: ())  # measurements, without equations
    monkeypatch.setattr("pure_mlp.theory.theory.rates", lambda seed: ())
    shown = [block for block in handout(1) if isinstance(block, Equation)]
    assert len(shown) > 50
    assert {block.latex for block in shown} <= set(seen)


@pytest.mark.parametrize("case", CASES)
def test_every_displayed_equation_in_plain_text_still_holds(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pure_mlp.theory import derivation, forward_table, gradient_table, net

    again: list[str] = []

    def and_as_text(latex: str, known: Any, tag: str = "", **over: Any) -> Equation:
        written = from_text(text_math(latex))
        checked(written, known, **over)
        again.append(written)
        return checked(latex, known, tag, **over)

    parts: dict[Any, Callable[..., Document]] = {
        derivation: derivation.derivation,
        gradient_table: gradient_table.gradient_table,
        forward_table: forward_table.forward_table,
        net: net.net,
    }
    for module, function in parts.items():
        monkeypatch.setattr(module, "checked", and_as_text)
        function(problem(*CASES[case], 1))
    assert len(again) > 30


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_slope_in_plain_text_still_hold(name: str) -> None:
    equations = activation(name)
    if name == "softmax":
        known = {"z": sp.Matrix([X, 1, 2]), "K": 3, "k": 2}
        assert difference(value(from_text(text_math(equations.value)), known), value(equations.value, known)) < 1e-12
        return
    known = {**FUNCTIONS, "z": X, "f": lambda z: equations.fwd(sp.Matrix([z]))[0]}
    for latex in (equations.value, *equations.slope.split(" = ")):
        assert difference(value(from_text(text_math(latex)), known), value(latex, known)) < 1e-12, text_math(latex)


@pytest.mark.parametrize("letter", DEFINITIONS)
def test_definitions_in_plain_text_still_hold(letter: str) -> None:
    known = {"z": X, "π": sp.pi}
    latex = DEFINITIONS[letter]
    assert difference(value(from_text(text_math(latex)), known), value(latex, known)) < 1e-12


@pytest.mark.parametrize("loss", LOSS_EQUATIONS)
def test_losses_in_plain_text_still_hold(loss: str) -> None:
    equations = LOSS_EQUATIONS[loss]
    known = {**equations.names(sp.Matrix([0, 1]), sp.Matrix([0.25, 0.5])), "k": 2}
    for latex in (equations.element, equations.element_slope, equations.sum(r"\frac{1}{K}")):
        assert difference(value(from_text(text_math(latex)), known), value(latex, known)) < 1e-12, text_math(latex)


def test_typst_keeps_the_structure() -> None:
    latex = r"\frac{1}{K} \left(\sigma(\hat{y}_k) - y_k\right)^\top \left[\begin{matrix}a & b \\ c & d\end{matrix}\right]"
    typst = typst_math(latex)
    assert typst.startswith("frac(1, K) attach(lr(")
    assert "mat(delim: #none, a, b; c, d)" in typst
    calls = re.sub(r"\\[()]", "", typst)
    assert calls.count("(") == calls.count(")")


@pytest.mark.parametrize("g", ACTIVATIONS)
@pytest.mark.parametrize("loss", REDUCED)
def test_every_net_is_computed_or_refused_with_the_remedy(g: str, loss: str) -> None:
    if sensible(g, loss):
        assert problem("relu", g, loss, 3).g == g
    else:
        with pytest.raises(ValueError, match=r"; use (g = identity|sigmoid, softmax or bce_with_logits)$"):
            problem("relu", g, loss, 3)


def test_which_nets_make_sense() -> None:
    logits = {"identity", "leaky_relu"}
    expected = {name: {*ACTIVATIONS} for name in ("mse", "squared_norm", "huber")} | {"bce": {"sigmoid", "softmax"}}
    expected |= {"cross_entropy": logits, "bce_with_logits": logits}
    assert {loss: {g for g in ACTIVATIONS if sensible(g, loss)} for loss in REDUCED} == expected


@pytest.mark.parametrize(
    ("g", "loss", "words"),
    [
        ("softmax", "cross_entropy", "applies softmax itself"),
        ("sigmoid", "bce_with_logits", "applies sigmoid itself"),
        ("relu", "cross_entropy", "only those above 0"),
        ("tanh", "bce_with_logits", "only those between -1 and 1"),
    ],
)
def test_a_net_that_makes_no_sense_is_refused_in_words(g: str, loss: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        theory("relu", g, loss, 0)
