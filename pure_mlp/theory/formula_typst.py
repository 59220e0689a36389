# ruff: noqa: RUF001  (the mathematical symbols are meant)
"""Formulas in the notation of Typst."""

from __future__ import annotations

from pure_mlp.theory.formula import SYMBOLS, Apply, Fence, Grid, Leaf, Node, Row, Script, parse

FUNCTIONS = {"frac": "frac", "sqrt": "sqrt", "hat": "hat", "mathbb": "bb"}


def typst_math(latex: str) -> str:
    """A formula of LaTeX as Typst writes it, without dollars. Raises `ValueError` as `parse` does.

    >>> typst_math(r"\\frac{x_1}{2}")
    'frac(attach(x, b: 1), 2)'
    """
    return _node(parse(latex))


def _node(node: Node) -> str:
    if isinstance(node, Leaf):
        return _leaf(node)
    if isinstance(node, Row):
        return " ".join(map(_node, node.items)) or '""'
    if isinstance(node, Apply):
        args = ", ".join(map(_node, node.args))
        if node.command == "dfrac":
            return f"display(frac({args}))"
        return f"upright(bold({args}))" if node.command == "mathbf" else f"{FUNCTIONS[node.command]}({args})"
    if isinstance(node, Script):
        below = "" if node.sub is None else f", b: {_node(node.sub)}"
        above = "" if node.sup is None else f", t: {_node(node.sup)}"
        return f"attach({_node(node.base)}{below}{above})"
    if isinstance(node, Fence):
        left, right = ("" if mark == "." else _leaf(Leaf(SYMBOLS.get(mark, mark))) for mark in (node.left, node.right))
        return f"lr({left} {_node(node.body)} {right})"
    return _grid(node)


def _leaf(leaf: Leaf) -> str:
    if leaf.kind == "text":
        return f'"{leaf.text}"'
    if leaf.kind == "operator":
        return f'op("{leaf.text}")'
    if leaf.text in "()[]{},;/#$&_^~\"'|":
        return f"\\{leaf.text}"
    return {"\N{EM SPACE}": "quad", "′": "prime"}.get(leaf.text, leaf.text)


def _grid(grid: Grid) -> str:
    if grid.kind == "cases":
        return f"cases({', '.join(' quad '.join(map(_node, row)) for row in grid.rows)})"
    return f"mat(delim: #none, {'; '.join(', '.join(map(_node, row)) for row in grid.rows)})"
