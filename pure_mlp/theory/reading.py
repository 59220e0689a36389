# ruff: noqa: RUF001  (the mathematical symbols are meant)
"""The value of a printed formula: its LaTeX is read and computed, so that what is checked is what is printed.

Juxtaposition multiplies; after a slash it is refused, because readers differ about it. A name is looked up by its plain text:
`\\mathbf{z}_1` is "z_1". `z_{1,k}` is element k of "z_1", `\\frac{\\partial z_{2,i}}{\\partial z_{1,j}}` element (i, j) of
"∂z_2/∂z_1", for indices that are digits or names of whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types

from pure_mlp.theory.formula import Apply, Fence, Grid, Leaf, Node, Row, Script, parse
from pure_mlp.theory.formula_text import FRACTIONS, text_of
from pure_mlp.theory.indexing import Names, base_of, derivative, element, index, items
from pure_mlp.theory.operations import OPERATIONS, add, multiply, power, where

RELATIONS: dict[str, Callable[[sp.Expr, sp.Expr], sp.Basic]] = {">": lambda a, b: a > b, "<": lambda a, b: a < b}
CLOSING = {")": "(", "]": "[", "}": "{"}


def value(formula: str | Node, names: Names) -> sp.Basic:
    """The value of a formula without an equals sign, a sympy expression or matrix.

    Args:
        formula: LaTeX, or the tree that `parse` makes of it.
        names: what its letters stand for; sums bind their own index.

    Raises `ValueError` for a letter without a value and for what cannot be read as mathematics.

    >>> value(r"\\frac{1}{2} (x + 1)^2", {"x": sp.Integer(3)})
    8
    """
    nodes = items(parse(formula) if isinstance(formula, str) else formula)
    try:
        reader = _Reader(nodes, names)
        result = reader.sum()
        if reader.nodes:
            raise ValueError(f"unexpected {text_of(reader.nodes[-1])!r}")
    except (LookupError, ValueError, TypeError) as error:
        raise ValueError(f"formula {text_of(Row(nodes))!r}: {error}") from error
    return result


class _Reader:
    """Recursive descent over the nodes of one row, the next one last."""

    def __init__(self, nodes: tuple[Node, ...], names: Names) -> None:
        self.nodes = list(nodes[::-1])
        self.names = names

    def peek(self) -> str:
        return base_of(self.nodes[-1]) if self.nodes else ""

    def take(self, *symbols: str) -> str:
        return base_of(self.nodes.pop()) if self.nodes and self.peek() in symbols else ""

    def sum(self) -> sp.Basic:
        sign = -1 if self.take("-") else 1
        result = multiply(sp.Integer(sign), self.product())
        while mark := self.take("+", "-"):
            result = add(result, multiply(sp.Integer(1 if mark == "+" else -1), self.product()))
        return result

    def product(self) -> sp.Basic:
        result = self.factor()
        divided = False
        while self.nodes and self.peek() not in ("+", "-", ",", *CLOSING, *RELATIONS):
            if self.take("/"):
                result, divided = multiply(result, power(self.factor(), sp.Integer(-1))), True
            elif self.take("⊙"):
                result = result.multiply_elementwise(self.factor())
            elif (dot := self.take("·")) or not divided:
                result, divided = multiply(result, self.factor()), divided and not dot
            else:
                raise ValueError(f"{text_of(self.nodes[-1])!r} stands after a quotient without parentheses")
        return result

    def factor(self) -> sp.Basic:
        node = self.nodes.pop()
        if base_of(node) in ("(", "["):
            return self.closed(base_of(node), None)
        if base_of(node) == "∑":
            return self.total(node)
        found = self.named(node)
        if callable(found):
            return self.closed("(", found) if self.take("(") else found(self.factor())
        return found

    def closed(self, opening: str, function: Callable[..., sp.Basic] | None) -> sp.Basic:
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        end = self.nodes.pop()
        if CLOSING.get(base_of(end)) != opening or (function is None and len(arguments) > 1):
            raise ValueError(f"{opening!r} is not closed")
        inner = arguments[0] if function is None else function(*arguments)
        return self.raised(inner, end) if isinstance(end, Script) else inner

    def total(self, node: Node) -> sp.Basic:
        if not isinstance(node, Script) or node.sub is None or node.sup is None:
            raise ValueError("a sum needs its bounds")
        index, equals, *start = items(node.sub)
        first, last = int(value(Row(tuple(start)), self.names)), int(value(node.sup, self.names))
        if text_of(equals) != "=":
            raise ValueError("a sum needs its bounds")
        rest, result = list(self.nodes), sp.Integer(0)
        for i in range(first, last + 1):
            inner = _Reader(tuple(rest[::-1]), {**self.names, text_of(index): i})
            result = add(result, inner.product())
            self.nodes = inner.nodes
        return result

    def named(self, node: Node) -> sp.Basic:
        known = self.names.get(text_of(node), OPERATIONS.get(text_of(node)))
        if known is not None:
            return sp.Integer(known) if isinstance(known, int) else known
        if isinstance(node, Leaf):
            if node.text[0].isdigit():
                return sp.Rational(node.text)
            raise ValueError(f"{node.text!r} has no value")
        if isinstance(node, Script):
            if isinstance(node.base, Apply) and text_of(node.base) == "1" and node.sub is not None:
                return where(self.condition(items(node.sub)), sp.Integer(1), sp.Integer(0))
            below = Script(node.base, node.sub, None)
            if node.sup is not None and text_of(below) in self.names:
                return self.raised(self.named(below), Script(below, None, node.sup))
            if (entry := element(node, self.names)) is not None:
                return entry
            if node.sup is not None and element(below, self.names) is not None:
                return self.raised(self.named(below), Script(below, None, node.sup))
            if text_of(node.base) == "e" and node.sup is not None:
                return OPERATIONS["exp"](value(node.sup, self.names))
            return self.raised(value(node.base, self.names), node)
        if isinstance(node, Apply):
            return self.applied(node)
        if isinstance(node, Fence):
            inner = value(node.body, self.names)
            return inner.norm() if node.left == "lVert" else inner
        if isinstance(node, Grid):
            return self.grid(node)
        return value(node, self.names)

    def raised(self, base: sp.Basic, script: Script) -> sp.Basic:
        if script.sub is not None:
            base = base[index(items(script.sub)[0], self.names)]
        if script.sup is None:
            return base
        return base.T if text_of(script.sup) == "⊤" else power(base, value(script.sup, self.names))

    def applied(self, node: Apply) -> sp.Basic:
        if node.command in FRACTIONS and base_of(items(node.args[0])[0]) == "∂":
            return derivative(items(node.args[0]), items(node.args[1]), self.names)
        arguments = [value(arg, self.names) for arg in node.args]
        if node.command in FRACTIONS:
            return multiply(arguments[0], power(arguments[1], sp.Integer(-1)))
        if node.command == "sqrt":
            return power(arguments[0], sp.Rational(1, 2))
        raise ValueError(f"{text_of(node)!r} has no value")

    def grid(self, node: Grid) -> sp.Basic:
        if node.kind != "cases":
            return sp.Matrix([[value(cell, self.names) for cell in row] for row in node.rows])
        (yes, condition), (no, _) = node.rows
        return where(self.condition(items(condition)[1:]), value(yes, self.names), value(no, self.names))

    def condition(self, nodes: tuple[Node, ...]) -> sp.Basic:
        reader = _Reader(nodes, self.names)
        left = reader.sum()
        compare = RELATIONS[base_of(reader.nodes.pop())]
        return compare(left, reader.sum())
