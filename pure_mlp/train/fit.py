"""Training as a fold: epochs of shuffled batches, observed, stopped early, on the fastest engine that takes the step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import nan
from typing import Generic, SupportsIndex, TypeVar, cast

import attrs
import torch
from torch import Generator

from pure_mlp._compile.program import Engine
from pure_mlp.distributed.mesh import Mesh
from pure_mlp.losses.mass import Mass, by_rows
from pure_mlp.nodes import is_tensor
from pure_mlp.record import record, tree_leaves
from pure_mlp.shapes import spec
from pure_mlp.signatures import Batch, Step
from pure_mlp.train.batches import batches
from pure_mlp.train.data import Data, Shared, as_pair
from pure_mlp.train.fold import Folding
from pure_mlp.train.parallel import ParallelFolding

__all__ = ["Epoch", "fit"]

S = TypeVar("S")


def _in_brief(carry: object) -> str:
    leaves = tree_leaves(carry)
    return f"<{sum(t.numel() for t in leaves if is_tensor(t)):,} numbers in {len(leaves)} tensors>"


@record
@attrs.frozen(eq=False)
class Epoch(Generic[S]):
    """What a callback gets after each epoch; prints in one line.

    Args:
        number: of the epoch, from 1.
        carry: as it is after the epoch, in memory of its own.
        loss: the mean of J over the examples that count.
        score: `score(carry)`, None where `fit` has no score.
        engine: which engine ran the steps.
        compile_seconds: how long the C compiler has taken so far.
    """

    number: int
    carry: S = attrs.field(repr=_in_brief)
    loss: float
    score: float | None
    engine: Engine
    compile_seconds: float


def fit(
    step: Step[S, Batch],
    carry: S,
    data: Data,
    *,
    epochs: int,
    batch: int | None = None,
    generator: Generator | None = None,
    score: Callable[[S], float] | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Epoch[S]], bool | None]] = (),
    observe: Callable[[Iterable[Batch]], Iterable[Batch]] = lambda pieces: pieces,
    engine: Engine | None = None,
    mesh: Mesh | None = None,
) -> tuple[S, list[Epoch[S]]]:
    """Fold `step` over `epochs` passes through the data, shuffled anew each time; returns the last carry and every epoch.

    The loss of an epoch is the mean over the examples that count. How many those are, a step of `training_step` knows from its
    loss: rows with `ignore_index` do not count, and a sum is divided by the number of examples. Any other step is assumed to return
    a mean over the rows of its batch. A planned step is traced once: it must depend on carry, batch and generators alone.

    Args:
        step: `step(carry, batch) -> (carry, J)`, as `training_step` makes it.
        carry: what is trained, (params, optimizer.init(params)).
        data: (x, y) of tensors or arrays with the examples along the first dimension; or batches (x, y) that can be run through
            once an epoch, as a `DataLoader`, which has its own size and order. With a mesh, what has a method `share(place, of)`
            is asked for the batches of this process: they may be other in number and size than those of the others.
        epochs: the number of passes.
        batch: how many examples a step gets, at least 1; needed for (x, y).
        generator: what the order is drawn from; needed for (x, y).
        score: of a carry, lower is better, taken after each epoch.
        patience: training stops once the score has not improved for so many epochs, and the carry of the best epoch is returned. A
            score of NaN is no improvement; if every one is, the last carry is returned.
        callbacks: see each epoch, and may save it; one that returns True makes it the last.
        observe: may wrap the batches of an epoch, as progress bars do.
        engine: "pure", the step as it stands; "plan", a flat program made of it, the same values up to rounding; "native", that
            program in C, for small nets where there is a C compiler. None: "plan" for a step that can be planned, else "pure". If
            the one asked for cannot run the step, the next slower one does, after a `RuntimeWarning`; each epoch names its own.
        mesh: the processes that train together; all of them call `fit` with the same arguments, and get what one alone would get.
            For a step of `training_step`. None: this process alone.

    Returns:
        The carry, and one `Epoch` a pass.

    Raises:
        ValueError: an argument of another class, patience without score, data without examples; a mesh of other processes than
            there are, or whose processes begin with different values; and what the step raises.

    >>> import torch
    >>> from pure_mlp import linear_bottom, linear_init, mse, sgd, training_step
    >>> x = torch.linspace(-1, 1, 20).unsqueeze(1)
    >>> params, optimizer = linear_init(1, 1, Generator().manual_seed(0)), sgd(0.5)
    >>> carry, history = fit(training_step(linear_bottom, mse, optimizer), (params, optimizer.init(params)), (x, 3 * x),
    ...                      epochs=20, batch=5, generator=Generator().manual_seed(0))
    >>> round(carry[0].weight.item(), 3), history[-1].engine
    (3.0, 'plan')
    """
    for name, value, right, expected in (
        ("step", step, callable(step), "step(carry, batch) -> (carry, J), as training_step makes it"),
        ("epochs", epochs, isinstance(epochs, SupportsIndex), "a whole number"),
        ("batch", batch, batch is None or isinstance(batch, SupportsIndex), "a whole number"),
        ("generator", generator, generator is None or isinstance(generator, Generator), "a torch.Generator"),
        ("score", score, score is None or callable(score), "a function of the carry"),
        ("patience", patience, patience is None or isinstance(patience, SupportsIndex), "a whole number"),
        ("callbacks", callbacks, _functions(callbacks), "a list of functions"),
        ("observe", observe, callable(observe), "a function of the batches"),
        ("mesh", mesh, mesh is None or isinstance(mesh, Mesh), "a Mesh"),
    ):
        if not right:
            raise ValueError(f"fit: {name} is {spec(value)}, expected {expected}")
    if epochs < 0:
        raise ValueError(f"fit: epochs {epochs}, expected at least 0")
    if patience is not None and (score is None or patience < 1):
        raise ValueError(f"fit: patience {patience} needs a score, and to be at least 1")
    given = as_pair(data, carry)
    if given is not None and (batch is None or generator is None):
        raise ValueError("fit: (x, y) needs batch, how many examples a step gets, and generator, what their order is drawn from")
    weigh: Callable[[Batch], Mass] = getattr(step, "mass", lambda piece: by_rows(tree_leaves(piece)[0]))
    if mesh is None:
        folding: Folding[S, Batch] | ParallelFolding[S] = Folding(step, carry, engine)
    else:
        shared = () if given is None or generator is None else (generator.get_state(), *(torch.tensor(t.shape) for t in given))
        folding = ParallelFolding(step, carry, engine, mesh, shared)
        if isinstance(data, Shared):
            data = folding.shared(data)
    history: list[Epoch[S]] = []
    best: Epoch[S] | None = None
    for number in range(1, epochs + 1):
        pieces = cast("Iterable[Batch]", data) if given is None or batch is None else batches(given, batch, generator)
        masses: list[Mass] = []
        seen = observe(pieces)
        if not isinstance(seen, Iterable):
            raise ValueError(f"fit: observe returned {spec(seen)}, expected the batches")
        losses = folding.run(_measured(seen, weigh, masses)).tolist()
        if isinstance(folding, ParallelFolding):
            masses = folding.masses(masses, len(losses))
        if not losses:
            raise ValueError(f"fit: no batches in epoch {number}")
        now = folding.carry()
        mean = _mean(losses, masses)
        told = None if score is None else _number(score(now))
        epoch = Epoch(number, now, mean, told, folding.engine, folding.compile_seconds)
        history.append(epoch)
        done = True in [callback(epoch) for callback in callbacks]
        if patience is not None and epoch.score is not None:
            if epoch.score == epoch.score and (best is None or best.score is None or epoch.score < best.score):
                best = epoch
            done = done or number - (0 if best is None else best.number) >= patience
        if done:
            break
    last = history[-1].carry if history else folding.carry()
    return (last if best is None else best.carry), history


def _functions(given: object) -> bool:
    return isinstance(given, Sequence) and all(map(callable, given))


def _number(score: object) -> float:
    try:
        return float(cast(float, score))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"fit: the score returned {spec(score)}, expected a number") from error


def _measured(pieces: Iterable[Batch], weigh: Callable[[Batch], Mass], masses: list[Mass]) -> Iterator[Batch]:
    for piece in pieces:
        masses.append(weigh(piece))
        yield piece


def _mean(losses: Sequence[float], masses: Sequence[Mass]) -> float:
    """The mean over what counts; batches in which nothing does are left out, NaN where there are no others."""
    told = [(J, float(w), float(m)) for J, (w, m) in zip(losses, masses)]
    total = sum(m for _, _, m in told)
    return sum(J * w for J, w, m in told if m) / total if total else nan
