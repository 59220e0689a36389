"""Documents as LaTeX source."""

from __future__ import annotations

from pure_mlp.theory.document import Block, Document, Equation, Figure, Heading, Note, Table
from pure_mlp.theory.spans import render

PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb,graphicx,adjustbox}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\begin{document}
"""
SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "&%#_{}$"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
COMMANDS = {1: "section*", 2: "section*", 3: "subsection*"}
NO_FIGURES = "Figures are left out: matplotlib is not installed."


def to_latex(document: Document, figures: str | None) -> str:
    """A file for pdflatex; `figures` is what stands before a figure's name in the path of its PDF file, or None to leave them out.

    >>> print(to_latex((Equation("x^2"),), None).splitlines()[-2])
    \\[x^2\\]
    """
    shown = tuple(block for block in document if figures is not None or not isinstance(block, Figure))
    notice = "" if len(shown) == len(document) else f"\n\n{NO_FIGURES}"
    return PREAMBLE + "\n\n".join(_block(block, figures or "") for block in shown) + notice + "\n\\end{document}\n"


def escape(text: str) -> str:
    """Prose with the characters that LaTeX reserves protected.

    >>> escape("50 % of x_1")
    '50 \\\\% of x\\\\_1'
    """
    return text.translate(SPECIAL)


def _inline(text: str) -> str:
    return render(text, escape, lambda latex: f"${latex}$", lambda code: rf"\texttt{{{escape(code)}}}")


def _block(block: Block, figures: str) -> str:
    if isinstance(block, Heading):
        return rf"\{COMMANDS[block.level]}{{{_inline(block.text)}}}"
    if isinstance(block, Equation):
        return rf"\[{block.latex}\]"
    if isinstance(block, Table):
        rows = " \\\\\n".join(" & ".join(map(_inline, row)) for row in block.rows)
        header = " & ".join(map(_inline, block.header))
        columns = "l" * len(block.header)
        body = f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{header} \\\\\n\\hline\n{rows} \\\\\n\\hline\n\\end{{tabular}}"
        return f"\\begin{{adjustbox}}{{max width=\\linewidth}}\n{body}\n\\end{{adjustbox}}"
    if isinstance(block, Figure):
        picture = rf"\includegraphics[width=\linewidth]{{{figures}{block.name}.pdf}}"
        return f"\\begin{{center}}\n{picture}\n\n\\small {_inline(block.caption)}\n\\end{{center}}"
    if isinstance(block, Note):
        return f"\\begin{{quote}}\n{_inline(block.text)}\n\\end{{quote}}"
    return _inline(block.text)
