"""What a row says of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.layer import Layer
from pure_mlp.record import tree_map
from pure_mlp.registry.equations import Equation
from pure_mlp.registry.samples import LEADS, WIDTH, lattice
from pure_mlp.shapes import spec

__all__ = ["LayerRow", "as_words"]


def as_words(what: str, names: Iterable[str]) -> frozenset[str]:
    """The set of the texts. Raises `ValueError` for a text alone, whose letters it would be.

    >>> as_words("LayerRow", "cache is x")
    Traceback (most recent call last):
    ValueError: LayerRow: shared 'cache is x', expected a set of such texts
    """
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError(f"{what}: shared {spec(names)}, expected a set of such texts")
    return frozenset(names)


def _shared(names: Iterable[str]) -> frozenset[str]:
    return as_words("LayerRow", names)


@attrs.frozen(eq=False)
class LayerRow:
    """One layer, and what the laws need to know of it.

    Args:
        name: its public name.
        layer: the layer; where there is `make`, what it returns by default.
        reference: the same by torch's own functions, (params, x, *hyperparameters) -> y; None where torch has no such function.
        make: a function of hyperparameters that returns the layer; None for a layer that has none.
        hyperparameters: those that the laws are tried with, besides the default ones.
        init: the width of x -> its first params; None for a layer without params, and for `linear`, which `init` draws.
        example: the shape of one example, where that is no row of width 4: it takes the place of the last dimension of a sample x.
        inputs: (generator, shape) -> x where its numbers are whole; None where they are floating, drawn from the lattice.
        params: (generator, dtype) -> params for an x of width 4; by default on the lattice, of the shapes that `init(4)` has.
        shared: which outputs share memory with which arguments, as "cache is x" (a nested output by its dotted path).
        scalars: whether x may have no dimension; else the laws are tried on x with a last dimension.
        has_dx: False for a layer that computes grads alone.
        independent: False where what becomes of an example depends on the others, or on its place among them.
        to_the_bit: whether y equals the reference exactly, and not only to rounding.
        kinks: where an elementwise layer has no derivative; the laws keep away from them.
        ends: an elementwise layer's slopes far below and far above 0, and its values at -inf and inf.
        word: its name on the command line, "" where it is not to be chosen there.
        evaluated: (layer, statistics still to come) -> what stands in its place in evaluation; None where it stays.
        equation: of the hyperparameters in LaTeX, for the theory document; None where it is not in there.
    """

    name: str
    layer: Layer[Any, Any]
    reference: Callable[..., Tensor] | None = None
    make: Callable[..., Layer[Any, Any]] | None = None
    hyperparameters: tuple[tuple[float, ...], ...] = ()
    init: Callable[[int], Any] | None = None
    example: tuple[int, ...] = ()
    inputs: Callable[[Generator, tuple[int, ...]], Tensor] | None = None
    params: Callable[[Generator, torch.dtype], Any] | None = None
    shared: frozenset[str] = attrs.field(default=frozenset(), converter=_shared)
    scalars: bool = False
    has_dx: bool = True
    independent: bool = True
    to_the_bit: bool = True
    kinks: tuple[float, ...] = ()
    ends: tuple[float, float, float, float] | None = None
    word: str = ""
    evaluated: Callable[[Layer[Any, Any], Iterator[Any]], Layer[Any, Any]] | None = None
    equation: Callable[..., Equation] | None = None

    def samples(self) -> Iterator[LayerRow]:
        """The row of the layer itself, and one for each set of hyperparameters.

        >>> from pure_mlp.registry.layers import LAYER_ROWS
        >>> [row.name for row in LAYER_ROWS["softplus"].samples()]
        ['softplus()', 'softplus(2.5)']
        """
        if self.make is None:
            yield self
            return
        for given in ((), *self.hyperparameters):
            reference = self.reference and partial(_at, self.reference, given)
            name = f"{self.name}({', '.join(f'{h:g}' for h in given)})"
            yield attrs.evolve(self, name=name, layer=self.make(*given), reference=reference)

    def input_shapes(self) -> list[tuple[int, ...]]:
        """Every shape that the laws are tried on, as `draw` takes it."""
        return [(*lead, WIDTH) for lead in LEADS] + ([()] if self.scalars else [])

    def draw_params(self, generator: Generator, dtype: torch.dtype = torch.float64) -> Any:
        """Params for an x of width 4."""
        if self.params is not None:
            return self.params(generator, dtype)
        return () if self.init is None else tree_map(lambda t: lattice(generator, *t.shape, dtype=dtype), self.init(WIDTH))

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Any, Tensor, Tensor]:
        """Params, x of this shape, and a dy that fits; for another `example`, x of it in the place of the last dimension."""
        g = Generator().manual_seed(seed)
        params, x = self.draw_point(shape, g, dtype)
        return params, x, lattice(g, *self.layer.fwd(params, x)[0].shape, dtype=dtype)

    def draw_point(self, shape: tuple[int, ...], generator: Generator, dtype: torch.dtype = torch.float64) -> tuple[Any, Tensor]:
        """Params and x of this shape, as in `draw`; the layer is not run."""
        shape = (*shape[:-1], *self.example) if self.example else shape
        params = self.draw_params(generator, dtype)
        return params, self.inputs(generator, shape) if self.inputs else lattice(generator, *shape, dtype=dtype)


def _at(reference: Callable[..., Tensor], given: tuple[float, ...], params: Any, x: Tensor) -> Tensor:
    return reference(params, x, *given)
