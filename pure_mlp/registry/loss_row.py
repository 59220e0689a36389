"""What a row says of a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.losses.reduction import Reduction
from pure_mlp.registry.equations import LossEquation, Takes
from pure_mlp.registry.samples import LEADS, WIDTH, lattice
from pure_mlp.signatures import Loss

__all__ = ["LossRow"]

Labels = Callable[[Generator, tuple[int, ...], torch.dtype], Tensor]


@attrs.frozen(eq=False)
class LossRow:
    """One loss, and what the laws need to know of it.

    Args:
        name: its public name.
        function: (y, y_hat, reduction, **options) -> (J, dJ/dy_hat).
        reference: (y, y_hat, reduction, **options) -> J by torch's own functions; for none it has the shape of J.
        labels: (generator, shape of y_hat, dtype) -> y.
        takes: what y_hat has to be.
        equation: in LaTeX, for the theory document; None where it is not in there.
        tasks: the kinds of data that it suits on the command line: classes, binary, regression; empty where it is not chosen there.
        rows: whether one number of J belongs to a row of y_hat, rather than to an element.
        default: the reduction where none is named.
        options: keyword arguments of the function; tensors in float64.
        variants: other labels and options that the laws are tried with, by name.
    """

    name: str
    function: Callable[..., tuple[Tensor, Tensor]]
    reference: Callable[..., Tensor]
    labels: Labels
    takes: Takes = "numbers"
    equation: LossEquation | None = None
    tasks: tuple[str, ...] = ()
    rows: bool = False
    default: Reduction = "mean"
    options: Mapping[str, Any] = attrs.field(factory=dict)
    variants: Mapping[str, tuple[Labels, Mapping[str, Any]]] = attrs.field(factory=dict)

    def samples(self) -> Iterator[LossRow]:
        """The row itself, and one for each variant.

        >>> from pure_mlp.registry.losses import LOSS_ROWS
        >>> [row.name for row in LOSS_ROWS["cross_entropy"].samples()][:2]
        ['cross_entropy', 'cross_entropy(ignore_index)']
        """
        yield self
        for name, (labels, options) in self.variants.items():
            yield attrs.evolve(self, name=f"{self.name}({name})", labels=labels, options=options, variants={})

    @property
    def loss(self) -> Callable[..., tuple[Tensor, Tensor]]:
        """The function with its options bound, (y, y_hat[, reduction]) -> (J, dJ/dy_hat)."""
        return self.bind(self.function)

    @property
    def mean(self) -> Loss:
        """The loss with its options bound, as a mean over the examples."""
        bound = {**self.options, **({} if self.default == "mean" else {"reduction": "mean"})}
        return partial(self.function, **bound) if bound else self.function

    def bind(self, function: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, Tensor]]:
        """Another function in the place of this one, with the same options, in the dtype of the prediction."""
        return lambda y, y_hat, *reduction: function(y, y_hat, *reduction, **_in_dtype(self.options, y_hat.dtype))

    def expected(self, y: Tensor, y_hat: Tensor, reduction: Reduction) -> Tensor:
        """J by the reference, with the same options."""
        return self.reference(y, y_hat, reduction, **_in_dtype(self.options, y_hat.dtype))

    def input_shapes(self) -> list[tuple[int, ...]]:
        """Every shape of y_hat that the laws are tried on."""
        shapes: list[tuple[int, ...]] = [(*lead, WIDTH) for lead in LEADS]
        return shapes if self.rows else [*shapes, ()]

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
        """A label and a prediction of this shape."""
        g = Generator().manual_seed(seed)
        y, y_hat = self.labels(g, shape, dtype), lattice(g, *shape, dtype=dtype)
        return y, (y_hat / 8 + 0.5 if self.takes == "probabilities" else y_hat)


def _in_dtype(options: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    return {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in options.items()}
