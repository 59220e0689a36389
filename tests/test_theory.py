"""The theory: its tables for every f, g and loss, its measurements, and its four forms."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from shutil import which
from unittest.mock import patch

import pytest
import torch

import pure_mlp as pm
from pure_mlp import Layer, linear_bottom, linear_init, mse, sgd, training_step
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory import batches, derivation, forward_table, gradient_table, jacobians
from pure_mlp.theory.changes import changes
from pure_mlp.theory.commands import add_parser
from pure_mlp.theory.document import (
    Chain,
    Curve,
    Document,
    Equation,
    Figure,
    Heading,
    Label,
    Note,
    Panel,
    Paragraph,
    Table,
    numbered,
)
from pure_mlp.theory.files import write
from pure_mlp.theory.five_steps import STEPS
from pure_mlp.theory.formula import parse
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.handout import CASES, handout
from pure_mlp.theory.net import net
from pure_mlp.theory.plotting import draw
from pure_mlp.theory.problem import REDUCED, problem
from pure_mlp.theory.rates import BATCHES, best, carried, losses
from pure_mlp.theory.spans import SPAN
from pure_mlp.theory.tags import EMPTY
from pure_mlp.theory.transformations import rotation_scaling_rotation
from pure_mlp.theory.write_latex import to_latex
from pure_mlp.theory.write_markdown import to_markdown
from pure_mlp.theory.write_text import to_text
from pure_mlp.train.step import value_and_grad


@pytest.fixture(scope="module")
def document() -> Document:
    return handout(0)


@pytest.fixture(scope="module")
def text(document: Document) -> str:
    return " ".join(to_text(document).replace("\n! ", "\n").split())


def tables(f: str, g: str, loss: str) -> Document:
    p = problem(f, g, loss, 1)
    return (
        *net(p),
        *forward_table.forward_table(p),
        *gradient_table.gradient_table(p),
        *derivation.derivation(p),
        *gradient_table.numbers(p),
        *jacobians.jacobians(p),
    )


def formulas(document: Document) -> list[str]:
    out = []
    for block in document:
        if isinstance(block, Equation):
            out.append(block.latex)
        texts = block.rows if isinstance(block, Table) else ()
        plain = (block.text,) if isinstance(block, (Heading, Paragraph, Note)) else ()
        out += [span[1] for text in (*plain, *(cell for row in texts for cell in row)) for span in SPAN.finditer(text) if span[1]]
    return out


def notes(document: Document, label: Label) -> str:
    return " ".join(block.text for block in document if isinstance(block, Note) and block.label == label)


def panels(document: Document) -> list[Panel]:
    shown = [panel for block in document if isinstance(block, Figure) for panel in block.panels]
    return [panel for panel in shown if isinstance(panel, Panel)]


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
    for name, cotangent in {"ŷ": p.dy_hat, "z_3": p.dz3, "z_2": p.dz2, "z_1": p.dz1, "x": p.dx}.items():
        numbers = ", ".join("0" if entry == 0 else f"{entry:.4f}" for entry in cotangent.flatten().tolist())
        assert re.search(rf"∂\N{SCRIPT SMALL L}/∂{name} = .*= \[{re.escape(numbers)}\]", text), name


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


def test_figures_are_numbered_and_referred_to(document: Document, text: str) -> None:
    names = [block.name for block in document if isinstance(block, Figure)]
    for number in range(1, len(names) + 1):
        assert len(re.findall(rf"Figure {number}\b", text)) >= 2
    with pytest.raises(ValueError, match="references to"):
        numbered((Figure("a", "", (), 1, 1.0),))
    with pytest.raises(ValueError, match="references to"):
        numbered((Paragraph("[figure a]"),))


def test_axes_are_labelled(document: Document) -> None:
    assert all(panel.x_label and panel.y_label for panel in panels(document))


def test_a_jump_is_not_drawn_as_a_line(document: Document) -> None:
    (asked,) = (block for block in document if isinstance(block, Figure) and block.name == "asked")
    for panel in panels((asked,)):
        for curve in panel.curves:
            steps = zip(curve.x, curve.x[1:], curve.y, curve.y[1:])
            assert all(abs(y1 - y0) <= 2 * (x1 - x0) + 1e-5 for x0, x1, y0, y1 in steps)
    dots: list[Curve] = [curve for curve in panels((asked,))[0].curves if len(curve.x) == 1]
    assert {(curve.y[0], curve.filled) for curve in dots} == {(0.0, True), (1.0, False)}


def test_the_weights_share_in_vanishing(text: str) -> None:
    sigmoid, relu = (re.search(rf"{name} (0\.\d\d) (\d\.\d\d) (\d\.\d\d)", text) for name in ("sigmoid", "ReLU"))
    assert sigmoid
    assert relu
    assert float(sigmoid[1]) < 0.25
    assert float(sigmoid[2]) == pytest.approx(1, abs=0.1)
    assert float(relu[1]) == pytest.approx(0.5**0.5, abs=0.05)
    assert float(relu[2]) == pytest.approx(2**0.5, abs=0.1)


def test_the_rate_follows_the_batch() -> None:
    small, large = carried(BATCHES[0], 0), carried(BATCHES[-1], 0)
    assert large[1] == pytest.approx(small[1], rel=0.02)
    assert large[2] == pytest.approx(small[2], rel=0.02)
    assert min(large[0], large[3]) > small[0] + 0.1
    by_sum = losses("sum", 0)
    assert best("sum", by_sum[BATCHES[-1]]) < best("sum", by_sum[BATCHES[0]])


@pytest.mark.parametrize("seed", range(8))
def test_any_matrix_is_rotation_scaling_rotation(seed: int) -> None:
    w = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    U, S, V_T = rotation_scaling_rotation(w)
    torch.testing.assert_close(U @ S @ V_T, w, rtol=0, atol=1e-14)
    for rotation in (U, V_T):
        torch.testing.assert_close(rotation @ rotation.t(), torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-14)
        assert torch.linalg.det(rotation).item() == pytest.approx(1)


def test_every_formula_can_be_written(document: Document) -> None:
    for latex in formulas(document):
        assert text_math(latex)
        assert typst_math(latex)


@pytest.mark.parametrize("latex", [r"\nonsense", r"{x", r"\frac{1}", r"\begin{matrix} 1"])
def test_a_formula_that_cannot_be_read_is_refused(latex: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        parse(latex)


def test_text_and_markdown_hold_every_heading(document: Document) -> None:
    text, markdown = to_text(document), to_markdown(document, "theory-")
    for heading in (block.text for block in document if isinstance(block, Heading)):
        assert heading in text
        assert heading in markdown
    assert "$" not in text
    assert "Figures are left out" in text
    assert all(f"theory-{block.name}.svg" in markdown for block in document if isinstance(block, Figure))


def test_tables_are_as_wide_as_their_headers(document: Document) -> None:
    assert all({len(row) for row in block.rows} == {len(block.header)} for block in document if isinstance(block, Table))


def test_latex_is_balanced(document: Document) -> None:
    source = to_latex(document, "theory-")
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", source):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    assert source.count("{") - source.count(r"\{") == source.count("}") - source.count(r"\}")
    assert len(re.findall(r"\\left(?![a-z])", source)) == len(re.findall(r"\\right(?![a-z])", source))
    assert source.isascii()


def test_without_the_extra_text_and_markdown_are_written_and_pdf_is_refused(document: Document, tmp_path: Path) -> None:
    with patch("pure_mlp.theory.files.has", return_value=False):
        assert write(document, tmp_path / "theory.txt") == (tmp_path / "theory.txt",)
        assert write(document, tmp_path / "theory.md") == (tmp_path / "theory.md",)
        with pytest.raises(ValueError, match=r"typst and matplotlib: pip install 'pure-mlp\[theory\]'"):
            write(document, tmp_path / "theory.pdf")
    assert "matplotlib is not installed" in (tmp_path / "theory.md").read_text(encoding="utf-8")


def test_figures_are_grey_and_their_curves_differ_in_style(document: Document) -> None:
    figures = [block for block in document if isinstance(block, Figure)]
    for panel in panels(document):
        labelled = [curve for curve in panel.curves if curve.label]
        assert len({curve.style for curve in labelled}) == len(labelled)
    assert b"<svg" in draw(figures[0], "svg")


@pytest.mark.parametrize(("f", "g", "loss"), [("relu", "identity", "mse"), ("gelu", "identity", "cross_entropy")])
def test_pdf(f: str, g: str, loss: str, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="the extra [theory] typesets PDF")
    pytest.importorskip("matplotlib", reason="the extra [theory] draws the figures")
    (written,) = write(tables(f, g, loss), tmp_path / "theory.pdf")
    assert written.read_bytes().startswith(b"%PDF")


def test_latex_compiles_without_overfull_lines(document: Document, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra [theory] draws the figures")
    if which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    wide = (*tables("softmax", "softmax", "mse"), *tables("gelu_tanh", "gelu_tanh", "mse"))
    for name, shown in {"handout": document, "wide": wide}.items():
        write(shown, tmp_path / f"{name}.tex")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout, name


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["theory", "--f", "sigmoid", "--g", "sigmoid", "--loss", "bce", "--seed", "3"])
    assert args.run(args) == 0
    assert "1.4(f)" in capsys.readouterr().out
    args = parser.parse_args(["theory", "-o", str(tmp_path / "theory.doc")])
    with pytest.raises(ValueError, match="ends in"):
        args.run(args)


def test_the_command_writes_the_whole_handout_and_refuses_a_net_beside_it(tmp_path: Path) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["theory", "--handout", "-o", str(tmp_path / "theory.txt")])
    assert args.run(args) == 0
    written = (tmp_path / "theory.txt").read_text(encoding="utf-8")
    for part in ("1.1", "1.2(a)", "1.2(b)", "1.2(c)", "1.2(d)", "1.3(a)", "1.3(b)", "1.3(c)", *(f"1.4({c})" for c in "abcdef")):
        assert f"\n{part} " in written, part
    args = parser.parse_args(["theory", "--handout", "--g", "sigmoid"])
    with pytest.raises(ValueError, match="leave out --g"):
        args.run(args)


def test_the_command_line_starts_without_sympy() -> None:
    code = (
        "import sys, pure_mlp.theory.commands; sys.exit('pure_mlp.theory.symbolic' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
