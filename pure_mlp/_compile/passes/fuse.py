"""Two operations become one where nobody looks at the value between them."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import cast

import torch

from pure_mlp._compile.graph import Graph, Node, Spec, dense, is_random
from pure_mlp._compile.host import Number, host
from pure_mlp._compile.passes.scaled import scalar_dtype

_FEW_ROWS = 32
"""addmv adds the rows to the vector one by one, and loses up to half an ulp of it with each: only few rows go that way."""


def rewrite(graph: Graph) -> Graph:
    """The same graph without `lin` and `scale`: their numbers become the alpha, beta and value of what stands around them.

    a s + A B t -> addmm, so that an SGD update happens inside the product that is the gradient; a s + t (sum of rows of A) -> addmv
    with a vector of ones, for a few rows; and a + t b / c -> addcdiv, a + t b c -> addcmul.

    >>> from pure_mlp._compile.graph import spec_of
    >>> import torch
    >>> graph, spec = Graph(), spec_of(torch.ones(3, 3))
    >>> x = graph.add("carry", (0,), {}, spec)
    >>> product = graph.add("aten.mm.default", (x, x), {}, spec)
    >>> graph.outputs = [graph.add("lin", (x, 1.0, product, 2.0), {}, spec)]
    >>> new = rewrite(graph).outputs[0]
    >>> new.op, new.kwargs
    ('aten.addmm.default', {'beta': 1.0, 'alpha': 2.0})
    """
    live = graph.live()
    readers = Counter(a for node in live for a in node.operands)
    readers.update(graph.outputs)
    rewriter = _Rewriter(readers)
    for node in live:
        rewriter.new[node] = rewriter.rewritten(node)
    rewriter.graph.outputs = [rewriter.new[node] for node in graph.outputs]
    return rewriter.graph


class _Rewriter:
    def __init__(self, readers: Counter[Node]) -> None:
        self.graph = Graph()
        self.readers = readers
        self.new: dict[Node, Node] = {}

    def argument(self, a: object) -> object:
        if isinstance(a, tuple):
            return tuple(self.argument(b) for b in a)
        return self.new[a] if isinstance(a, Node) else a

    def rewritten(self, node: Node) -> Node:
        if node.op == "lin":
            return self.lin(node)
        if node.op == "scale":
            return self.product(cast(Node, node.args[0]), cast(Number, self.argument(node.args[1])))
        if _is_row_sum(node):
            return self.graph.add("gemv", (*self.row_sum(node), 1.0), {}, node.spec)
        if _is_whole_sum(node):
            return self.graph.add("gemv", (*self.whole_sum(node), 1.0), {}, node.spec)
        args = tuple(self.argument(a) for a in node.args)
        kwargs = {k: self.argument(a) for k, a in node.kwargs.items()}
        return self.graph.add(node.op, args, kwargs, node.spec, unique=is_random(node.op), value=node.value)

    def product(self, a: Node, factor: Number) -> Node:
        """a times a number: inside the matrix product, sum of rows or sum of squares that a is, if this is its only reader."""
        alone = self.readers[a] == 1
        if alone and a.op == "aten.mm.default":
            return self.graph.add("gemm", (*map(self.argument, a.args), factor), {}, a.spec)
        if alone and _is_row_sum(a):
            return self.graph.add("gemv", (*self.row_sum(a), factor), {}, a.spec)
        if alone and _is_whole_sum(a):
            return self.graph.add("gemv", (*self.whole_sum(a), factor), {}, a.spec)
        if alone and a.op == "sqsum":
            return self.graph.add("sqsum", (self.new[cast(Node, a.args[0])], factor), {}, a.spec)
        return self.graph.add("aten.mul.Tensor", (self.new[a], self.tensor(factor, a.like)), {}, a.spec)

    def tensor(self, factor: Number, like: Spec) -> Node:
        if isinstance(factor, Node):
            return self.graph.add("fill", (factor,), {}, Spec((), (), scalar_dtype(like), like.device))
        return self.graph.number(factor, scalar_dtype(like))

    def row_sum(self, a: Node) -> tuple[Node, Node]:
        """The sum of the rows of d as the matrix and the vector whose product it is: d^T and ones."""
        d = self.new[cast(Node, a.args[0])]
        (n, m), (s, t), dtype, device = d.like
        return self.graph.add("aten.t.default", (d,), {}, Spec((m, n), (t, s), dtype, device)), self.graph.ones(n, d.like)

    def whole_sum(self, a: Node) -> tuple[Node, Node]:
        """The sum of all elements as the matrix and the vector whose product it is: one row, and ones."""
        x = self.new[cast(Node, a.args[0])]
        n = math.prod(x.like.shape)
        row = Spec((1, n), (n, 1), x.like.dtype, x.like.device)
        return self.graph.add("aten.view.default", (x, (1, n)), {}, row), self.graph.ones(n, x.like)

    def terms(self, node: Node) -> list[tuple[Node, Number]]:
        """The two terms of a `lin`, after what the other term has in common with the one that nobody else reads:

        a s + (a p + b q) t -> a (s + p t) + b (q t), which is weight decay inside the step.
        """
        terms = [(cast(Node, node.args[i]), cast(Number, self.argument(node.args[i + 1]))) for i in (0, 2)]
        for (a, s), (inner, t) in (terms, terms[::-1]):
            if inner.op == "lin" and self.readers[inner] == 1 and inner.spec == node.spec:
                for (c, p), (b, q) in ((parts := self.terms(inner)), parts[::-1]):
                    if c is a and b is not a:
                        scale = partial(host, self.graph, "mul", t)
                        return [(a, host(self.graph, "add", s, scale(p))), (b, scale(q))]
        return terms

    def lin(self, node: Node) -> Node:
        terms = self.terms(node)
        for (a, s), (inner, t) in (terms, terms[::-1]):
            onto = self.product_onto(node, a, s, inner, t)
            if onto is not None:
                return onto
        for (a, s), (b, t) in (terms, terms[::-1]):
            if self.readers[b] == 1 and b.like.shape == node.like.shape:
                scales = {"beta": s, "alpha": t}
                if b.op == "aten.mm.default":
                    return self.graph.add("aten.addmm.default", (self.new[a], *map(self.argument, b.args)), scales, node.spec)
                if _is_row_sum(b) and a.like == node.like and cast(Node, b.args[0]).like.shape[0] <= _FEW_ROWS:
                    return self.graph.add("aten.addmv.default", (self.new[a], *self.row_sum(b)), scales, node.spec)
                name = {"aten.div.Tensor": "aten.addcdiv.default", "aten.mul.Tensor": "aten.addcmul.default"}.get(b.op)
                if name and s == 1 and a.like == node.like and not b.kwargs:
                    return self.graph.add(name, (self.new[a], *map(self.argument, b.args)), {"value": t}, node.spec)
        (a, s), (b, t) = terms if terms[0][1] == 1 else terms[::-1]
        return self.sum(self.new[a] if s == 1 else self.product(a, s), self.new[b], t, node.like)

    def sum(self, a: Node, b: Node, t: Number, spec: Spec) -> Node:
        """a + t b."""
        if t == -1:
            return self.graph.add("aten.sub.Tensor", (a, b), {}, spec)
        return self.graph.add("aten.add.Tensor", (a, b), {} if t == 1 else {"alpha": t}, spec)

    def product_onto(self, node: Node, a: Node, s: Number, inner: Node, t: Number) -> Node | None:
        """a s + (bias + A B q) -> (bias + a s) + A B q: the sum that the product lands on is whole, and overwritten in place."""
        if t != 1 or inner.op != "lin" or self.readers[inner] != 1 or a.like != node.like:
            return None
        terms = self.terms(inner)
        for (bias, p), (product, q) in (terms, terms[::-1]):
            if product.op == "aten.mm.default" and self.readers[product] == 1 and p == 1 and bias.like.shape != node.like.shape:
                args = (self.sum(self.new[bias], self.new[a], s, node.like), *map(self.argument, product.args))
                return self.graph.add("aten.addmm.default", args, {"beta": 1.0, "alpha": q}, node.spec)
        return None


def _is_whole_sum(node: Node) -> bool:
    """Whether a node is the sum of all elements of a tensor in order in memory, of a dtype that products do not round."""
    if node.op != "aten.sum.default" or not isinstance(node.args[0], Node) or node.kwargs:
        return False
    x = node.args[0].like
    return bool(x.shape) and 0 not in x.shape and dense(x) and x.dtype in (torch.float32, torch.float64)


def _is_row_sum(node: Node) -> bool:
    """Whether a node is `d.sum(0)` of a matrix of floating numbers."""
    if node.op != "aten.sum.dim_IntList" or not isinstance(node.args[0], Node) or node.kwargs:
        return False
    d = node.args[0].like
    return len(d.shape) == 2 and node.args[1] in ((0,), (-2,)) and node.args[2:] in ((), (False,)) and d.dtype.is_floating_point
