"""The theory: its tables for every f, g and loss, and what it says of the handout."""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from theory_documents import formulas, notes, plain, tables, whole

import pure_mlp as pm
from pure_mlp import Layer, linear_bottom, linear_init, mse, sgd, training_step
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory import batches, derivation, forward_table, gradient_table, jacobians
from pure_mlp.theory.changes import changes
from pure_mlp.theory.document import (
    Chain,
    Document,
    Equation,
    Figure,
    Label,
    Table,
)
from pure_mlp.theory.five_steps import STEPS
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.handout import CASES
from pure_mlp.theory.problem import REDUCED, problem
from pure_mlp.theory.tags import EMPTY
from pure_mlp.train.step import value_and_grad


@pytest.fixture(scope="module")
def document() -> Document:
    return whole()


@pytest.fixture(scope="module")
def text() -> str:
    return plain()


def test_the_chain_shows_every_value_and_every_cotangent(document: Document) -> None:
    p = problem(*CASES["1.2"], 0)
    (drawn,) = (panel for block in document if isinstance(block, Figure) for panel in block.panels if isinstance(panel, Chain))
    assert [len(edge.values) for edge in drawn.edges] == [2, 3, 3, 2, 2, 1]
    assert [float(entry) for entry in drawn.edges[3].cotangents] == pytest.approx(p.dz3.flatten().tolist(), abs=5e-5)
    assert drawn.edges[-1].cotangents == ("1",)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("place", ["f", "g"])
def test_every_activation_passes_its_own_check_and_can_be_written(name: str, place: str) -> None:
    for latex in formulas(tables(name, "sigmoid", "bce") if place == "f" else tables("relu", name, "mse")):
        assert text_math(latex)
        assert typst_math(latex)


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
@pytest.mark.parametrize("loss", REDUCED)
def test_every_loss_and_reduction_passes_its_own_check(loss: str, reduction: str) -> None:
    g = "sigmoid" if loss == "bce" else "identity"
    p = problem("sigmoid", g, loss, 2, reduction)  # type: ignore[arg-type]  # pytest's parameters are plain strings
    parts = (*forward_table.forward_table(p), *derivation.derivation(p), *jacobians.jacobians(p))
    assert len([block for block in parts if isinstance(block, Equation)]) > 15


def test_a_saturated_prediction_is_no_mistake() -> None:
    p = problem("silu", "softmax", "bce", 956)
    assert p.dy_hat.abs().max() > 1e3
    assert len(gradient_table.gradient_table(p)) > 4


def test_a_wrong_backward_is_refused() -> None:
    right = ACTIVATIONS["sigmoid"]
    wrong = Layer(right.fwd, lambda params, cache, dy: (1.0001 * right.bwd(params, cache, dy)[0], ()))
    with patch.dict(ACTIVATIONS, sigmoid=wrong), pytest.raises(ArithmeticError, match=r"does not hold|differ"):
        tables("sigmoid", "identity", "mse")


def test_a_wrong_forward_is_refused() -> None:
    wrong = Layer(lambda params, x: (torch.tanh(1.0001 * x), x), ACTIVATIONS["gelu"].bwd)
    with patch.dict(ACTIVATIONS, gelu=wrong), pytest.raises(ArithmeticError, match=r"does not hold|differ"):
        tables("gelu", "identity", "mse")


@pytest.mark.parametrize(("f", "g", "loss", "words"), [("relu", "identity", "bce", "probabilities"), ("no", "relu", "mse", "'no'")])
def test_what_cannot_be_computed_is_refused_by_name(f: str, g: str, loss: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        problem(f, g, loss, 0)


def test_every_number_of_the_handout_stands_beside_an_equation(document: Document, text: str) -> None:
    tags = {int(tag) for block in document if isinstance(block, Equation) and block.tag for tag in block.tag.split(", ")}
    assert tags == {*range(1, 28)} - {int(number) for number in EMPTY}
    assert "(10) and (15) stand beside nothing" in text


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (Label.MISTAKE, r"\(4\) the label ends in \$y_n\$"),
        (Label.MISTAKE, r"where the input is \$\\mathbf\{z\}_2\$"),
        (Label.MISTAKE, r"\(16\) is right"),
        (Label.MISTAKE, r"\(6\), \(7\) and \(13\) mix both"),
        (Label.MISTAKE, r"Meant is"),
        (Label.MISTAKE, r"\(17\) is laid out .* denominator layout, and so is \(19\).*\$K \+ 1\$ entries"),
        (Label.MISTAKE, r"\(20\) is laid out in denominator layout"),
        (Label.MISTAKE, r"In \(27\) the index runs to \$K\$"),
        (Label.MISTAKE, r"multi-label"),
        (Label.MISTAKE, r"does not know the label"),
        (Label.MISTAKE, r"exp of a large logit"),
        (Label.MISTAKE, r"larger batch with a smaller rate is wrong"),
        (Label.REMARK, r"\(17\) asks for \$z_2 > 0\$"),
        (Label.REMARK, r"Merging is exact"),
        (Label.REMARK, r"squared norm"),
        (Label.REMARK, r"four graphs are missing"),
        (Label.REMARK, r"lettered \(d\) and \(e\)"),
        (Label.FLOATING_POINT, r"\(24\) is right and divides by zero"),
        (Label.FLOATING_POINT, r"harm the loss where its logarithm is taken apart from softmax"),
    ],
)
def test_what_is_said_of_the_handout_has_the_right_label(document: Document, label: Label, words: str) -> None:
    assert re.search(words, notes(document, label))
    assert not any(re.search(words, notes(document, other)) for other in Label if other != label)


def test_both_ends_of_a_float32_sigmoid() -> None:
    said = notes(jacobians.bce_note(), Label.FLOATING_POINT)
    zero, one = re.findall(r"z = (-?\d+)\$", said)[::-1]
    assert 16 <= int(one) <= 18
    assert -105 <= int(zero) <= -88


def test_letters_are_defined_and_every_cotangent_has_its_value(document: Document, text: str) -> None:
    p = problem(*CASES["1.2"], 0)
    displayed = [text_math(block.latex) for block in document if isinstance(block, Equation)]
    first = next(i for i, latex in enumerate(displayed) if "z_3" in latex)
    assert displayed[first] == "z_1 = W^(1)x + b^(1), z_2 = f(z_1), z_3 = W^(2)z_2 + b^(2), ŷ = g(z_3)"
    loss = text_math(r"\ell")
    for name, cotangent in {"ŷ": p.dy_hat, "z_3": p.dz3, "z_2": p.dz2, "z_1": p.dz1, "x": p.dx}.items():
        numbers = ", ".join("0" if entry == 0 else f"{entry:.4f}" for entry in cotangent.flatten().tolist())
        assert re.search(rf"∂{loss}/∂{name} = .*= \[{re.escape(numbers)}\]", text), name


def test_the_table_of_changes_has_a_column_a_net(document: Document) -> None:
    formulas, numbers = (block for block in document if isinstance(block, Table) and block.header == ("", *CASES))
    assert [row[1:] for row in formulas.rows][2][1] == "same"
    assert len(numbers.rows) == 15
    assert formulas in changes({name: problem(*case, 0) for name, case in CASES.items()})


def test_the_lines_of_a_batch_compute_what_the_library_computes() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (linear_init(*sizes, generator, torch.float64) for sizes in ((4, 3), (3, 2)))
    x, y = (torch.randn(5, n, generator=generator, dtype=torch.float64) for n in (4, 2))
    local: dict[str, object] = {"x": x, "W1": first.weight, "b1": first.bias, "W2": second.weight, "b2": second.bias}
    local |= {"f": torch.tanh, "g": torch.sigmoid, "f_slope": lambda z: 1 - torch.tanh(z) ** 2}
    local |= {"g_slope": lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z))}
    for i, (_, code, shape) in enumerate(batches.ROWS):
        if i == 4:
            local["dy_hat"] = mse(y, local["y_hat"])[1]  # type: ignore[arg-type]  # what the lines made is a tensor
        exec(code, local)
        made = local[code.split(" = ")[0]]
        assert isinstance(made, torch.Tensor)
        assert made.shape == tuple({"N": 5, "n": 4, "L_1": 3, "K": 2}[size] for size in shape.split(", "))
    hidden, out = pm.dense(pm.tanh), pm.dense(pm.sigmoid)
    _, (grads1, grads2) = value_and_grad(pm.serial(hidden, out), mse)((first, second), x, y)
    for name, expected in {"dW1": grads1.weight, "db1": grads1.bias, "dW2": grads2.weight, "db2": grads2.bias}.items():
        torch.testing.assert_close(local[name], expected, rtol=1e-12, atol=1e-14)


def test_the_five_lines_take_the_step_of_the_library() -> None:
    params, optimizer = linear_init(3, 2, torch.Generator().manual_seed(0)), sgd(0.1)
    x, y, state = torch.ones(5, 3), torch.zeros(5, 2), sgd(0.1).init(params)
    local: dict[str, object] = {"net": linear_bottom, "loss": mse, "optimizer": optimizer, "params": params}
    local |= {"x": x, "y": y, "state": state}
    for step in STEPS:
        exec(step.pure, local)
    (expected, _), J = training_step(linear_bottom, mse, optimizer)((params, state), (x, y))
    assert torch.equal(local["params"].weight, expected.weight)  # type: ignore[attr-defined]  # params after the five lines
    assert local["J"] == J
    assert [step.torch for step in STEPS][2] == "optimizer.zero_grad()"


def test_theory_does_not_import_the_command_line() -> None:
    import pure_mlp.theory as room

    for file in Path(room.__path__[0]).glob("*.py"):
        assert "pure_mlp.cli" not in file.read_text(encoding="utf-8"), file.name
