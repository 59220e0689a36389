"""The theory in its four forms, its figures and its command."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from shutil import which
from unittest.mock import patch

import pytest
from theory_documents import formulas, panels, plain, tables, whole

from pure_mlp.theory.commands import add_parser
from pure_mlp.theory.document import (
    Curve,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    numbered,
)
from pure_mlp.theory.files import write
from pure_mlp.theory.formula import parse
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.formula_typst import typst_math
from pure_mlp.theory.plotting import draw
from pure_mlp.theory.write_latex import to_latex
from pure_mlp.theory.write_markdown import to_markdown
from pure_mlp.theory.write_text import to_text


@pytest.fixture(scope="module")
def document() -> Document:
    return whole()


@pytest.fixture(scope="module")
def text() -> str:
    return plain()


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
    pytest.importorskip("matplotlib", reason="the extra [theory] draws the figures")
    assert b"<svg" in draw(figures[0], "svg")


@pytest.mark.parametrize(("f", "g", "loss"), [("relu", "identity", "mse"), ("gelu", "identity", "cross_entropy")])
def test_pdf(f: str, g: str, loss: str, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="the extra [theory] typesets PDF")
    pytest.importorskip("matplotlib", reason="the extra [theory] draws the figures")
    (written,) = write(tables(f, g, loss), tmp_path / "theory.pdf")
    assert written.read_bytes().startswith(b"%PDF")


ORDER = [
    ("1.4(d) The derivatives", "Figure 3:", "Figure 4:"),
    ("Linear and nonlinear transformations", "Figure 5:", "Figure 6:"),
    ("Learning rate and batch size", "Figure 7:"),
]
"""No figure floats above the heading that it belongs to."""


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
    if which("pdftotext"):
        read = subprocess.run(["pdftotext", "handout.pdf", "-"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        places = {name: read.index(name) for part in ORDER for name in part}
        assert all(places[heading] < places[figure] for heading, *figures in ORDER for figure in figures)


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["theory", "--f", "sigmoid", "--g", "sigmoid", "--loss", "bce", "--seed", "3"])
    with patch("pure_mlp.theory.theory.concepts", return_value=()):
        assert args.run(args) == 0
    assert "1.3(c)" in capsys.readouterr().out
    args = parser.parse_args(["theory", "-o", str(tmp_path / "theory.doc")])
    with pytest.raises(ValueError, match="ends in"):
        args.run(args)


def test_the_command_writes_the_whole_handout_and_refuses_a_net_beside_it(document: Document, tmp_path: Path) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["theory", "--handout", "-o", str(tmp_path / "theory.txt")])
    with patch("pure_mlp.theory.handout.handout", side_effect=[document]) as made:
        assert args.run(args) == 0
    made.assert_called_once_with(0)
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
