"""Documents as LaTeX source."""

from __future__ import annotations

from itertools import repeat

from pure_mlp.theory.document import Block, Document, Equation, Figure, Heading, Note, Paragraph, Table, numbered
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.spans import render

PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb,graphicx,booktabs,adjustbox,flafter}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\setlength{\emergencystretch}{3em}
\setcounter{topnumber}{3}
\renewcommand{\topfraction}{0.9}
\renewcommand{\textfraction}{0.1}
\renewcommand{\floatpagefraction}{0.8}
\begin{document}
"""
SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "&%#_{}$"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
COMMANDS = {1: "section*", 2: "section*", 3: "subsection*", 4: "subsubsection*"}
LONGEST = 90
"""A formula of more characters in plain text is made to fit the line."""
NO_FIGURES = "Figures are left out: matplotlib is not installed."


def to_latex(document: Document, figures: str | None) -> str:
    """A file for pdflatex; `figures` is what stands before a figure's name in the path of its PDF file, or None to leave them out.

    >>> print(to_latex((Equation("x^2"),), None).splitlines()[-2])
    \\[x^2\\]
    """
    blocks, _ = numbered(document)
    shown = tuple(block for block in blocks if figures is not None or not isinstance(block, Figure))
    notice = "" if len(shown) == len(document) else f"\n\n{NO_FIGURES}"
    return PREAMBLE + "".join(map(_block_after, (None, *shown), shown, repeat(figures or ""))) + notice + "\n\\end{document}\n"


def _block_after(before: Block | None, block: Block, figures: str) -> str:
    """A block in a paragraph of its own, or in that of the text or the equation before it, as an equation is."""
    inside = isinstance(block, Equation) and isinstance(before, Paragraph | Equation)
    return ("" if before is None else "\n" if inside else "\n\n") + _block(block, figures)


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
        fitted = rf"\adjustbox{{max width=0.9\linewidth}}{{$\displaystyle {block.latex}$}}"
        formula = fitted if len(text_math(block.latex)) > LONGEST else block.latex
        return rf"\[{formula} \tag{{{block.tag}}}\]" if block.tag else rf"\[{formula}\]"
    if isinstance(block, Table):
        tall = any(word in cell for row in block.rows for cell in row for word in (r"\frac", "matrix"))
        end = " \\\\\n\\addlinespace[4pt]\n" if tall else " \\\\\n"
        rows = end.join(" & ".join(map(_cell, row)) for row in block.rows)
        header = " & ".join(map(_inline, block.header))
        columns = "l" * len(block.header)
        body = f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{header} \\\\\n\\midrule\n{rows}{end}\\bottomrule\n\\end{{tabular}}"
        return f"\\begin{{center}}\n\\begin{{adjustbox}}{{max width=\\linewidth}}\n{body}\n\\end{{adjustbox}}\n\\end{{center}}"
    if isinstance(block, Figure):
        picture = rf"\includegraphics[width=\linewidth]{{{figures}{block.name}.pdf}}"
        caption = rf"\caption{{{_inline(block.caption)}}}\label{{{block.name}}}"
        return f"\\begin{{figure}}[htbp]\n\\centering\n{picture}\n{caption}\n\\end{{figure}}"
    if isinstance(block, Note):
        return f"\\begin{{quote}}\n\\textbf{{{block.label.value}.}} {_inline(block.text)}\n\\end{{quote}}"
    return _inline(block.text)


def _cell(text: str) -> str:
    return render(text, escape, lambda latex: rf"$\displaystyle {latex}$", lambda code: rf"\texttt{{{escape(code)}}}")
