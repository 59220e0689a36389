"""What a row says of a layer, a loss, an optimizer, a schedule or an init."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs
import torch
from torch import Generator, Tensor
from torch.optim import lr_scheduler

from pure_mlp.layer import Layer
from pure_mlp.layers.inits import Init
from pure_mlp.losses.reduction import Reduction
from pure_mlp.optim.optimizer import Optimizer, Schedule
from pure_mlp.record import tree_map
from pure_mlp.registry.equations import Equation, LossEquation, Takes
from pure_mlp.registry.samples import LEADS, WIDTH, lattice
from pure_mlp.signatures import Loss

__all__ = ["InitRow", "LayerRow", "LossRow", "OptimizerRow", "Row", "ScheduleRow"]


def _set(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


Labels = Callable[[Generator, tuple[int, ...], torch.dtype], Tensor]


@attrs.frozen(eq=False)
class LayerRow:
    """One layer, and what the laws need to know of it.

    Args:
        name: its public name.
        layer: the layer; of a function of hyperparameters, what it returns without any.
        reference: the same by torch's own functions, (params, x, *hyperparameters) -> y; None where torch has no such function.
        make: the function of hyperparameters; None for a constant.
        hyperparameters: those that the laws are tried with, besides none.
        init: the width of x -> its first params; None for a layer without params, and for `linear`, which `init` draws.
        params: (generator, dtype) -> params for an x of width 4; by default on the lattice, of the shapes that `init(4)` has.
        shared: which outputs share memory with which arguments, as "cache is x" (a nested output by its dotted path).
        scalars: whether x may have no dimension; else the laws are tried on x with a last dimension.
        has_dx: False for a layer that computes grads alone.
        to_the_bit: whether y equals the reference exactly, and not only to rounding.
        kinks: where an elementwise layer has no derivative; the laws keep away from them.
        ends: an elementwise layer's slopes far below and far above 0, and its values at -inf and inf.
        word: its name on the command line, "" where it is not to be chosen there.
        equation: of the hyperparameters in LaTeX, for the theory document; None where it is not in there.
    """

    name: str
    layer: Layer[Any, Any]
    reference: Callable[..., Tensor] | None = None
    make: Callable[..., Layer[Any, Any]] | None = None
    hyperparameters: tuple[tuple[float, ...], ...] = ()
    init: Callable[[int], Any] | None = None
    params: Callable[[Generator, torch.dtype], Any] | None = None
    shared: frozenset[str] = attrs.field(default=frozenset(), converter=_set)
    scalars: bool = False
    has_dx: bool = True
    to_the_bit: bool = True
    kinks: tuple[float, ...] = ()
    ends: tuple[float, float, float, float] | None = None
    word: str = ""
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
        """Every shape of x that the laws are tried on."""
        return [(*lead, WIDTH) for lead in LEADS] + ([()] if self.scalars else [])

    def draw_params(self, generator: Generator, dtype: torch.dtype = torch.float64) -> Any:
        """Params for an x of width 4."""
        if self.params is not None:
            return self.params(generator, dtype)
        return () if self.init is None else tree_map(lambda t: lattice(generator, *t.shape, dtype=dtype), self.init(WIDTH))

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Any, Tensor, Tensor]:
        """Params, x of this shape, and a dy that fits."""
        g = Generator().manual_seed(seed)
        params, x = self.draw_params(g, dtype), lattice(g, *shape, dtype=dtype)
        return params, x, lattice(g, *self.layer.fwd(params, x)[0].shape, dtype=dtype)


def _at(reference: Callable[..., Tensor], given: tuple[float, ...], params: Any, x: Tensor) -> Tensor:
    return reference(params, x, *given)


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
        return [(*lead, WIDTH) for lead in LEADS] + ([] if self.rows else [()])

    def draw(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
        """A label and a prediction of this shape."""
        g = Generator().manual_seed(seed)
        y, y_hat = self.labels(g, shape, dtype), lattice(g, *shape, dtype=dtype)
        return y, (y_hat / 8 + 0.5 if self.takes == "probabilities" else y_hat)


def _in_dtype(options: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    return {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in options.items()}


@attrs.frozen(eq=False)
class OptimizerRow:
    """One optimizer.

    Args:
        name: its public name, and its word on the command line.
        make: (learning rate, **options) -> the optimizer.
        reference: (tensors, learning rate, **options) -> that of torch; None where torch has none.
        formula: (learning rate, p, g, *slots, **options) -> the new p and slots, for one tensor, where torch has none.
        rate: the learning rate where --lr is not given.
        variants: other options that the laws are tried with, by name.
    """

    name: str
    make: Callable[..., Optimizer]
    reference: Callable[..., torch.optim.Optimizer] | None = None
    formula: Callable[..., tuple[Tensor, ...]] | None = None
    rate: float = 1e-3
    variants: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)

    def samples(self) -> Iterator[OptimizerRow]:
        """The row itself, and one for each variant with its options bound.

        >>> from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
        >>> [row.name for row in OPTIMIZER_ROWS["adamw"].samples()]
        ['adamw', 'adamw all']
        """
        yield self
        for name, options in self.variants.items():
            yield attrs.evolve(
                self,
                name=f"{self.name} {name}",
                make=partial(self.make, **options),
                reference=self.reference and partial(self.reference, **options),
                formula=self.formula and partial(self.formula, **options),
                variants={},
            )


@attrs.frozen(eq=False)
class ScheduleRow:
    """One schedule: its public name, an example of it, and the same as a scheduler of torch for an optimizer of rate 0.05."""

    name: str
    schedule: Schedule
    reference: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler] | None = None


@attrs.frozen(eq=False)
class InitRow:
    """One init.

    Args:
        name: its public name.
        init: (n_in, n_out, generator, dtype, device) -> `Linear`.
        variance: (n_in, n_out) -> the variance of a component of the weight.
        reference: fills an empty weight as torch does; None where torch has no such function.
        bias: whether the bias is drawn too, and not 0.
    """

    name: str
    init: Init
    variance: Callable[[int, int], float]
    reference: Callable[[Tensor, Generator], Tensor] | None = None
    bias: bool = False


Row = LayerRow | LossRow | OptimizerRow | ScheduleRow | InitRow
