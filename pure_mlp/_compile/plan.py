"""The face of the compiler: a pure step as a program that owns its memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import torch
from torch import Generator, Tensor
from torch.nn import Parameter

from pure_mlp._compile.check import difference
from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.modes import outside_inference
from pure_mlp._compile.program import CHUNK, Engine, Program
from pure_mlp._compile.spec import Spec, spec_of
from pure_mlp.record import tree_leaves, tree_like, tree_map
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")

Draw: TypeAlias = tuple[Generator, Tensor, Tensor]
"""A generator, and its states before and after a step."""
_KEPT = 16
"""Programs that a plan keeps, the ones used last."""
_EARLY = 2
"""Shapes of batches for which a program is made at once: the usual batch, and the shorter last one."""
_STEPS: dict[Engine, int] = {"plan": 100, "native": 1000}
"""Pure steps that making one program costs, about: more programs are made once so many steps have been run for
each.
"""


class _Made(NamedTuple):
    """A program and the generators it draws from; whether it has agreed with the pure step on a second batch,
    and once more since `restart`.
    """

    program: Program
    generators: list[Generator]
    proved: bool = False
    trusted: bool = False


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
        carry: a tree of tensors. It is copied; 0-dim float64 leaves are counts, and may come from arithmetic
            only.
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
        from pure_mlp._compile.carry import Carry

        self._step, self._asked = step, engine
        with outside_inference():
            self._carry = Carry(carry)
        self._made: OrderedDict[object, _Made] = OrderedDict()
        self._count, self._steps = 0, 0
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
        return sum(made.program.seconds for made in self._made.values())

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
        self._steps += 1
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
        from pure_mlp._compile.carry import structure

        if self.refusal is not None or structure(carry) != self._carry.structure:
            return False
        self._carry.set(tree_leaves(carry))
        self._made = OrderedDict((key, made._replace(trusted=False)) for key, made in self._made.items())
        self._run, self._fits = _none, _never
        return True

    def _otherwise(self, batch: B) -> float:
        """A step that the program at hand does not take, or is not yet trusted with."""
        given = _plain(batch)
        key = tuple(map(spec_of, given))
        made = self._made.get(key)
        if made is not None and any(t.data_ptr() != at for t, at in made.program.captured):
            made = None  # a tensor that the step captures has other memory now
        if made is None:
            return self._make(batch, given, key) if self._worth() else self._pure(batch)
        self._made.move_to_end(key)
        if not made.trusted:
            return self._try(made, batch, given, key)
        self._use(made, batch)
        try:
            loss = made.program.run(*given)
        except Exception:
            loss = None  # an error of the batch, which the step says in its own words
        if loss is None:  # or a rate of 0 or inf
            return self._pure(batch)
        self._steps += 1
        return loss if isinstance(loss, float) else loss.item()

    def _worth(self) -> bool:
        return self._count < _EARLY or self._steps >= self._count * _STEPS.get(self._asked, 0)

    def _use(self, made: _Made, batch: B) -> None:
        self._program = made.program
        self._run, self._fits = made.program.run, made.program.fits or _never
        leaves = batch if isinstance(batch, tuple) else ()
        self._flat = type(batch) is tuple and all(isinstance(t, Tensor) for t in leaves)

    def _pure(self, batch: B) -> float:
        """One step as it stands, on a copy of the carry."""
        after, loss = self._step(self._carry.tree(self._carry.copy()), batch)
        self._steps += 1
        return self._adopt(after, loss)

    def _adopt(self, after: S, loss: Tensor) -> float:
        """Go on from what the step made; where it has another structure, without a program."""
        from pure_mlp._compile.carry import structure

        if structure(after) == self._carry.structure:
            self._carry.set(tree_leaves(after))
        else:
            self._rest = _cloned(after)
        self._dtype = loss.dtype
        return loss.item()

    def _make(self, batch: B, given: list[Tensor], key: tuple[Spec, ...]) -> float:
        """Make the step as it stands, and a program of it, which must come to the same."""
        from pure_mlp._compile.pipeline import compiled, traced_step

        before = self._carry.copy()
        traced = traced_step(self._step, self._carry, before, batch, given)
        self._count, self._steps = self._count + 1, self._steps + 1
        after, loss = traced.result
        try:
            program = compiled(traced, self._carry, batch, self._asked)
        except Unplannable as refusal:
            self.refusal = refusal
            return self._adopt(after, loss)
        self._made[key] = made = _Made(program, [g for g, _, _ in traced.generators])
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        self._program, self._run, self._fits = program, _none, _never
        return self._tried(made, given, before, after, loss, traced.generators)

    def _try(self, made: _Made, batch: B, given: list[Tensor], key: tuple[Spec, ...]) -> float:
        """The second step of a program, beside the pure one."""
        before, first = self._carry.copy(), [g.get_state() for g in made.generators]
        after, loss = self._step(self._carry.tree(before), tree_like(batch, given))
        self._steps += 1
        last = [g.get_state() for g in made.generators]
        mine = self._tried(made, given, before, after, loss, [*zip(made.generators, first, last)])
        if self.refusal is None:
            self._made[key] = made._replace(proved=True, trusted=True)
            self._use(made, batch)
        elif made.proved:  # what the step reads from Python has changed
            del self._made[key]
            self.refusal = None
        return mine

    def _tried(
        self, made: _Made, given: list[Tensor], before: list[Tensor], after: S, loss: Tensor, draws: Sequence[Draw]
    ) -> float:
        """Run the program where the pure step was run, and go on from what it makes if that agrees, else from
        what the pure step made.
        """
        for generator, first, _ in draws:
            generator.set_state(first)
        mine = None
        try:
            mine = made.program.run(*given)
        except Exception as error:  # of whatever kind: the pure step has not failed
            self.refusal = Unplannable(f"the program fails where the step does not: {type(error).__name__}: {error}")
        if mine is not None:
            value = mine if isinstance(mine, Tensor) else torch.tensor(mine, dtype=loss.dtype)
            moved = any(not torch.equal(generator.get_state(), last) for generator, _, last in draws)
            expected, got = [*tree_leaves(after), loss], [*self._carry.now(), value]
            reason = difference(self._carry.names, before, expected, got, made.program.coarsest)
            reason = "a generator that the step makes or seeds itself" if moved else reason
            self.refusal = None if reason is None else Unplannable(f"the program differs from the step: {reason}")
        for generator, _, last in draws:
            generator.set_state(last)
        if mine is None or self.refusal is not None:
            return self._adopt(after, loss)
        return float(value.item())

    def _rehearse(self, batch: B) -> None:
        """Make the program for such batches, compare it with a second run of the step, and leave carry and
        generators as they were.
        """
        from pure_mlp._compile.pipeline import compiled, traced_step

        given, before = _plain(batch), self._carry.copy()
        traced = traced_step(self._step, self._carry, before, batch, given)
        generators = [generator for generator, _, _ in traced.generators]
        try:
            made = _Made(compiled(traced, self._carry, batch, self._asked), generators, proved=True, trusted=True)
            after, loss = self._step(self._carry.tree(before), tree_like(batch, given))
            draws = [(generator, last, generator.get_state()) for generator, _, last in traced.generators]
            self._tried(made, given, before, after, loss, draws)
        finally:
            for generator, first, _ in traced.generators:
                generator.set_state(first)
        self._carry.set(before)
        if self.refusal is not None:
            raise self.refusal
        self._made[tuple(map(spec_of, given))], self._count = made, 1
        self._use(made, batch)

    def _together(self, waiting: list[tuple[B, Sequence[Tensor]]]) -> Iterator[float]:
        """Step over the waiting batches in one call, and forget them; from the first that fails on, one at a time."""
        batches = [*waiting]
        waiting.clear()
        if batches and self._program and self._program.chunk:
            losses = self._program.chunk([given for _, given in batches]).tolist()
            self._steps += len(losses)
            yield from losses
            del batches[: len(losses)]
        for batch, _ in batches:
            yield self.step(batch)


def _plain(batch: object) -> list[Tensor]:
    """The tensors of a batch as plain ones: no tape, no lazy negatives. Raises `Unplannable` for other leaves."""
    from pure_mlp._compile.carry import tensors

    given = tensors(batch, "batch")
    for t in given:
        if type(t) not in (Tensor, Parameter) or t.layout != torch.strided:
            raise Unplannable(f"the batch holds {type(t).__name__}, not plain tensors alone")
    return [t.detach().resolve_neg() for t in given]


def _cloned(tree: S) -> S:
    return tree_map(lambda leaf: leaf.detach().clone() if isinstance(leaf, Tensor) else leaf, tree)


def _none(*tensors: Tensor) -> None:
    return None


def _never(*tensors: Tensor) -> bool:
    return False
