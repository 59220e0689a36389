"""The face of the compiler: a pure step as a program that owns its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.leaves import is_plain, structure, tensors
from pure_mlp._compile.modes import outside_inference
from pure_mlp._compile.program import CHUNK, Engine, Program
from pure_mlp._compile.programs import Made, Programs
from pure_mlp._compile.spec import Spec, spec_of
from pure_mlp.record import tree_leaves, tree_like, tree_map
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")


class Plan(Generic[S, B]):
    """A pure step made a flat program, with its own copy of the carry.

    A program is made for the first batch, and for batches of other shapes, strides or dtypes as they come: at
    once for the second kind, later for those that stay rare, which the pure step serves meanwhile. Before a
    program is trusted, its first two steps are also made by the pure step: the changes of every leaf and the
    loss must agree, within 1e-3 of the largest change in float32 and four units in the last place. What the
    pure step raises on a batch is raised here too, and leaves the carry as it was.

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
        from pure_mlp._compile.carry import Carry  # the compiler is imported where something is compiled

        self._step = step
        self._asked: Engine = engine
        with outside_inference():
            self._carry = Carry(carry)
        self._programs = Programs(engine)
        self._program: Program | None = None
        self._run: Callable[..., Tensor | float | None] = _none
        self._fits: Callable[..., bool] = _never
        self._flat = False
        self._rest: S | None = None
        self._dtype: torch.dtype | None = None
        self.refusal: Unplannable | None = None
        if batch is not None:
            self._rehearse(batch)

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
        return self._program.dtype if self._program else self._dtype

    @property
    def engine(self) -> Engine:
        """What the program of the last batch runs on."""
        return self._program.engine if self._program else self._asked

    @property
    def compile_seconds(self) -> float:
        """How long the C compiler took for the programs kept: 0 for those found on disk, and for the engine "plan"."""
        return self._programs.seconds

    def step(self, batch: B) -> float:
        """Advance the carry by one batch; returns the loss.

        Raises `Unplannable`, with nothing changed, for a batch that holds other things than plain tensors, and
        once the step has turned out not to be planned.
        """
        if self.refusal is not None:
            raise self.refusal
        try:
            loss = self._run(*batch) if self._flat else self._run(*tree_leaves(batch))  # type: ignore[misc]  # a tuple of tensors if flat
        except Exception:  # of whatever kind: the pure step says it in its own words
            return self._pure(batch)
        if loss is None:
            return self._otherwise(batch)
        self._programs.steps += 1
        return loss.item() if isinstance(loss, Tensor) else loss

    def run(self, batches: Iterable[B]) -> Tensor:
        """Advance the carry over the batches; returns the losses (number of batches,), in the loss's dtype.

        Raises `Unplannable` once the step has turned out not to be planned: the carry has then advanced by the
        batches so far.
        """
        losses = [*self.losses(iter(batches), kept=isinstance(batches, (list, tuple)))]
        if self.refusal is not None:
            raise self.refusal
        return torch.tensor(losses, dtype=self.dtype)

    def losses(self, batches: Iterator[B], *, kept: bool = False) -> Iterator[float]:
        """The losses of `run` as they come; no more once the step is refused, with the rest of the batches
        untouched.

        kept says that a batch keeps its values until the next 32 have been drawn: a native program then takes
        as many at once.
        """
        waiting: list[tuple[B, Sequence[Tensor]]] = []
        try:
            for batch in batches if self.refusal is None else ():
                given = tree_leaves(batch) if kept else []
                if given and self._fits(*given):
                    waiting.append((batch, given))
                    if len(waiting) == CHUNK:
                        yield from self._together(waiting)
                    continue
                yield from self._together(waiting)
                try:
                    yield self.step(batch)
                except Unplannable as refusal:
                    self.refusal = refusal
                    yield self._pure(batch)
                if self.refusal is not None:
                    return
            yield from self._together(waiting)
        finally:
            for _ in self._together(waiting):
                pass

    def carry(self) -> S:
        """A copy of the carry as it is now."""
        return _cloned(self._rest) if self._rest is not None else self._carry.tree(self._carry.copy())

    def restart(self, carry: S) -> bool:
        """Go on from this carry with the programs made so far; False, and nothing is done, if it has other
        specs than the old.

        The next step of each program is compared with the pure step: what that reads from Python may have changed.
        """
        if self.refusal is not None or structure(carry) != self._carry.structure:
            return False
        self._carry.set(tree_leaves(carry))
        self._programs.doubt()
        self._run, self._fits = _none, _never
        return True

    def _otherwise(self, batch: B) -> float:
        """A step that the program at hand does not take, or is not yet trusted with."""
        given = _plain(batch)
        key = tuple(map(spec_of, given))
        made = self._programs.find(key)
        if made is None:
            return self._make(batch, given, key) if self._programs.worth() else self._pure(batch)
        if not made.trusted:
            return self._try(made, batch, given, key)
        self._use(made, batch)
        try:
            loss = made.program.run(*given)
        except Exception:
            loss = None  # an error of the batch, which the step says in its own words
        if loss is None:  # or a rate of 0 or inf
            return self._pure(batch)
        self._programs.steps += 1
        return loss.item() if isinstance(loss, Tensor) else loss

    def _use(self, made: Made, batch: B) -> None:
        self._program = made.program
        self._run, self._fits = made.program.run, made.program.fits or _never
        leaves = batch if isinstance(batch, tuple) else ()
        self._flat = type(batch) is tuple and all(isinstance(t, Tensor) for t in leaves)

    def _pure(self, batch: B) -> float:
        """One step as it stands, on a copy of the carry."""
        after, loss = self._step(self._carry.tree(self._carry.copy()), batch)
        self._programs.steps += 1
        return self._adopt(after, loss)

    def _adopt(self, after: S, loss: Tensor) -> float:
        """Go on from what the step made; where that has another structure, without a program."""
        if structure(after) == self._carry.structure:
            self._carry.set(tree_leaves(after))
        else:
            self._rest = _cloned(after)
            self.refusal = self.refusal or Unplannable("the new carry differs from the old one in structure, shapes or dtypes")
        self._dtype = loss.dtype
        return loss.item()

    def _make(self, batch: B, given: list[Tensor], key: tuple[Spec, ...]) -> float:
        """Make the step as it stands, and a program of it, which must come to the same."""
        from pure_mlp._compile.pipeline import compiled, traced_step
        from pure_mlp._compile.trial import trial

        before = self._carry.copy()
        traced = traced_step(self._step, self._carry, before, batch, given)
        self._programs.counted()
        self._programs.steps += 1
        after, loss = traced.result
        try:
            program = compiled(traced, self._carry, batch, self._asked)
        except Unplannable as refusal:
            self.refusal = refusal
            return self._adopt(after, loss)
        self._programs.add(key, Made(program, [g for g, _, _ in traced.generators]))
        self._program, self._run, self._fits = program, _none, _never
        verdict = trial(program, self._carry, given, before, [*tree_leaves(after), loss], traced.generators)
        self.refusal = verdict.refusal
        return self._adopt(after, loss) if verdict.loss is None else verdict.loss

    def _try(self, made: Made, batch: B, given: list[Tensor], key: tuple[Spec, ...]) -> float:
        """A step of a program that is not trusted yet, beside the pure one."""
        from pure_mlp._compile.trial import trial

        before, first = self._carry.copy(), [g.get_state() for g in made.generators]
        after, loss = self._step(self._carry.tree(before), tree_like(batch, given))
        self._programs.steps += 1
        last = [g.get_state() for g in made.generators]
        draws = [*zip(made.generators, first, last)]
        verdict = trial(made.program, self._carry, given, before, [*tree_leaves(after), loss], draws)
        if verdict.loss is not None:
            made = made._replace(proved=True, trusted=True)
            self._programs.add(key, made)
            self._use(made, batch)
            return verdict.loss
        if verdict.refusal is not None and made.proved:  # what the step reads from Python has changed
            self._programs.forget(key)
        else:
            self.refusal = verdict.refusal
        return self._adopt(after, loss)

    def _rehearse(self, batch: B) -> None:
        """Make the program for such batches and compare it with a second run of the step; nothing else changes."""
        from pure_mlp._compile.pipeline import compiled, traced_step
        from pure_mlp._compile.trial import trial

        given, before = _plain(batch), self._carry.copy()
        traced = traced_step(self._step, self._carry, before, batch, given)
        try:
            program = compiled(traced, self._carry, batch, self._asked)
            after, loss = self._step(self._carry.tree(before), tree_like(batch, given))
            draws = [(generator, last, generator.get_state()) for generator, _, last in traced.generators]
            verdict = trial(program, self._carry, given, before, [*tree_leaves(after), loss], draws)
        finally:
            for generator, first, _ in traced.generators:
                generator.set_state(first)
        self._carry.set(before)
        if verdict.refusal is not None:
            raise verdict.refusal
        agreed = verdict.loss is not None
        made = Made(program, [g for g, _, _ in traced.generators], proved=agreed, trusted=agreed)
        self._programs.add(tuple(map(spec_of, given)), made)
        self._programs.counted()
        self._use(made, batch)
        if not agreed:
            self._run, self._fits = _none, _never

    def _together(self, waiting: list[tuple[B, Sequence[Tensor]]]) -> Iterator[float]:
        """Step over the waiting batches in one call, and forget them; from the first that fails on, one at a time."""
        batches = [*waiting]
        waiting.clear()
        if batches and self._program and self._program.chunk:
            losses = self._program.chunk([given for _, given in batches]).tolist()
            self._programs.steps += len(losses)
            yield from losses
            del batches[: len(losses)]
        for batch, _ in batches:
            yield self.step(batch)


def _plain(batch: object) -> list[Tensor]:
    """The tensors of a batch as plain ones: no tape, no lazy negatives. Raises `Unplannable` for other leaves."""
    given = tensors(batch, "batch")
    for t in given:
        if not is_plain(t) or t.layout != torch.strided:
            raise Unplannable(f"the batch holds {type(t).__name__}, not plain tensors alone")
    return [t.detach().resolve_neg() for t in given]


def _cloned(tree: S) -> S:
    return tree_map(lambda leaf: leaf.detach().clone() if isinstance(leaf, Tensor) else leaf, tree)


def _none(*tensors: Tensor) -> None:
    return None


def _never(*tensors: Tensor) -> bool:
    return False
