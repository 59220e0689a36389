"""The face: a pure step as a program that owns its memory.

The passes that make it are imported where something is planned: they cost as much as all the rest of the package.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import torch
from torch import Tensor

from pure_mlp._compile.capture.refusals import elsewhere
from pure_mlp._compile.graph import Graph, spec_of
from pure_mlp._compile.leaves import is_count, names, structure, tensors
from pure_mlp._compile.program import CHUNK, Engine, Program
from pure_mlp.record import tree_leaves, tree_like
from pure_mlp.train.step import Step

if TYPE_CHECKING:
    from pure_mlp._compile.lower import Lowered
    from pure_mlp._compile.passes.pack import Layout

S = TypeVar("S")
B = TypeVar("B")


class Plan(Generic[S, B]):
    """A pure step made a flat program, with its own copy of the carry; made by `plan`.

    Batches of other shapes, strides or dtypes get programs of their own, made when they first come.
    """

    def __init__(self, step: Step[S, B], carry: S, batch: B, engine: Engine = "plan") -> None:
        leaves = tensors(carry, "carry")
        self._step = step
        self._asked = engine
        self._leaves = [leaf.detach().clone() for leaf in leaves]
        self._carry = tree_like(carry, self._leaves)
        self._counts = array("d", [leaf.item() if is_count(leaf) else 0.0 for leaf in leaves])
        self._layout: Layout | None = None
        self._buffers: list[Tensor] = []
        self._flat = isinstance(batch, tuple) and all(isinstance(t, Tensor) for t in batch)
        self._programs: dict[object, Program] = {}
        self._use(batch)

    @property
    def source(self) -> str:
        """The program of the last batch, as Python or C."""
        return self._program.source

    @property
    def buffers(self) -> list[Tensor]:
        """The memory of the program of the last batch, besides the carry."""
        return [*self._program.buffers]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the loss of the last batch."""
        return self._program.dtype

    @property
    def engine(self) -> Engine:
        """What the program of the last batch runs on."""
        return self._program.engine

    @property
    def compile_seconds(self) -> float:
        """How long the C compiler took, over all programs so far: 0 for those found on disk, and for the engine "plan"."""
        return sum(program.seconds for program in self._programs.values())

    def step(self, batch: B) -> float:
        """Advance the carry by one batch; returns the loss. Raises `Unplannable` if the step cannot be planned for this batch."""
        loss = self._run(*batch) if self._flat else self._run(*tree_leaves(batch))  # type: ignore[misc]  # a tuple of tensors if flat
        if loss is None:
            given = self._use(batch)
            loss = self._run(*given)
            if loss is None:
                raise elsewhere(given)
        return loss.item() if isinstance(loss, Tensor) else loss

    def run(self, batches: Iterable[B]) -> Tensor:
        """Advance the carry over the batches; returns the losses (number of batches,), in the loss's dtype.

        A native program fetches up to 32 batches of equal specs before it steps over them in one call: a batch must keep its values
        until then. If the iterable raises, the carry has advanced by what came before. Raises `Unplannable` as `step` does.
        """
        return torch.tensor([*self.losses(batches)], dtype=self.dtype)

    def losses(self, batches: Iterable[B]) -> Iterator[float]:
        """The losses of `run` as they come: what was yielded before `Unplannable` is raised is what the carry has advanced by."""
        if self.engine == "plan":
            for batch in batches:
                yield self.step(batch)
            return
        waiting: list[Sequence[Tensor]] = []
        try:
            for batch in batches:
                given = cast("Sequence[Tensor]", batch) if self._flat else tensors(batch, "batch")
                if not self._fits(*given):
                    yield from self._advance(waiting)
                    given = self._use(batch)
                    if not self._fits(*given):
                        raise elsewhere(given)
                waiting.append(given)
                if len(waiting) == CHUNK:
                    yield from self._advance(waiting)
            yield from self._advance(waiting)
        finally:
            self._advance(waiting)

    def carry(self) -> S:
        """A copy of the carry as it is now."""
        return tree_like(self._carry, [leaf.clone() for leaf in self._now()])

    def restart(self, carry: S) -> bool:
        """Go on from this carry with the programs made so far; False, and nothing is done, if it has other specs than the old."""
        if structure(carry) != structure(self._carry):
            return False
        for i, (mine, leaf) in enumerate(zip(self._leaves, tree_leaves(carry))):
            mine.copy_(leaf)
            if is_count(mine):
                self._counts[i] = leaf.item()
        return True

    def _now(self) -> list[Tensor]:
        pairs = zip(self._leaves, self._counts)
        return [torch.tensor(count, dtype=torch.float64) if is_count(leaf) else leaf for leaf, count in pairs]

    def _use(self, batch: B) -> list[Tensor]:
        """Make the program for such batches the current one; returns the batch's tensors, none of them a lazy negative."""
        given = [t.resolve_neg() for t in tensors(batch, "batch")]
        key = tuple(map(spec_of, given))
        if key not in self._programs:
            self._programs[key] = self._build(given, batch)
        self._program = self._programs[key]
        self._run = self._program.run
        self._fits = self._program.fits or (lambda *tensors: False)
        return given

    def _advance(self, waiting: list[Sequence[Tensor]]) -> list[float]:
        """Step over the waiting batches, and forget them; returns their losses."""
        if not waiting or not self._program.chunk:
            return []
        batches = [*waiting]
        waiting.clear()
        losses: list[float] = self._program.chunk(batches).tolist()
        return losses

    def _packed(self, graph: Graph) -> Graph:
        """The graph on flat buffers: the first program decides which, others join if they want the same."""
        from pure_mlp._compile.passes.pack import flatten, groups_of, layout_of, pack

        groups = groups_of(graph)
        if self._layout is None:
            self._layout = layout_of(groups)
            self._buffers = flatten(self._leaves, self._layout)
            self._carry = tree_like(self._carry, self._leaves)
        return pack(graph, groups, len(self._leaves)) if self._layout == layout_of(groups) and groups else graph

    def _build(self, batch: Sequence[Tensor], tree: B) -> Program:
        lowered = self._lowered(batch, tree)
        if self._asked == "native":
            from pure_mlp._compile.c.program import native

            return native(lowered, self._counts)
        from pure_mlp._compile.calls.emit import Emitter

        run, source = Emitter(lowered.places, self._counts, lowered.names).program(lowered.order, lowered.outputs, lowered.slots)
        return Program(run, source, lowered.places.buffers, lowered.outputs[-1].like.dtype)

    def _lowered(self, batch: Sequence[Tensor], tree: B) -> Lowered:
        from pure_mlp._compile.build import graph_of
        from pure_mlp._compile.lower import lower

        graph = self._packed(graph_of(self._step, self._carry, self._now(), tree, batch))
        paths = [f"c{name}" for name in names(self._carry)] + [f"flat{i}" for i in range(len(self._buffers))]
        return lower(graph, [*self._leaves, *self._buffers], paths, [f"x{name}" for name in names(tree)])


def plan(step: Step[S, B], carry: S, batch: B, *, engine: Engine = "plan") -> Plan[S, B]:
    """Plan the step for batches like this one. The step is run once, on a copy; neither carry nor batch nor generators change.

    What the step reads from Python is read now and stays: numbers, shapes, which tensors it captures (their values may change).
    Who multiplies is chosen now, among the libraries in torch's wheel, by timing where products are large: within a process equal
    steps give equal values, two processes may differ by rounding.
    The engine "plan" calls torch; "native" is C, compiled here and kept on disk: the same values up to rounding, for nets so small
    that calls are what costs. Raises `Unplannable`, naming operation and source line, for a step that reads values into Python,
    changes tensors in place that it did not make, returns a carry of another structure or a loss that is not 0-dim; and natively
    where there is no C compiler, or no C for an operation.

    >>> def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    ...     return w - 0.5 * x, (w * x).sum()
    >>> planned = plan(step, torch.ones(2), torch.ones(2))
    >>> planned.step(torch.ones(2)), planned.carry()
    (2.0, tensor([0.5000, 0.5000]))
    """
    return Plan(step, carry, batch, engine)
