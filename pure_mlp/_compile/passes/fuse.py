"""Fuse two operations into one where nothing else reads the value between them."""

from __future__ import annotations

from collections import Counter

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.numbers import Number
from pure_mlp._compile.passes.builder import is_finite, scalar_dtype
from pure_mlp._compile.spec import Spec

_SUMS = ("rowsum", "total", "sqsum")
_FUSED = {"aten.div.Tensor": "aten.addcdiv.default", "aten.mul.Tensor": "aten.addcmul.default"}


def fuse(graph: Graph, most_rows: int) -> Graph:
    """The same graph without `lin` and `scale`: their numbers become the alpha, beta and value of what stands
    around them.

    a s + A B t -> addmm, so that an SGD update happens inside the product that is the gradient: where the
    product sums over at most `most_rows` rows, which are then added up before a is touched. A longer sum would
    reach a in several parts, each rounded to an ulp of a. a + t b / c -> addcdiv, a + t b c -> addcmul.
    """
    live = graph.live()
    readers = Counter(a for node in live for a in node.operands)
    readers.update(graph.outputs)
    fuser = _Fuser(readers, most_rows)
    for node in live:
        fuser.new[node] = fuser.fused(node)
    fuser.graph.outputs = [fuser.new[node] for node in graph.outputs]
    fuser.graph.kept = [fuser.new[node] for node in graph.kept]
    return fuser.graph


class _Fuser:
    def __init__(self, readers: Counter[Node], most_rows: int) -> None:
        self.graph = Graph()
        self.readers, self.most_rows = readers, most_rows
        self.new: dict[Node, Node] = {}

    def argument(self, a: object) -> object:
        if isinstance(a, tuple):
            return tuple(self.argument(b) for b in a)
        return self.new[a] if isinstance(a, Node) else a

    def number(self, a: Number) -> Number:
        return self.new[a] if isinstance(a, Node) else a

    def fused(self, node: Node) -> Node:
        if node.op == "lin":
            return self.lin(node)
        if node.op == "scale":
            return self.product(node.node(0), self.number(node.number(1)), node.like)
        kwargs = {k: self.argument(a) for k, a in node.kwargs.items()}
        return self.graph.add(node.op, tuple(map(self.argument, node.args)), kwargs, node.spec, value=node.value, slot=node.slot)

    def product(self, a: Node, factor: Number, spec: Spec) -> Node:
        """a times a number: inside the product or sum that computes a, if nothing else reads a and the number is not
        0, inf or NaN.
        """
        if self.readers[a] == 1 and is_finite(factor):
            if a.op == "aten.mm.default":
                return self.graph.add("gemm", (*map(self.argument, a.args), factor), {}, a.spec)
            if a.op in _SUMS and a.args[1] == 1:
                return self.graph.add(a.op, (self.new[a.node(0)], factor), {}, a.spec)
        return self.graph.add("aten.mul.Tensor", (self.new[a], self.tensor(factor, a.like)), {}, spec)

    def tensor(self, factor: Number, like: Spec) -> Node:
        if isinstance(factor, Node):
            return self.graph.add("fill", (factor,), {}, Spec((), (), scalar_dtype(like), like.device))
        return self.graph.number(factor, scalar_dtype(like))

    def terms(self, node: Node) -> list[tuple[Node, Number]]:
        """The two terms of a `lin` with their factors."""
        return [(node.node(i), self.number(node.number(i + 1))) for i in (0, 2)]

    def lin(self, node: Node) -> Node:
        terms = self.terms(node)
        for (a, s), (inner, t) in (terms, terms[::-1]):
            onto = self.product_onto(node, a, s, inner, t)
            if onto is not None:
                return onto
        for (a, s), (b, t) in (terms, terms[::-1]):
            if self.readers[b] != 1 or b.like.shape != node.like.shape or not (is_finite(s) and is_finite(t)):
                continue
            if b.op == "aten.mm.default" and self.fits(a, b, node):
                args = (self.new[a], *map(self.argument, b.args))
                return self.graph.add("aten.addmm.default", args, {"beta": s, "alpha": t}, node.spec)
            if b.op in _FUSED and s == 1 and a.like == node.like and not b.kwargs:
                args = (self.new[a], *map(self.argument, b.args))
                return self.graph.add(_FUSED[b.op], args, {"value": t}, node.spec)
        (a, s), (b, t) = terms if terms[0][1] == 1 else terms[::-1]
        return self.sum(self.new[a] if s == 1 else self.product(a, s, a.like.fresh), self.new[b], t, node.like)

    def fits(self, a: Node, product: Node, node: Node) -> bool:
        """Whether a product may be added to a while it is computed: to a bias, as torch does it, or after few
        rows to a matrix.
        """
        if a.like.shape != node.like.shape:
            return True
        return product.node(0).like.shape[1] <= self.most_rows and min(node.like.shape) > 1

    def sum(self, a: Node, b: Node, t: Number, spec: Spec) -> Node:
        """a + t b."""
        if t == -1:
            return self.graph.add("aten.sub.Tensor", (a, b), {}, spec)
        return self.graph.add("aten.add.Tensor", (a, b), {} if t == 1 else {"alpha": t}, spec)

    def product_onto(self, node: Node, a: Node, s: Number, inner: Node, t: Number) -> Node | None:
        """a s + (bias + A B q) -> (bias + a s) + A B q: the sum that the product lands on is whole, and
        overwritten in place.
        """
        if t != 1 or inner.op != "lin" or self.readers[inner] != 1 or a.like != node.like or not is_finite(s):
            return None
        terms = self.terms(inner)
        for (bias, p), (product, q) in (terms, terms[::-1]):
            alone = product.op == "aten.mm.default" and self.readers[product] == 1 and is_finite(q)
            if alone and p == 1 and bias.like.shape != node.like.shape and self.fits(a, product, node):
                args = (self.sum(self.new[bias], self.new[a], s, node.like), *map(self.argument, product.args))
                return self.graph.add("aten.addmm.default", args, {"beta": 1.0, "alpha": q}, node.spec)
        return None
