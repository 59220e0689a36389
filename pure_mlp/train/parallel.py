"""A training step folded over batches by several processes, each on rows of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor
from torch import distributed as dist

from pure_mlp._compile.program import Engine
from pure_mlp.distributed.arrivals import arrivals, told
from pure_mlp.distributed.buckets import Buckets
from pure_mlp.distributed.layout import lay_out
from pure_mlp.distributed.mesh import Mesh
from pure_mlp.distributed.pairs import paired
from pure_mlp.distributed.placed import placed, whole
from pure_mlp.distributed.world import join
from pure_mlp.losses.mass import Mass, mass
from pure_mlp.optim.foreach import mul
from pure_mlp.optim.optimizer import Optimizer, State
from pure_mlp.record import tree_leaves, tree_like, tree_zeros
from pure_mlp.signatures import Batch, Step
from pure_mlp.train.data import Shared
from pure_mlp.train.fold import Folding
from pure_mlp.train.step import TrainingStep, halves, value_and_grad

S = TypeVar("S")
P = TypeVar("P")

_BUCKET = 2**20
"""A message sent during the backward pass has at least this many numbers."""
_NO_ROWS = (torch.zeros(0), torch.zeros(0, dtype=torch.int64))


class ParallelFolding(Generic[S]):
    """What `Folding` is, in one process of a mesh; all of them make the same calls.

    A step has three parts. Each process computes J and the gradients of its own rows. Then sums over the processes are made of w
    times the gradients, of w J and of w, where w is how much its rows count (`mass`). The quotients are J and the gradients of all
    rows, by which each process updates what it holds. What is sent depends on the mesh, the net and the engine that was asked for,
    never on the rows.

    The engine runs the first part and the last. With "pure", and where layers send something themselves (tp > 1), nothing is
    planned, and the gradients of a layer are on their way while those of the layers below are computed.
    """

    def __init__(self, step: Step[S, Batch], carry: S, engine: Engine | None, mesh: Mesh, shared: object = ()) -> None:
        """`shared` is a tree that must be the same in every process, besides the carry."""
        if not isinstance(step, TrainingStep):
            raise ValueError(f"fit: mesh= takes a step made by training_step apart, got {type(step).__name__}")
        given: Any = carry
        params, state = whole(halves(given))
        leaves = tree_leaves(params)
        self._world = join(mesh, leaves[0].device.type if leaves else "cpu")
        self._world.agree((params, state, shared))
        self._came = carry
        self._given_own = False
        self._layout = lay_out(step.net, params, self._world)
        self._net = paired(step.net, self._world.units) if mesh.tp > 1 else step.net
        self._loss = step.loss
        self._dtype = torch.float64 if any(leaf.dtype == torch.float64 for leaf in leaves) else torch.float32

        self._as_made = mesh.tp > 1 or (engine == "pure" and not mesh.sharded)
        if mesh.tp > 1 and engine in ("plan", "native"):
            warnings.warn("the step is not planned but run as it is: its layers communicate (tp > 1)", RuntimeWarning, stacklevel=3)
        self._order = arrivals(step.net, params)
        own = self._layout.part(params), State(state.counts, tuple(map(self._layout.part, state.slots)))
        update = partial(_updated, self._layout.optimizer(step.optimizer))
        self._update: Folding[Any, Any] = Folding(update, own, engine if self._layout.shards is None else "pure")
        gradient = partial(_gradient, value_and_grad(self._net, self._loss))
        self._local: Folding[Any, Any] = Folding(gradient, tree_zeros(params), "pure" if self._as_made else engine)

    @property
    def engine(self) -> Engine:
        """What computes the gradients now."""
        return self._local.engine

    @property
    def compile_seconds(self) -> float:
        """How long the C compiler took so far."""
        return self._local.compile_seconds + self._update.compile_seconds

    def shared(self, data: Shared) -> Iterable[Batch]:
        """The share of this process in the data, of which alone `run` is then given batches."""
        self._given_own = True
        return data.share(self._world.rows.rank(), self._world.mesh.dp)

    def run(self, batches: Iterable[Batch]) -> Tensor:
        """Advance the carry over the batches, which every process is given whole, or its share of them; returns their losses."""
        own = self._until_all_end(batches) if self._given_own else map(self._world.own, batches)
        return torch.tensor([self._step(*batch) for batch in own], dtype=self._dtype)

    def masses(self, given: list[Mass], steps: int) -> list[Mass]:
        """The masses of the rows that all processes had in each step, from those of the batches that this one was given."""
        if not self._given_own:
            return given
        nothing = float(mass(self._loss, _NO_ROWS[1])[0])
        told = torch.zeros(steps, 2, dtype=torch.float64)
        for row, (w, m) in zip(told, given):
            row[0], row[1] = w - nothing, m
        told = told.to(self._world.device)
        dist.all_reduce(told, group=self._world.rows)
        return [(w + nothing, m) for w, m in told.tolist()]

    def _until_all_end(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches, and then some without rows while other processes have more."""
        for batch in chain(batches, repeat(None)):
            going = torch.tensor([batch is not None], dtype=torch.uint8, device=self._world.device)
            dist.all_reduce(going, dist.ReduceOp.MAX, self._world.rows)
            if not going.item():
                return
            yield batch or _NO_ROWS

    def carry(self) -> S:
        """The carry as it is now, in memory of its own; tensors that came with placements have them again."""
        params, state = self._update.carry()
        now = self._layout.whole(params), State(state.counts, tuple(map(self._layout.whole, state.slots)))
        return placed(self._came, cast(S, now))

    def _step(self, x: Tensor, y: Tensor) -> float:
        weight, count = self._mass(y)
        params = self._layout.used(self._update.now()[0])
        send = self._sums_as_made if self._as_made else self._sums
        return self._update.run(iter((send(params, x, y, weight, count),))).item()

    def _mass(self, y: Tensor) -> tuple[float, float]:
        """The factor of the gradients, 0 where nothing counts, and what these rows add to the count of all rows."""
        weight, nothing = (float(mass(self._loss, rows)[0]) for rows in (y, y[:0]))
        return weight if len(y) else 0.0, weight - (nothing if self._world.rows.rank() else 0.0)

    def _sums(self, params: Any, x: Tensor, y: Tensor, weight: float, count: float) -> tuple[Tensor, ...]:
        """The sums of w J and w, and of w times each gradient, all at once."""
        J = self._local.run(iter(((params, x, y),))).item() if weight else 0.0
        leaves = tree_leaves(self._local.now()) if weight else [torch.zeros_like(leaf) for leaf in tree_leaves(params)]
        return tuple(self._layout.sums(self._told(J, weight, count), leaves, weight or 1.0))

    def _sums_as_made(self, params: Any, x: Tensor, y: Tensor, weight: float, count: float) -> tuple[Tensor, ...]:
        """The same, each gradient sent as soon as its layer has made it."""
        buckets = Buckets(self._world.rows, self._dtype, weight or 1.0, _BUCKET)
        if weight:
            y_hat, *cache = self._net.fwd(params, x)
            J, *dy_hat = self._loss(y, y_hat)
            del y_hat
            buckets.add([self._told(J.item(), weight, count)])
            told(self._net, buckets.add).bwd(params, cache.pop(), dy_hat.pop())
        else:
            leaves = tree_leaves(params)
            buckets.add([self._told(0.0, weight, count)])
            for places in self._order:
                buckets.add([torch.zeros_like(leaves[place]) for place in places])
        first, *sums = buckets.sums()
        order = [place for places in self._order for place in places]
        return first, *(piece for _, piece in sorted(zip(order, sums), key=lambda pair: pair[0]))

    def _told(self, J: float, weight: float, count: float) -> Tensor:
        """J and the count, which are weighted as the gradients are."""
        return torch.tensor([J, count / (weight or 1.0)], dtype=self._dtype, device=self._world.device)


def _gradient(
    function: Callable[[P, Tensor, Tensor], tuple[Tensor, P]], before: P, batch: tuple[P, Tensor, Tensor]
) -> tuple[P, Tensor]:
    """A step whose carry is the gradients."""
    J, grads = function(*batch)
    return grads, J


def _updated(optimizer: Optimizer, carry: tuple[P, State[P]], sums: tuple[Tensor, ...]) -> tuple[tuple[P, State[P]], Tensor]:
    """The step by the sums over all rows; where none counts, J is NaN and the gradients are 0, as in one process."""
    (params, state), (told, *slopes) = carry, sums
    J = told[0] / told[1]
    slopes = mul(slopes, 1 / torch.where(told[1] == 0, 1.0, told[1]))
    grads = [slope.reshape(leaf.shape).to(leaf.dtype) for slope, leaf in zip(slopes, tree_leaves(params))]
    return optimizer.update(params, tree_like(params, grads), state), J
