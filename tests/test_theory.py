"""The theory: its tables for every f, g and loss, its measurements, and its four forms."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from pure_mlp import Layer
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.theory import forward_table, gradient_table, jacobians
from pure_mlp.theory.commands import add_parser
from pure_mlp.theory.document import Document, Equation, Figure, Heading, Note, Paragraph, Table
from pure_mlp.theory.files import write
from pure_mlp.theory.five_steps import source_lines
from pure_mlp.theory.formula import parse
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.plotting import draw
from pure_mlp.theory.problem import REDUCED, problem, verified
from pure_mlp.theory.rates import BATCHES, best, carried, losses
from pure_mlp.theory.spans import SPAN
from pure_mlp.theory.theory import theory
from pure_mlp.theory.transformations import rotation_scaling_rotation
from pure_mlp.theory.write_latex import to_latex
from pure_mlp.theory.write_markdown import to_markdown
from pure_mlp.theory.write_text import to_text


@pytest.fixture(scope="module")
def document() -> Document:
    return theory("relu", "identity", "mse", 0)


def tables(f: str, g: str, loss: str) -> Document:
    p = problem(f, g, loss, 1)
    return (*forward_table.forward_table(p), *gradient_table.gradient_table(p), *jacobians.jacobians(p))


def formulas(document: Document) -> list[str]:
    out = []
    for block in document:
        if isinstance(block, Equation):
            out.append(block.latex)
        texts = block.rows if isinstance(block, Table) else ()
        plain = (block.text,) if isinstance(block, (Heading, Paragraph, Note)) else ()
        out += [span[1] for text in (*plain, *(cell for row in texts for cell in row)) for span in SPAN.finditer(text) if span[1]]
    return out


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("place", ["f", "g"])
def test_every_activation_passes_its_own_check_and_can_be_written(name: str, place: str) -> None:
    for latex in formulas(tables(name, "sigmoid", "bce") if place == "f" else tables("relu", name, "cross_entropy")):
        assert text_math(latex)
        assert typst_math(latex)


@pytest.mark.parametrize("loss", REDUCED)
def test_every_loss_passes_its_own_check(loss: str) -> None:
    assert [len(block.rows) for block in tables("tanh", "softmax", loss) if isinstance(block, Table)] == [5, 4, 3]


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
@pytest.mark.parametrize("loss", REDUCED)
def test_every_reduction_passes_its_own_check(loss: str, reduction: str) -> None:
    p = problem("sigmoid", "sigmoid", loss, 2, reduction)  # type: ignore[arg-type]  # pytest's parameters are plain strings
    assert len(forward_table.errors(p)) == 5
    verified(p.grads[0].weight, gradient_table.by_formula(p)[0])


def test_a_saturated_prediction_is_no_mistake() -> None:
    p = problem("silu", "softmax", "bce", 956)
    assert p.dy_hat.abs().max() > 1e3
    assert len(gradient_table.gradient_table(p)) > 4


def test_a_wrong_backward_is_refused() -> None:
    right = ACTIVATIONS["sigmoid"]
    wrong = Layer(right.fwd, lambda params, cache, dy: (1.0001 * right.bwd(params, cache, dy)[0], ()))
    with patch.dict(ACTIVATIONS, sigmoid=wrong), pytest.raises(ArithmeticError, match="differ"):
        tables("sigmoid", "identity", "mse")


def test_a_wrong_forward_is_refused() -> None:
    wrong = Layer(lambda params, x: (torch.tanh(1.0001 * x), x), ACTIVATIONS["gelu"].bwd)
    with patch.dict(ACTIVATIONS, gelu=wrong), pytest.raises(ArithmeticError, match="differ"):
        tables("gelu", "identity", "mse")


@pytest.mark.parametrize(("f", "g", "loss", "words"), [("relu", "identity", "bce", "probabilities"), ("no", "relu", "mse", "'no'")])
def test_what_cannot_be_computed_is_refused_by_name(f: str, g: str, loss: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        problem(f, g, loss, 0)


def test_the_mistakes_of_the_handout_stand_where_they_are_met(document: Document) -> None:
    classes = tables("sigmoid", "sigmoid", "bce")
    notes = " ".join(block.text for block in (*document, *classes) if isinstance(block, Note))
    told: tuple[str, ...] = (
        "(16)",
        "denominator layout",
        "does not know the label",
        "squared norm",
        r"\(17\)",
        r"\(20\)",
        r"\(27\)",
    )
    told += (r"\(24\)", r"\(26\)", "exp of a large logit", "Merging is exact", "four graphs are missing", "zooming", "larger batch")
    for words in told:
        assert re.search(words, notes), words


def test_the_five_lines_are_those_of_the_source() -> None:
    code = [line for line, _, _ in source_lines()]
    assert ["net.fwd" in code[0], "loss(y" in code[1], "net.bwd" in code[3], "update" in code[4]] == [True] * 4


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
    for panel in (panel for figure in figures for panel in figure.panels):
        labelled = [curve for curve in panel.curves if curve.label]
        assert len({curve.style for curve in labelled}) == len(labelled)
    assert b"<svg" in draw(figures[0], "svg")


@pytest.mark.parametrize(("f", "g", "loss"), [("relu", "identity", "mse"), ("gelu", "softmax", "cross_entropy")])
def test_pdf(f: str, g: str, loss: str, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="the extra [theory] typesets PDF")
    pytest.importorskip("matplotlib", reason="the extra [theory] draws the figures")
    (written,) = write(tables(f, g, loss), tmp_path / "theory.pdf")
    assert written.read_bytes().startswith(b"%PDF")


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["theory", "--f", "sigmoid", "--g", "sigmoid", "--loss", "bce", "--seed", "3"])
    assert args.run(args) == 0
    assert "1.4(f)" in capsys.readouterr().out
    args = parser.parse_args(["theory", "-o", str(tmp_path / "theory.doc")])
    with pytest.raises(ValueError, match="ends in"):
        args.run(args)


def test_the_command_line_starts_without_sympy() -> None:
    import subprocess

    code = (
        "import sys, pure_mlp.theory.commands; sys.exit('pure_mlp.theory.symbolic' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
