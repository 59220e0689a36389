"""Tables in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from pure_mlp.report.markup import Markup, element

__all__ = ["confusion_table", "facts", "rows_table"]


def rows_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A header and rows, in a frame that scrolls where the screen is narrower.

    >>> rows_table(["who"], [["<Ann>"]]).count("&lt;Ann&gt;")
    1
    """
    head = element("tr", *(element("th", cell) for cell in header))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in rows)
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="scroll")


def facts(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Names with what they are, a line each.

    >>> facts([("seed", "0")])
    '<dl class="facts"><dt>seed</dt><dd>0</dd></dl>'
    """
    return element("dl", *(part for name, said in pairs for part in (element("dt", name), element("dd", said))), class_="facts")


def confusion_table(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Numbers of examples, rows true classes and columns predicted ones, the stronger coloured, the larger their share of the row.

    >>> confusion_table(["no", "yes"], [[3, 1], [0, 4]]).count("<td")
    4
    """
    head = element("tr", element("th"), *(element("th", name, scope="col") for name in classes))
    body = []
    for i, (name, row) in enumerate(zip(classes, counts)):
        shares = [100 * sqrt(n / max(sum(row), 1)) for n in row]
        cells = (
            element("td", str(n) if n else "\N{MIDDLE DOT}", class_="wrong" if j - i else "right", style=f"--share: {share:.0f}%")
            for j, (n, share) in enumerate(zip(row, shares))
        )
        body.append(element("tr", element("th", name, scope="row"), *cells))
    return element("div", element("table", element("thead", head), element("tbody", *body), class_="confusion"), class_="scroll")
