"""Changes to a source that leave the rest of its text as it is: where a piece of the syntax tree stands, and what it becomes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

Edit = tuple[int, int, str]
"""Replace the characters from the first position up to the second by the text."""


def edited(source: str, edits: Iterable[Edit], begin: int = 0, end: int | None = None) -> str:
    """`source[begin:end]` after edits inside it that do not overlap.

    >>> edited("one two three", [(4, 7, "2"), (0, 3, "1")])
    '1 2 three'
    """
    pieces = []
    for start, stop, text in sorted(edits):
        pieces += [source[begin:start], text]
        begin = stop
    return "".join([*pieces, source[begin:end]])


def span(source: str, node: ast.AST) -> tuple[int, int]:
    """Where the text of a statement, an expression, a parameter or an argument begins and ends.

    >>> span("é = x", ast.parse("é = x").body[0].value)
    (4, 5)
    """
    assert isinstance(node, ast.stmt | ast.expr | ast.arg | ast.keyword)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = source.split("\n")
    return _offset(lines, node.lineno, node.col_offset), _offset(lines, node.end_lineno, node.end_col_offset)


def text_of(source: str, first: ast.AST, last: ast.AST | None = None) -> str:
    """The text from the beginning of one node to the end of another, or of the same.

    >>> text_of("a = 1; b = 2", *ast.parse("a = 1; b = 2").body)
    'a = 1; b = 2'
    """
    return source[span(source, first)[0] : span(source, last or first)[1]]


def _offset(lines: list[str], line: int, column: int) -> int:
    """The position of a line, counted from 1, and a column in bytes of UTF-8."""
    return sum(len(text) + 1 for text in lines[: line - 1]) + len(lines[line - 1].encode()[:column].decode())
