"""What the laws are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.check.purity import named
from pure_mlp.layer import Layer
from pure_mlp.record import tree_items, tree_leaves, tree_like, tree_map

__all__ = ["Subject"]


@attrs.frozen(eq=False)
class Subject:
    """A layer with params, x and dy in float64.

    Args:
        layer: the layer.
        params: its params.
        x: an input; if it has two dimensions or more, the first one is the batch.
        dy: a cotangent of its output.
        reference: an independent function (params, x) -> y, or None.
        shared: what outputs may share memory with arguments, as "cache is x".
        has_dx: whether `bwd` computes dx.
        independent: whether what becomes of an example depends on that example alone.
    """

    layer: Layer[Any, Any]
    params: Any
    x: Tensor
    dy: Tensor
    reference: Callable[..., Tensor] | None
    shared: frozenset[str]
    has_dx: bool
    independent: bool

    def both(self, params: Any, x: Tensor, dy: Tensor) -> tuple[Tensor, Any]:
        """y and what `bwd` returns: dx, if there is one, and grads."""
        y, cache = self.layer.fwd(params, x)
        dx, grads = self.layer.bwd(params, cache, dy)
        return y, ((dx, grads) if self.has_dx else ((), grads))

    def outputs(self, params: Any, x: Tensor, dy: Tensor) -> list[tuple[str, Tensor]]:
        """Every tensor that comes out of the two passes but the cache, by name."""
        y, (dx, grads) = self.both(params, x, dy)
        return named(y=y, dx=dx, grads=grads)

    def again(self, dy: Tensor) -> list[Tensor]:
        """What `bwd` returns for another dy."""
        return tree_leaves(self.both(self.params, self.x, dy)[1])

    def other_dy(self) -> Tensor:
        """A cotangent besides dy, random."""
        return torch.randn(self.dy.shape, generator=Generator().manual_seed(1), dtype=self.dy.dtype)

    def gradients(self) -> Iterator[tuple[str, Tensor, Tensor, Callable[[Tensor], Tensor]]]:
        """Each gradient: its name, where it is taken, what `bwd` returns, and J = sum(dy * y) as a function of that tensor."""
        _, (dx, grads) = self.both(self.params, self.x, self.dy)
        if self.has_dx:
            yield "dx", self.x, dx, lambda t: (self.layer.fwd(self.params, t)[0] * self.dy).sum()
        leaves, written = tree_leaves(self.params), tree_leaves(grads)
        for i, (name, leaf) in enumerate(tree_items(self.params)):

            def J(t: Tensor, i: int = i) -> Tensor:
                params = tree_like(self.params, [*leaves[:i], t, *leaves[i + 1 :]])
                return (self.layer.fwd(params, self.x)[0] * self.dy).sum()

            yield f"grads {name}".strip(), leaf, written[i], J

    def cast(self, dtype: torch.dtype) -> tuple[Any, Tensor, Tensor]:
        """params, x and dy in another dtype; whole numbers stay."""
        return tree_map(lambda t: t.to(dtype) if t.is_floating_point() else t, (self.params, self.x, self.dy))
