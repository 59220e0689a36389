"""Records and trees: maps, leaves, paths in errors, immutability."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import attrs
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree

from pure_mlp import Linear, State, adam, record, sgd, tree_items, tree_leaves, tree_like, tree_map, tree_zeros


@record
@attrs.frozen(eq=False)
class Scale:
    """A record of one tensor, defined by a user."""

    factor: Tensor


def tree() -> tuple[Linear, tuple[()], tuple[Scale, Tensor]]:
    return Linear(torch.ones(2, 3), torch.zeros(2)), (), (Scale(torch.tensor(5.0)), torch.arange(2.0))


def test_map_keeps_the_shape_of_the_tree_and_its_types() -> None:
    doubled = tree_map(lambda t: 2 * t, tree())
    assert [type(node) for node in (doubled, doubled[0], doubled[1], doubled[2], doubled[2][0])] == [
        tuple,
        Linear,
        tuple,
        tuple,
        Scale,
    ]
    assert [t.tolist() for t in tree_leaves(doubled)] == [(2 * t).tolist() for t in tree_leaves(tree())]


def test_map_over_two_and_three_trees_takes_what_stands_at_the_same_place() -> None:
    a, b, c = tree(), tree_map(lambda t: 10 * t, tree()), tree_map(lambda t: 100 * t, tree())
    assert [t.tolist() for t in tree_leaves(tree_map(torch.add, a, b))] == [(11 * t).tolist() for t in tree_leaves(a)]
    summed = tree_map(lambda x, y, z: x + y + z, a, b, c)
    assert [t.tolist() for t in tree_leaves(summed)] == [(111 * t).tolist() for t in tree_leaves(a)]


def test_map_is_a_functor() -> None:
    t0 = tree()
    assert all(a is b for a, b in zip(tree_leaves(tree_map(lambda t: t, t0)), tree_leaves(t0)))
    twice = tree_map(torch.exp, tree_map(torch.neg, tree()))
    once = tree_map(lambda t: torch.exp(torch.neg(t)), tree())
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(twice), tree_leaves(once)))


def test_leaves_and_items_agree_with_the_pytree_of_torch() -> None:
    t0 = tree()
    assert [id(t) for t in tree_leaves(t0)] == [id(t) for t in _pytree.tree_leaves(t0)]
    assert [name for name, _ in tree_items(t0)] == ["0.weight", "0.bias", "2.0.factor", "2.1"]
    assert [id(t) for _, t in tree_items(t0)] == [id(t) for t in tree_leaves(t0)]
    keys = [_pytree.keystr(path) for path, _ in _pytree.tree_flatten_with_path(t0)[0]]
    assert keys == ["[0].weight", "[0].bias", "[2][0].factor", "[2][1]"]


def test_like_is_the_inverse_of_leaves() -> None:
    t0 = tree()
    back = tree_like(t0, tree_leaves(t0))
    assert _pytree.tree_structure(back) == _pytree.tree_structure(t0)
    assert [id(t) for t in tree_leaves(back)] == [id(t) for t in tree_leaves(t0)]


@pytest.mark.parametrize("count", [0, 3, 5])
def test_like_refuses_too_few_and_too_many_leaves(count: int) -> None:
    with pytest.raises(ValueError, match=f"a tree of 4 tensors, {count} leaves"):
        tree_like(tree(), [torch.ones(1)] * count)


def test_zeros_keep_shape_and_dtype_and_leave_the_tree_alone() -> None:
    t0 = (Linear(torch.ones(2, 3, dtype=torch.float64), torch.ones(2, dtype=torch.bfloat16)), ())
    zeros = tree_zeros(t0)
    assert zeros[0].weight.equal(torch.zeros(2, 3, dtype=torch.float64))
    assert zeros[0].bias.equal(torch.zeros(2, dtype=torch.bfloat16))
    assert t0[0].weight.equal(torch.ones(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("empty", [(), ((), ()), (((),),)], ids=str)
def test_trees_without_tensors(empty: Any) -> None:
    assert tree_leaves(empty) == []
    assert tree_map(torch.neg, empty) == tree_like(empty, []) == tree_zeros(empty) == empty


DIFFERENT: dict[str, tuple[Any, Any, str]] = {
    "length": ((torch.ones(1),), (), r"trees differ at the root: tuple\(0\) against tuple\(\)"),
    "leaf against tuple": ((torch.ones(1), ()), (torch.ones(1), torch.ones(1)), r"trees differ at 1: tuple\(\) against Tensor"),
    "deep": (((), (tree(),)), ((), ((tree()[0], (), ()),)), r"trees differ at 1\.0\.2: tuple\(0, 1\) against tuple\(\)"),
    "record": (tree()[0], Scale(torch.ones(1)), r"trees differ at the root: Linear\(weight, bias\) against Scale\(factor\)"),
    "inside a record": (
        Scale(torch.ones(1)),
        _pytree.tree_map(lambda _: (), Scale(torch.ones(1))),
        r"trees differ at factor: Tensor against tuple\(\)",
    ),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_trees_that_part_are_an_error_with_the_path(case: str) -> None:
    a, b, message = DIFFERENT[case]
    with pytest.raises(ValueError, match=message):
        tree_map(torch.add, a, b)


def test_a_record_and_a_tuple_with_the_same_keys_differ() -> None:
    pair: Any = (torch.ones(1),)
    with pytest.raises(ValueError, match="trees differ"):
        tree_map(torch.add, pair, Scale(torch.ones(1)))


@pytest.mark.parametrize("instance", [tree()[0], Scale(torch.ones(1)), State((), ())], ids=lambda r: type(r).__name__)
def test_records_are_frozen(instance: Any) -> None:
    name = attrs.fields(type(instance))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(instance, name, torch.ones(1))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(instance, name)
    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        instance.another = 1


def test_records_compare_by_identity() -> None:
    a = tree()[0]
    assert a == a
    assert a != tree()[0]
    assert len({a, tree()[0]}) == 2


def test_evolve_makes_a_new_record_and_refuses_unknown_names() -> None:
    a = tree()[0]
    b = attrs.evolve(a, bias=torch.ones(2))
    assert b.weight is a.weight
    assert (a.bias.tolist(), b.bias.tolist()) == ([0, 0], [1, 1])
    unknown: Any = {"weigth": torch.ones(1)}
    with pytest.raises(TypeError, match="unexpected keyword argument 'weigth'"):
        attrs.evolve(a, **unknown)


def test_init_has_the_signature_of_the_fields_and_the_messages_of_python() -> None:
    make: Any = Linear
    assert [*inspect.signature(Linear).parameters] == ["weight", "bias"]
    by_name = Linear(bias=torch.zeros(2), weight=torch.ones(2, 3))
    assert by_name.weight.shape == (2, 3)
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument: 'bias'"):
        make(torch.ones(2, 3))
    with pytest.raises(TypeError, match=r"__init__\(\) takes 3 positional arguments but 4 were given"):
        make(torch.ones(2, 3), torch.ones(2), torch.ones(2))
    with pytest.raises(TypeError, match=r"__init__\(\) got an unexpected keyword argument 'b'"):
        make(weight=torch.ones(2, 3), b=torch.ones(2))


def test_a_record_shows_itself() -> None:
    assert repr(Scale(torch.tensor(1.0))) == "Scale(factor=tensor(1.))"


class Pair(NamedTuple):
    """A user's tree."""

    first: Linear
    second: Tensor


class Odd(tuple[Tensor, ...]):
    """A tuple of a class of its own."""


def containers() -> list[Any]:
    """Trees of every container, each of two leaves."""
    a, b = torch.ones(2), torch.full((3,), 2.0)
    return [
        (a, b),
        [a, b],
        {"b": a, "a": b},
        OrderedDict(b=a, a=[b]),
        Pair(Linear(a, b), ()),  # type: ignore[arg-type]  # no second leaf
        Pair({"w": a}, [b]),  # type: ignore[arg-type]  # other trees
        {"deep": (Pair([a], {}), {"x": [Scale(b)]})},  # type: ignore[arg-type]  # other trees
        defaultdict(list, {"x": [a, b]}),
        torch.max(torch.eye(2), 0),
    ]


@pytest.mark.parametrize("tree", containers(), ids=lambda t: type(t).__name__)
def test_functions_of_trees_keep_every_class(tree: Any) -> None:
    def shown(tree: Any) -> str:
        return re.sub(r"[\d.]+", "#", repr(tree))

    assert len(tree_leaves(tree)) == len([*tree_items(tree)]) == 2
    assert [id(t) for _, t in tree_items(tree)] == [id(t) for t in tree_leaves(tree)]
    for other in (tree_map(lambda t: 3 * t, tree), tree_like(tree, [3 * t for t in tree_leaves(tree)])):
        assert type(other) is type(tree)
        assert shown(other) == shown(tree)
        assert all(torch.equal(x, 3 * y) for x, y in zip(tree_leaves(other), tree_leaves(tree), strict=True))
    floating = tree_map(lambda t: t.float(), tree)
    for optimizer in (sgd(0.5, 0.9), adam(0.1)):
        params, state = optimizer.update(floating, floating, optimizer.init(floating))
        assert type(params) is type(state.slots[0]) is type(tree)
        assert shown(tree_zeros(params)) == shown(tree_zeros(floating)) == shown(tree_zeros(state.slots[0]))


def test_the_leaves_of_dicts_meet_by_key() -> None:
    params, grads = {"b": torch.ones(1), "a": torch.zeros(1)}, {"a": torch.ones(1), "b": torch.zeros(1)}
    assert {k: t.item() for k, t in sgd(1.0).update(params, grads, sgd(1.0).init(params))[0].items()} == {"b": 1, "a": -1}
    assert {k: t.item() for k, t in tree_map(torch.sub, params, grads).items()} == {"b": 1, "a": -1}
    assert [name for name, _ in tree_items({"b": [torch.ones(1)], "a": Scale(torch.ones(1))})] == ["a.factor", "b.0"]
    with pytest.raises(ValueError, match=r"trees differ at the root: dict\(a, b\) against dict\(a\)"):
        tree_map(torch.add, params, {"a": torch.ones(1)})


def test_names_of_a_named_tuple() -> None:
    assert [name for name, _ in tree_items(Pair(tree()[0], torch.ones(1)))] == ["first.weight", "first.bias", "second"]


def test_a_tuple_of_another_class_is_refused_by_name() -> None:
    odd = Odd((torch.ones(1),))
    assert len(tree_leaves(odd)) == 1
    message = "a tree of class Odd, which cannot be made again: use a tuple, a NamedTuple or a record"
    for f in (
        lambda: tree_map(torch.neg, odd),
        lambda: tree_like(odd, [torch.ones(1)]),
        lambda: sgd(0.1).update(odd, odd, State((), ())),
    ):
        with pytest.raises(ValueError, match=message):
            f()


@dataclasses.dataclass
class Data:
    """Params that are no record."""

    weight: Tensor


@attrs.frozen(eq=False)
class Plain:
    """Params that are no record."""

    weight: Tensor


@pytest.mark.parametrize("cls", [Data, Plain])
def test_a_class_that_is_no_record_is_named_with_the_cure(cls: Any) -> None:
    params = (cls(torch.ones(1)),)
    what = rf"a {cls.__name__} at .*: trees are tensors, and tuples, lists, dicts and records of trees; decorate it with @record"
    for f in (
        lambda: adam().init(params),
        lambda: tree_zeros(params),
        lambda: tree_map(lambda p, g: p - 0.1 * g, params, params),
        lambda: sgd(0.1).update(params, params, State((), ())),
    ):
        with pytest.raises(ValueError, match=what):
            f()


def test_a_leaf_that_is_no_tensor_is_named() -> None:
    with pytest.raises(ValueError, match=r"a NoneType at 1: trees are tensors"):
        tree_zeros((torch.ones(1), None))
    assert tree_map(lambda n: n, (1, (2,))) == (1, (2,))
