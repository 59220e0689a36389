"""Lines and tables for people: by rich on a terminal where it is installed, else in plain text."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pure_mlp.cli.printing import printable
from pure_mlp.installed import has


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] | None = None) -> None:
    """Print a table, every cell escaped as in `printable`; columns of numbers are aligned to the right.

    >>> table("ages", ("who", "age"), [("Ann", "7")])
    <BLANKLINE>
    ages
    who  age
    ---  ---
    Ann    7
    """
    title, columns, rows = printable(title), _escaped(columns), [*map(_escaped, rows)]
    footer = _escaped(footer) if footer else None
    cells = [*rows, footer] if footer else rows
    right = [all(_numeric(row[i]) for row in cells) for i in range(len(columns))]
    if has("rich") and sys.stdout.isatty():
        _rich_table(title, columns, rows, footer, right)
    else:
        print(plain_table(title, columns, cells, right))


def plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """The table as text: a title, a header, a rule, and the rows.

    >>> print(plain_table("ages", ("who", "age"), [("Ann", "7"), ("Bo", "12")], (False, True)))
    <BLANKLINE>
    ages
    who  age
    ---  ---
    Ann    7
    Bo    12
    """
    widths = [max(map(len, column)) for column in zip(columns, *rows)]
    lines = [columns, ["-" * width for width in widths], *rows]
    set_out = [
        "  ".join(cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(line, widths, right)) for line in lines
    ]
    return "\n".join(["", title, *(line.rstrip() for line in set_out)])


def _rich_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] | None, right: Sequence[bool]
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, show_footer=footer is not None)
    for i, name in enumerate(columns):
        drawn.add_column(Text(name), Text(footer[i] if footer else ""), justify="right" if right[i] else "left")
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = Console()
    console.print(Text(f"\n{title}", style="bold"), drawn, sep="\n", soft_wrap=True)


def _escaped(cells: Sequence[str]) -> list[str]:
    return [*map(printable, cells)]


def _numeric(cell: str) -> bool:
    if cell == ".":
        return True
    try:
        float(cell.replace(",", "").removesuffix(" %") or "0")
    except ValueError:
        return False
    return True
