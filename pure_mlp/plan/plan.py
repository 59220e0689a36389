"""The face: a pure step as a program that owns its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from pure_mlp.plan.emit import Emitter, Run
from pure_mlp.plan.graph import Graph, Node, Unplannable, spec_of
from pure_mlp.plan.memory import place
from pure_mlp.plan.pack import Layout, flatten, groups_of, layout_of, pack
from pure_mlp.plan.rewrite import rewrite
from pure_mlp.plan.schedule import chains, schedule, separate
from pure_mlp.plan.simplify import simplify
from pure_mlp.plan.trace import trace
from pure_mlp.record import tree_items, tree_leaves, tree_like
from pure_mlp.train import Step

S = TypeVar("S")
B = TypeVar("B")


class Program(NamedTuple):
    """The step for batches of one shape: what runs, its source, and the buffers besides the carry."""

    run: Run
    source: str
    buffers: list[Tensor]
    dtype: torch.dtype


class Plan(Generic[S, B]):
    """A pure step made a flat program, with its own copy of the carry; made by `plan`.

    Batches of other shapes, strides or dtypes get programs of their own, made when they first come.
    """

    def __init__(self, step: Step[S, B], carry: S, batch: B) -> None:
        leaves = _tensors(carry, "carry")
        self._step = step
        self._leaves = [leaf.detach().clone() for leaf in leaves]
        self._carry = tree_like(carry, self._leaves)
        self._counts = [leaf.item() if spec_of(leaf)[0] == () and leaf.dtype == torch.float64 else 0.0 for leaf in leaves]
        self._layout: Layout | None = None
        self._buffers: list[Tensor] = []
        self._flat = isinstance(batch, tuple) and all(isinstance(t, Tensor) for t in batch)
        self._programs: dict[object, Program] = {}
        self._program = self._program_for(_tensors(batch, "batch"), batch)
        self._run = self._program.run

    @property
    def source(self) -> str:
        """The program of the last batch, as Python."""
        return self._program.source

    @property
    def buffers(self) -> list[Tensor]:
        """The memory of the program of the last batch, besides the carry."""
        return [*self._program.buffers]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the loss of the last batch."""
        return self._program.dtype

    def step(self, batch: B) -> float:
        """Advance the carry by one batch; returns the loss. Raises `Unplannable` if the step cannot be planned for this batch."""
        loss = self._run(*batch) if self._flat else self._run(*tree_leaves(batch))  # type: ignore[misc]  # a tuple of tensors if flat
        if loss is None:
            tensors = _tensors(batch, "batch")
            self._program = self._program_for(tensors, batch)
            self._run = self._program.run
            loss = cast(Tensor, self._run(*tensors))
        return loss.item()

    def carry(self) -> S:
        """A copy of the carry as it is now."""
        return tree_like(self._carry, [leaf.clone() for leaf in self._now()])

    def _now(self) -> list[Tensor]:
        return [
            torch.tensor(count, dtype=torch.float64) if leaf.dim() == 0 and leaf.dtype == torch.float64 else leaf
            for leaf, count in zip(self._leaves, self._counts)
        ]

    def _program_for(self, batch: Sequence[Tensor], tree: B) -> Program:
        key = tuple(map(spec_of, batch))
        if key not in self._programs:
            self._programs[key] = self._build(batch, tree)
        return self._programs[key]

    def _packed(self, graph: Graph) -> Graph:
        """The graph on flat buffers: the first program decides which, others join if they want the same."""
        groups = groups_of(graph)
        if self._layout is None:
            self._layout = layout_of(groups)
            self._buffers = flatten(self._leaves, self._layout)
            self._carry = tree_like(self._carry, self._leaves)
        return pack(graph, groups, len(self._leaves)) if self._layout == layout_of(groups) and groups else graph

    def _build(self, batch: Sequence[Tensor], tree: B) -> Program:
        carry, own = self._now(), [t.detach() for t in batch]  # a tensor that comes twice is two inputs

        def run() -> list[Tensor]:
            after, loss = self._step(tree_like(self._carry, carry), tree_like(tree, own))
            if not isinstance(loss, Tensor) or loss.dim() != 0:
                raise Unplannable(f"the loss is not a 0-dim tensor: {loss if not isinstance(loss, Tensor) else tuple(loss.shape)}")
            leaves = _tensors(after, "new carry")
            if [(t.shape, t.dtype) for t in leaves] != [(t.shape, t.dtype) for t in carry]:
                raise Unplannable("the new carry differs from the old one in structure, shapes or dtypes")
            return [*leaves, loss]

        traced = trace(run, carry, own)
        graph = self._packed(separate(rewrite(simplify(traced))))
        live = graph.live()
        slots = cast("list[Node]", sorted((node for node in live if node.op == "carry"), key=lambda node: int(str(node.args[0]))))
        chain = chains(graph, live)
        order = schedule(live, chain)
        places = place(order, graph.outputs, [*self._leaves, *self._buffers], chain)
        names = {node: f"x{name}" for node, name in zip([n for n in live if n.op == "batch"], _names(tree))}
        paths = [f"c{name}" for name in _names(self._carry)] + [f"flat{i}" for i in range(len(self._buffers))]
        names |= {node: paths[int(str(node.args[-1]))] for node in live if node.op in ("carry", "slice")}
        run_program, source = Emitter(places, self._counts, names).program(order, graph.outputs, slots)
        return Program(run_program, source, places.buffers, graph.outputs[-1].like.dtype)


def plan(step: Step[S, B], carry: S, batch: B) -> Plan[S, B]:
    """Plan the step for batches like this one. The step is run once, on a copy; neither carry nor batch nor generators change.

    What the step reads from Python is read now and stays: numbers, shapes, which tensors it captures (their values may change).
    Raises `Unplannable`, naming operation and source line, for a step that reads values into Python, changes tensors in place that
    it did not make, returns a carry of another structure or a loss that is not 0-dim.

    >>> def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    ...     return w - 0.5 * x, (w * x).sum()
    >>> planned = plan(step, torch.ones(2), torch.ones(2))
    >>> planned.step(torch.ones(2)), planned.carry()
    (2.0, tensor([0.5000, 0.5000]))
    """
    return Plan(step, carry, batch)


def _tensors(tree: object, what: str) -> list[Tensor]:
    leaves = tree_leaves(tree)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise Unplannable(f"the {what} holds {type(leaf).__name__}, not tensors alone")
    return leaves


def _names(tree: object) -> list[str]:
    return [path.replace(".", "_") for path, _ in tree_items(tree)]
