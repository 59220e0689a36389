"""Training as a fold: epochs of shuffled batches, observed, stopped early, on the fastest tier that takes the step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import attrs
import torch
from torch import Generator

from pure_mlp._compile.program import Engine
from pure_mlp.signatures import Batch, Step
from pure_mlp.train.fold import Folding

S = TypeVar("S")

_GATHERED = 2**18
"""Numbers that are gathered at once: as many small batches as that are slices of one copy."""


def batches(data: Batch, size: int, generator: Generator | None = None) -> Iterator[Batch]:
    """The examples in pieces of `size`, the last one perhaps shorter; in an order drawn from the generator, or as they stand.

    Raises `ValueError` for a size below 1, or x and y of different lengths.

    >>> [x.tolist() for x, y in batches((torch.arange(5), torch.arange(5)), 2)]
    [[0, 1], [2, 3], [4]]
    """
    x, y = data
    if size < 1 or len(x) != len(y):
        raise ValueError(f"batches: size {size}, {len(x)} inputs, {len(y)} labels; expected at least 1 and as many of both")
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    numbers = size * max(x[:1].numel() + y[:1].numel(), 1)
    several = torch.split(order, size * max(_GATHERED // numbers, 1))
    return (batch for rows in several for batch in zip(torch.split(x[rows], size), torch.split(y[rows], size)))


@attrs.frozen(eq=False)
class Epoch(Generic[S]):
    """What an observer is told after each epoch.

    number: from 1. carry: as it is now, in memory of its own. loss: the mean of J over the examples. score: of the carry. engine:
    what ran the steps. compile_seconds: how long the C compiler took so far.
    """

    number: int
    carry: S
    loss: float
    score: float | None
    engine: Engine
    compile_seconds: float


def fit(
    step: Step[S, Batch],
    carry: S,
    data: Batch,
    *,
    epochs: int,
    batch: int,
    generator: Generator,
    score: Callable[[S], float] | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Epoch[S]], None]] = (),
    observe: Callable[[Iterable[Batch]], Iterable[Batch]] = lambda pieces: pieces,
    engine: Engine | None = None,
) -> tuple[S, list[Epoch[S]]]:
    """Fold `step` over `epochs` passes through the data, shuffled anew each time; returns the last carry and every epoch.

    score(carry), lower is better, is taken after each epoch. With `patience` training stops once the score has not improved for
    that many epochs, and the carry of the best epoch is returned. Callbacks see each epoch and change nothing; `observe` may wrap
    the batches of an epoch, as progress bars do.

    engine is what runs the step: "pure", the step as it stands; "plan", a flat program made of it, the same values up to rounding;
    "native", that program in C, for small nets where there is a C compiler. None is the fastest that needs none: "plan" for a step
    that can be planned, else "pure". One asked for that cannot be had gives way to the next slower, after a `RuntimeWarning`; each
    epoch says what ran. A planned step is read once: it must be a function of carry and batch alone (and generators).

    Raises `ValueError` for patience without score, and what the step raises.

    >>> from pure_mlp import linear_bottom, linear_init, mse, sgd, training_step
    >>> x = torch.linspace(-1, 1, 20).unsqueeze(1)
    >>> params, optimizer = linear_init(1, 1, Generator().manual_seed(0)), sgd(0.5)
    >>> carry, history = fit(training_step(linear_bottom, mse, optimizer), (params, optimizer.init(params)), (x, 3 * x),
    ...                      epochs=20, batch=5, generator=Generator().manual_seed(0))
    >>> round(carry[0].weight.item(), 3), history[-1].engine
    (3.0, 'plan')
    """
    if patience is not None and (score is None or patience < 1):
        raise ValueError(f"fit: patience {patience} needs a score, and to be at least 1")
    folding = Folding(step, carry, engine)
    history: list[Epoch[S]] = []
    best: Epoch[S] | None = None
    for number in range(1, epochs + 1):
        sizes: list[int] = []
        losses = folding.run(_measured(observe(batches(data, batch, generator)), sizes)).tolist()
        mean = sum((J * size for J, size in zip(losses, sizes)), 0.0) / len(data[0])
        now = folding.carry()
        epoch = Epoch(number, now, mean, None if score is None else score(now), folding.engine, folding.compile_seconds)
        history.append(epoch)
        for callback in callbacks:
            callback(epoch)
        if patience is None or epoch.score is None:
            continue
        if best is None or best.score is None or epoch.score < best.score:
            best = epoch
        if number - best.number >= patience:
            break
    last = history[-1].carry if history else folding.carry()
    return (last if best is None else best.carry), history


def _measured(pieces: Iterable[Batch], sizes: list[int]) -> Iterator[Batch]:
    for piece in pieces:
        sizes.append(len(piece[0]))
        yield piece
