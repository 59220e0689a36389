"""The face of the compiler: a pure step as a program that owns its memory."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.leaves import skeleton
from pure_mlp._compile.modes import modes
from pure_mlp._compile.program import CHUNK, SLICES, Engine, Program
from pure_mlp._compile.slices import SliceIterator, keep_values
from pure_mlp._compile.stepper import Stepper
from pure_mlp.record import tree_leaves
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")


class Plan(Generic[S, B]):
    """A pure step made a flat program, with its own copy of the carry.

    A program is made for the first batch, and for batches of other shapes, strides or dtypes as they come: at once
    for the second kind, for each further one after hundreds of steps, which the pure step makes until then. Before a
    program is trusted, its first two steps are also made by the pure step: the changes of every leaf and the loss
    must agree, within 1e-3 of the largest change in float32 and four units in the last place, or within what a unit
    in the last place of the inputs does to them. What the pure step raises on a batch is raised here too, and leaves
    the carry as it was.

    What the step reads from Python is read when a program is made and stays: numbers, shapes, which tensors it
    captures (their values may change). Within a process equal steps give equal values.

    Args:
        step: `step(carry, batch) -> (carry, loss)`, pure but for draws from generators.
        carry: a tree of tensors. It is copied, and every leaf keeps its strides, whatever those of the step's
            results; 0-dim float64 leaves are counts, and may come from arithmetic only.
        batch: a tree of tensors, for which a program is made now: the step runs twice on copies, and neither
            carry nor generators change. By default the first program is made with the first batch.
        engine: "plan" calls torch and the BLAS in its wheel; "native" is C, compiled here and kept on disk, for
            nets so small that calls are what costs.

    Raises:
        Unplannable: with operation and source line, for a step that reads values into Python, changes tensors
            in place that it did not make, returns a carry of another structure or a loss that is not 0-dim, or
            does not do the same twice; and natively where there is no C compiler, or no C for an operation.

    >>> def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    ...     return w - 0.5 * x, (w * x).sum()
    >>> planned = Plan(step, torch.ones(2), torch.ones(2))
    >>> planned.step(torch.ones(2)), planned.carry()
    (2.0, tensor([0.5000, 0.5000]))
    """

    def __init__(self, step: Step[S, B], carry: S, batch: B | None = None, *, engine: Engine = "plan") -> None:
        self._stepper = Stepper(step, carry, engine)
        self._run: Callable[..., Tensor | float | None] = _none
        self._fits: Callable[..., bool] | None = None
        self._built, self._modes = self._stepper.built, self._stepper.modes
        if batch is not None:
            self._stepper.rehearse(batch)
            self._use()

    @property
    def refusal(self) -> Unplannable | None:
        """Why the step has no program, once that is known."""
        return self._stepper.refusal

    @property
    def source(self) -> str:
        """The program of the last batch, as Python or C."""
        return self._program.source if self._program else ""

    @property
    def buffers(self) -> list[Tensor]:
        """The memory of the program of the last batch, besides the carry."""
        return [*self._program.buffers] if self._program else []

    @property
    def dtype(self) -> torch.dtype | None:
        """The dtype of the loss of the last batch; None before there is one."""
        return self._program.dtype if self._program else self._stepper.dtype

    @property
    def engine(self) -> Engine:
        """What the program of the last batch runs on."""
        return self._program.engine if self._program else self._stepper.engine

    @property
    def compile_seconds(self) -> float:
        """How long the C compiler took for the programs kept: 0 for those found on disk, and for the engine "plan"."""
        return self._stepper.programs.seconds

    def step(self, batch: B) -> float:
        """Advance the carry by one batch; returns the loss.

        Raises `Unplannable`, with nothing changed, for a batch that holds other things than plain tensors, and
        once the step has turned out not to be planned.
        """
        if self._stepper.refusal is not None:
            raise self._stepper.refusal
        given = self._given(batch)
        try:
            loss = self._run(*given) if given is not None and modes() == self._modes else None
        except Exception:  # of whatever class: the pure step raises its own
            return self._stepper.pure(batch)
        if loss is None:
            loss = self._stepper.step(batch)
            self._use()
            return loss
        self._stepper.programs.steps += 1
        return loss.item() if isinstance(loss, Tensor) else loss

    def run(self, batches: Iterable[B]) -> Tensor:
        """Advance the carry over the batches; returns the losses (number of batches,), in the loss's dtype.

        Raises `Unplannable` once the step has turned out not to be planned: the carry has then advanced by the
        batches so far.
        """
        losses = list[float]()
        self.advance(iter(batches), losses, kept=keep_values(batches))
        if self.refusal is not None:
            raise self.refusal
        return torch.tensor(losses, dtype=self.dtype, device="cpu")

    def advance(self, batches: Iterator[B], losses: list[float], *, kept: bool = False) -> None:
        """Advance as `run` does, and append the losses as they come; no further once the step is refused, with
        the rest of the batches untouched.

        kept says that a batch keeps its values until the next 32 have been drawn: a native program then takes
        as many at once.
        """
        waiting: list[tuple[B, Sequence[Tensor]]] = []
        try:
            for batch in batches if self.refusal is None else ():
                given = self._given(batch) if kept and self._fits is not None else None
                if given and self._fits is not None and self._fits(*given):
                    if isinstance(batches, SliceIterator) and modes() == self._modes:
                        self._sliced(batches, losses)
                        continue
                    waiting.append((batch, given))
                    if len(waiting) == CHUNK:
                        self._together(waiting, losses)
                    continue
                self._together(waiting, losses)
                try:
                    losses.append(self.step(batch))
                except Unplannable as refusal:
                    self._stepper.refusal = refusal
                    losses.append(self._stepper.pure(batch))
                if self.refusal is not None:
                    return
        finally:
            self._together(waiting, losses)

    def carry(self) -> S:
        """A copy of the carry as it is now."""
        return self._stepper.carry()

    def now(self) -> S:
        """The carry as it is now, in memory that the next step overwrites."""
        return self._stepper.now()

    def restart(self, carry: S) -> bool:
        """Go on from this carry with the programs made so far; False, and nothing is done, if it has other
        specs than the old.

        The next step of each program is compared with the pure step: what that reads from Python may have changed.
        """
        if not self._stepper.restart(carry):
            return False
        self._run, self._fits = _none, None
        return True

    @property
    def _program(self) -> Program | None:
        return self._stepper.program

    def _use(self) -> None:
        """Let the next batch go straight to the program used last, where that is trusted."""
        program = self._stepper.program if self._stepper.trusted else None
        self._run, self._fits = (program.run, program.fits) if program else (_none, None)
        self._built, self._modes = self._stepper.built, self._stepper.modes

    def _given(self, batch: B) -> Sequence[Tensor] | None:
        """The leaves of a batch that is built as the program takes it; None for any other."""
        flat, size, made = self._built
        if type(batch) is flat and len(batch) == size:  # type: ignore[arg-type]  # a tuple or list
            return batch  # type: ignore[return-value]  # of tensors, or of what no program takes
        return tree_leaves(batch) if skeleton(batch) == made else None

    def _sliced(self, batches: SliceIterator[B], losses: list[float]) -> None:
        """Step over the slice drawn last and all that follow, many a call; or to the end of the first that fails."""
        batches.at -= 1
        while batches.left and self._program and self._program.chunk:
            count = min(batches.left, SLICES)
            addresses = batches.addresses(count)
            made = self._program.chunk(addresses.data_ptr(), count).tolist()
            self._stepper.programs.steps += len(made)
            losses += made
            batches.at += len(made)
            if len(made) < count:
                losses.append(self.step(next(batches)))
                return

    def _together(self, waiting: list[tuple[B, Sequence[Tensor]]], losses: list[float]) -> None:
        """Step over the waiting batches in one call, and forget them; from the first that fails on, one at a time."""
        batches = [*waiting]
        waiting.clear()
        if batches and self._program and self._program.chunk and modes() == self._modes:
            addresses = array("Q", [t.data_ptr() for _, given in batches for t in given])
            made = self._program.chunk(addresses.buffer_info()[0], len(batches)).tolist()
            self._stepper.programs.steps += len(made)
            losses += made
            del batches[: len(made)]
        for batch, _ in batches:
            losses.append(self.step(batch))


def _none(*tensors: Tensor) -> None:
    return None
