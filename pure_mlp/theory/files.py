"""Writing a document to a file, in the form that the file's ending names."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pure_mlp.installed import has
from pure_mlp.theory.document import Document, Figure
from pure_mlp.theory.plotting import draw
from pure_mlp.theory.write_latex import to_latex
from pure_mlp.theory.write_markdown import to_markdown
from pure_mlp.theory.write_text import to_text
from pure_mlp.theory.write_typst import to_typst

ENDINGS = (".txt", ".md", ".tex", ".pdf")
INSTALL = "pip install 'pure-mlp[theory]'"


def write(document: Document, path: Path) -> tuple[Path, ...]:
    """Write it as .txt, .md, .tex or .pdf, and the figures of .md and .tex beside it; returns what was written.

    Without matplotlib .md and .tex have no figures and say so. Raises `ValueError` for another ending, or for .pdf without typst
    and matplotlib.

    >>> write((), Path("theory.doc"))
    Traceback (most recent call last):
    ValueError: theory.doc: expected a name that ends in .txt, .md, .tex or .pdf
    """
    if path.suffix not in ENDINGS:
        raise ValueError(f"{path.name}: expected a name that ends in .txt, .md, .tex or .pdf")
    if path.suffix == ".pdf":
        path.write_bytes(to_pdf(document))
        return (path,)
    if path.suffix == ".txt":
        path.write_text(to_text(document), encoding="utf-8")
        return (path,)
    prefix = f"{path.stem}-" if has("matplotlib") else None
    text = to_markdown(document, prefix) if path.suffix == ".md" else to_latex(document, prefix)
    path.write_text(text, encoding="utf-8")
    if prefix is None:
        return (path,)
    form: Literal["svg", "pdf"] = "svg" if path.suffix == ".md" else "pdf"
    figures = {path.with_name(f"{prefix}{figure.name}.{form}"): figure for figure in document if isinstance(figure, Figure)}
    for file, figure in figures.items():
        file.write_bytes(draw(figure, form))
    return (path, *figures)


def to_pdf(document: Document) -> bytes:
    """The document typeset by typst. Raises `ValueError` where typst or matplotlib is missing.

    >>> from unittest.mock import patch
    >>> with patch("pure_mlp.theory.files.has", return_value=False):
    ...     to_pdf(())
    Traceback (most recent call last):
    ValueError: a .pdf needs typst and matplotlib: pip install 'pure-mlp[theory]'
    """
    missing = [name for name in ("typst", "matplotlib") if not has(name)]
    if missing:
        raise ValueError(f"a .pdf needs {' and '.join(missing)}: {INSTALL}")
    import typst

    with TemporaryDirectory() as folder:
        source = Path(folder, "theory.typ")
        source.write_text(to_typst(document), encoding="utf-8")
        for block in document:
            if isinstance(block, Figure):
                Path(folder, f"{block.name}.svg").write_bytes(draw(block, "svg"))
        return typst.compile(source, format="pdf", ignore_system_fonts=True)
