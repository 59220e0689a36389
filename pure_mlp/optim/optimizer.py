"""What an optimizer is: a pure rule over lists of tensors, lifted to trees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import attrs
import torch
from torch import Tensor
from typing_extensions import TypeIs

from pure_mlp.nodes import explained, is_tensor
from pure_mlp.optim.widths import wide_zeros
from pure_mlp.record import record, tree_leaves, tree_like, tree_map, tree_zeros
from pure_mlp.shapes import check_number, spec

__all__ = ["Leaves", "Optimizer", "Schedule", "State", "chain", "chained", "check_numbers", "is_number"]

T = TypeVar("T")

Schedule: TypeAlias = Callable[[Tensor], Tensor]
"""The learning rate as a function of the number of updates made before, both 0-dim float64."""


def is_number(lr: float | Schedule) -> TypeIs[float]:
    """Whether a learning rate is a number, rather than a schedule.

    >>> is_number(0.1), is_number(torch.neg)
    (True, False)
    """
    return not callable(lr)


def check_numbers(what: str, lr: float | Schedule, **numbers: float) -> None:
    """Raises `ValueError` unless lr is a schedule or a number, and all numbers are at least 0 and finite.

    Those named b1, b2 and alpha, which say how much of an average is kept, must be below 1.

    >>> check_numbers("adam", 0.1, b1=0.9, eps=1e-8)
    """
    for name, value in (numbers if callable(lr) else {"lr": lr, **numbers}).items():
        check_number(what, name, value)
        if name in ("b1", "b2", "alpha") and not value < 1:
            raise ValueError(f"{what}: {name} {value}, expected >= 0 and < 1")


class Leaves(NamedTuple):
    """What a rule sees and returns: the tensors of params, of grads, of each slot, and the counts."""

    params: list[Tensor]
    grads: list[Tensor]
    counts: list[Tensor]
    slots: list[list[Tensor]]


@record
@attrs.frozen(eq=False)
class State(Generic[T]):
    """The memory of an optimizer: numbers of updates made (0-dim float64), and trees like the params, its slots.

    The optimizer defines what they are: for `adam` one count, and the first and second moments as slots.
    """

    counts: tuple[Tensor, ...]
    slots: tuple[T, ...]


@attrs.frozen(eq=False)
class Optimizer:
    """An `(init, update)` pair, in the manner of optax: state = init(params); params, state = update(params, grads, state).

    Given by how many counts and slots it remembers, and a rule for lists of leaves; `wide` are the places of the slots that are
    float32 for params in half precision. Rules compose: see `chain`.

    >>> from pure_mlp import sgd
    >>> optimizer = sgd(0.5)
    >>> params = (torch.tensor(1.0), ())
    >>> params, state = optimizer.update(params, (torch.tensor(2.0), ()), optimizer.init(params))
    >>> params
    (tensor(0.), ())
    """

    counts: int
    slots: int
    rule: Callable[[Leaves], Leaves]
    wide: tuple[int, ...] = ()

    def init(self, params: T) -> State[T]:
        """The state before the first update: counts at 0, slots of zeros. Raises `ValueError` where a leaf is no tensor."""
        counts = tuple(torch.zeros((), dtype=torch.float64) for _ in range(self.counts))
        slots = [tree_map(wide_zeros, params) if i in self.wide else tree_zeros(params) for i in range(self.slots)]
        return State(counts, tuple(slots))

    def update(self, params: T, grads: T, state: State[T]) -> tuple[T, State[T]]:
        """One step towards -grads; returns new params and the new state, changes neither of the old ones.

        Raises `ValueError` where params, grads and state differ in structure or shapes.
        """
        if not isinstance(state, State):
            raise ValueError(f"update: a state that is {spec(state)}, expected optimizer.init(params) or what update returned")
        leaves, slopes, slots = tree_leaves(params), tree_leaves(grads), [tree_leaves(slot) for slot in state.slots]
        _agree(leaves, slopes, "grads")
        if any(slope.dtype == torch.float64 != leaf.dtype for leaf, slope in zip(leaves, slopes)):  # the params would become it
            raise ValueError(f"params {[*map(spec, leaves)]}, grads {[*map(spec, slopes)]}")
        if len(state.counts) != self.counts or len(slots) != self.slots:
            got = f"{len(state.counts)} counts and {len(slots)} slots"
            raise ValueError(f"a state of {got}, expected {self.counts} and {self.slots}")
        for slot in slots:
            _agree(leaves, slot, "a slot of the state")
        after = self.rule(Leaves(leaves, slopes, [*state.counts], slots))
        if self.counts or self.slots:
            state = State(tuple(after.counts), tuple([tree_like(params, slot) for slot in after.slots]))
        return tree_like(params, after.params), state


def _agree(leaves: list[Tensor], others: list[Tensor], what: str) -> None:
    """Raise `ValueError` unless the shapes are those of the params."""
    same = len(leaves) == len(others)
    try:
        for p, other in zip(leaves, others):
            same = same and p.shape == other.shape
    except AttributeError as error:
        strange = next(t for t in (*leaves, *others) if not is_tensor(t))
        raise ValueError(explained(strange, f"params or {what}")) from error
    if not same:
        raise ValueError(f"params {_shapes(leaves)}, {what} {_shapes(others)}")


def _shapes(leaves: list[Tensor]) -> str:
    return f"[{', '.join(str(tuple(t.shape)) if is_tensor(t) else spec(t) for t in leaves)}]"


def chain(*optimizers: Optimizer) -> Optimizer:
    """One optimizer after another: each gets the params and grads that the one before it left. `chain()` changes nothing.

    Args:
        optimizers: the first one is applied first.

    Returns:
        The optimizer that is all of them; its state holds their counts and slots in order.

    Raises:
        ValueError: one of them is no optimizer.

    >>> from pure_mlp import clip_by_value, sgd
    >>> optimizer = chain(clip_by_value(1.0), sgd(0.5))
    >>> optimizer.update(torch.tensor(1.0), torch.tensor(20.0), optimizer.init(torch.tensor(1.0)))[0]
    tensor(0.5000)
    """
    for o in optimizers:
        if not isinstance(o, Optimizer):
            raise ValueError(f"chain: {spec(o)}, expected optimizers such as sgd(0.1)")
    wide: list[int] = []
    slots = 0
    for o in optimizers:
        wide += [slots + i for i in o.wide]
        slots += o.slots
    return Optimizer(sum(o.counts for o in optimizers), slots, partial(chained, optimizers), tuple(wide))


def chained(optimizers: tuple[Optimizer, ...], leaves: Leaves) -> Leaves:
    """The rule of `chain(*optimizers)`.

    >>> chained((), Leaves([], [], [], []))
    Leaves(params=[], grads=[], counts=[], slots=[])
    """
    params, grads, counts, slots = leaves
    after = Leaves(params, grads, [], [])
    for o in optimizers:
        mine = Leaves(after.params, after.grads, counts[: o.counts], slots[: o.slots])
        counts, slots = counts[o.counts :], slots[o.slots :]
        done = o.rule(mine)
        after = Leaves(done.params, done.grads, after.counts + done.counts, after.slots + done.slots)
    return after
