"""Batches and carries of other containers than plain tuples: planned, or refused in words, and of the same classes afterwards."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import attrs
import pytest
import torch
from fuzz.loop import Case
from torch import Generator, Tensor
from torch.utils.data import DataLoader, TensorDataset

import pure_mlp as pm

from .engines import F64, agrees, draw, every, fast


class Pair(NamedTuple):
    """A batch, or params."""

    x: Tensor
    y: Tensor


class Weights(NamedTuple):
    """Params that know what they are."""

    weight: Tensor
    bias: Tensor

    @property
    def wide(self) -> int:
        return self.weight.shape[0]


Plain = namedtuple("Plain", ["x", "y"])  # the other way to make one


class Sub(tuple[Tensor, Tensor]):
    """A tuple with a method."""

    def inputs(self) -> Tensor:
        return self[0]


@pm.record
@attrs.frozen(eq=False)
class Rec:
    """A record as a batch."""

    x: Tensor
    y: Tensor


def parts(batch: Any) -> tuple[Tensor, Tensor]:
    if isinstance(batch, dict):
        return batch["x"], batch["y"]
    return (batch.x, batch.y) if hasattr(batch, "x") else (batch[0], batch[1])


def regression(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    x, y = parts(batch)
    d = x @ w - y
    return w - 0.1 * (x.t() @ d), d.square().sum()


BATCHES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "tuple": lambda x, y: (x, y),
    "list": lambda x, y: [x, y],
    "NamedTuple": Pair,
    "namedtuple": Plain,
    "dict": lambda x, y: {"x": x, "y": y},
    "dict in another order": lambda x, y: {"y": y, "x": x},
    "ordered dict": lambda x, y: OrderedDict(x=x, y=y),
    "record": Rec,
    "tuple in list": lambda x, y: [x, y, (x,)],
    "list in NamedTuple": lambda x, y: Pair(x, y),
}


@fast
@pytest.mark.parametrize("kind", BATCHES)
def test_batches_of_containers_are_planned(kind: str, engine: pm.Engine) -> None:
    made = [BATCHES[kind](draw(n, 3, seed=n), draw(n, seed=n + 9)) for n in (5, 5, 4, 5)]
    agrees(lambda: Case(regression, draw(3), made), engine, floor="native")


@fast
def test_a_tuple_of_a_users_own_class_keeps_its_methods(engine: pm.Engine) -> None:
    def step(w: Tensor, batch: Sub) -> tuple[Tensor, Tensor]:
        return w + batch.inputs().sum(0), batch[1].sum()

    agrees(lambda: Case(step, draw(3), [Sub((draw(n, 3), draw(n))) for n in (5, 4)]), engine)


@fast
def test_a_containers_class_and_order_may_change_between_batches(engine: pm.Engine) -> None:
    x, y = draw(5, 3), draw(5)
    agrees(lambda: Case(regression, draw(3), [(x, y), [x, y], Pair(x, y), {"x": x, "y": y}, {"y": y, "x": x}, Pair(x, y)]), engine)
    swapped = [{"x": draw(3, 3), "y": draw(3, 3, seed=1)}, {"y": draw(3, 3, seed=2), "x": draw(3, 3, seed=3)}]
    agrees(lambda: Case(regression, draw(3, 3), swapped), engine)


@fast
def test_a_batch_with_a_number_or_a_name_in_it(engine: pm.Engine) -> None:
    """Planned with the number as part of the key, or refused: never frozen."""

    def step(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        x, rate, name = batch
        return w - rate * x.sum(0) * (2 if name == "b" else 1), x.sum()

    agrees(
        lambda: Case(step, draw(3), [(draw(5, 3), 0.1, "a"), (draw(5, 3), 0.2, "a"), (draw(5, 3), 0.2, "b"), (draw(5, 3), 1, "a")]),
        engine,
    )


@fast
def test_a_batch_with_nothing_in_it(engine: pm.Engine) -> None:
    nothing: list[Any] = [(), [], None]
    for batch in nothing:
        agrees(lambda: Case(lambda w, _: (w * 0.5, w.sum()), draw(3), [batch] * 3), engine)  # noqa: B023  # called at once


@every
def test_lists_of_a_data_loader(engine: pm.Engine) -> None:
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(0), pm.tanh, dtype=F64)
    optimizer = pm.adam(0.1)
    step = pm.training_step(net, pm.mse, optimizer)
    loader = DataLoader(TensorDataset(draw(20, 3), draw(20, 2)), batch_size=8)
    agrees(lambda: Case(step, (params, optimizer.init(params)), lambda: loader), engine, floor="native")


CARRIES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "NamedTuple": Weights,
    "in a tuple": lambda w, b: (Weights(w, b), b),
    "in a record": lambda w, b: Rec(Weights(w, b), b),  # type: ignore[arg-type]  # a record's fields are trees
    "a tuple in it": lambda w, b: Weights((w, b), b),  # type: ignore[arg-type]
    "list": lambda w, b: [w, b],
    "dict": lambda w, b: {"w": w, "b": b},
}


def scaled(carry: Any, factor: float) -> Any:
    if isinstance(carry, Tensor):
        return carry * factor
    if isinstance(carry, dict):
        return {k: scaled(v, factor) for k, v in carry.items()}
    if isinstance(carry, Rec):
        return Rec(scaled(carry.x, factor), scaled(carry.y, factor))
    made = [scaled(part, factor) for part in carry]
    return type(carry)(*made) if hasattr(carry, "_fields") else type(carry)(made)


@every
@pytest.mark.parametrize("kind", CARRIES)
def test_the_carry_keeps_its_classes(kind: str, engine: pm.Engine) -> None:
    def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        if kind == "NamedTuple":
            assert carry.wide == 3
        return scaled(carry, 0.5), x.sum()

    agrees(lambda: Case(step, CARRIES[kind](draw(3), draw(2)), [draw(4)] * 3), engine)


def kept(make: Callable[[], object], kind: type) -> None:
    """The same class comes back, or the class is refused by its name."""
    try:
        came = type(make()).__name__
    except (TypeError, ValueError) as refusal:
        came = str(refusal)
    assert kind.__name__ in came


@pytest.mark.parametrize("kind", [Weights, Plain])
@pytest.mark.parametrize("function", ["map", "like", "zeros", "update", "init"])
def test_trees_of_named_tuples_stay_so(kind: Any, function: str) -> None:
    params, optimizer = kind(draw(3), draw(2)), pm.adam(0.1)
    state = pm.adam(0.1).init((draw(3), draw(2)))
    made: dict[str, Callable[[], Any]] = {
        "map": lambda: pm.tree_map(lambda t: t * 2, params),
        "like": lambda: pm.tree_like(params, [draw(3), draw(2)]),
        "zeros": lambda: pm.tree_zeros(params),
        "update": lambda: optimizer.update(params, params, state)[0],
        "init": lambda: optimizer.init(params).slots[0],
    }
    kept(made[function], kind)


@every
def test_training_named_tuples(engine: pm.Engine) -> None:
    """Through the optimizer: the class is kept by every engine, or refused alike in the same words."""

    def step(carry: Any, batch: Any) -> tuple[Any, Tensor]:
        params, state = carry
        x, y = batch
        d = x @ params.weight + params.bias - y
        return optimizer.update(params, Weights(x.t() @ d, d.sum()[None]), state), d.square().sum()

    optimizer = pm.sgd(0.1, 0.9)
    start = Weights(draw(3), draw(1))
    state = pm.State((), (Weights(torch.zeros(3, dtype=F64), torch.zeros(1, dtype=F64)),))
    agrees(lambda: Case(step, (start, state), [(draw(5, 3), draw(5))] * 3), engine)


class Swapped(NamedTuple):
    """The two tensors of a pair the other way round."""

    y: Tensor
    x: Tensor


def of_any(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    """A step that reads a batch by how it is built."""
    if isinstance(batch, Tensor):
        return w - 0.1 * batch.sum(0), (w * batch).sum()
    x, y = (batch.x, batch.y) if isinstance(batch, Swapped) else batch[:2]
    times = batch[2] if len(batch) > 2 else 1.0
    return w - 0.1 * times * x * (w * x - y), (w * x - y).square().sum()


@every
@pytest.mark.parametrize(
    "other",
    [
        lambda x, y: Swapped(x, y),
        lambda x, y: torch.stack([x, y]),
        lambda x, y: [x, y],
        lambda x, y: (x, y, torch.tensor(2.0, dtype=F64)),
        lambda x, y: ((x, y), y),
    ],
    ids=["named", "one tensor", "list", "one more", "nested"],
)
def test_a_batch_that_is_built_otherwise_has_a_program_of_its_own(other: Any, engine: pm.Engine) -> None:
    """Same tensors, another container: what a program does with the one says nothing about the other."""

    def step(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        return of_any(w, (batch[1], *batch[0]) if isinstance(batch, tuple) and isinstance(batch[0], tuple) else batch)

    pair = draw(3, seed=1), draw(3, seed=2)
    agrees(lambda: Case(step, draw(3), [pair, pair, pair, other(*pair), pair, other(*pair), pair]), engine)


@every
def test_a_batch_of_a_kind_that_has_no_program_yet_takes_none_of_another(engine: pm.Engine) -> None:
    """Programs are made for two kinds at once; others wait, and the pure step serves them."""
    x, y = draw(3, seed=1), draw(3, seed=2)
    kinds: list[Any] = [(x, y), [x, y], Swapped(x, y), torch.stack([x, y])]
    agrees(lambda: Case(of_any, draw(3), [kind for kind in (*kinds, *kinds) for _ in range(3)]), engine)


class Stream(list[Tensor]):
    """A list in name: it fills one tensor again and again."""

    def __iter__(self) -> Iterator[Tensor]:
        buffer = torch.zeros(3, dtype=F64)
        for i in range(70):
            yield buffer.fill_(i)


@every
def test_a_kind_of_list_that_makes_its_batches_as_they_come(engine: pm.Engine) -> None:
    agrees(lambda: Case(lambda w, x: (w * 0.9 + x, (w * x).sum()), draw(3), lambda: Stream([draw(3)])), engine)
