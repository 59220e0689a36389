"""Layers between spaces: they are nets like others, and sizes that do not meet are refused at `>>` and at init."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Sized,
    Space,
    affine,
    dense,
    layer_norm,
    linear,
    orthogonal,
    outline,
    relu,
    residual,
    serial,
    sized,
    tanh,
    tree_leaves,
)


class Wide(Space):
    size = 5


class Narrow(Space):
    size = 3


class AlsoNarrow(Space):
    size = 3


def seeded() -> Generator:
    return Generator().manual_seed(0)


def test_a_net_between_spaces_is_the_serial_of_its_layers_to_the_bit() -> None:
    net = affine(Wide, Narrow) >> sized(tanh, Narrow, Narrow) >> sized(dense(relu), Narrow, Wide)
    assert (net.source, net.target) == (Wide, Wide)
    params, x = net.init(seeded()), torch.ones(2, 5)
    (first, none), last = params
    flat = serial(linear, tanh, dense(relu))
    assert torch.equal(net.layer.fwd(params, x)[0], flat.fwd((first, none, last), x)[0])
    (y, cache), (z, kept) = net.layer.fwd(params, x), flat.fwd((first, none, last), x)
    ours, theirs = net.layer.bwd(params, cache, y), flat.bwd((first, none, last), kept, z)
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(ours), tree_leaves(theirs), strict=True))


def test_params_are_drawn_layer_by_layer_as_by_init() -> None:
    net = affine(Wide, Narrow) >> sized(residual(serial(linear, tanh, linear)), Narrow, Narrow, 7)
    params = net.init(seeded(), orthogonal, torch.float64)
    g = seeded()
    drawn = [orthogonal(n, m, g, torch.float64) for n, m in ((5, 3), (3, 7), (7, 3))]
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(params), tree_leaves(drawn), strict=True))
    assert outline(net.layer, params).count("weight") == 3


def test_grouping_changes_the_nesting_alone() -> None:
    f, g, h = affine(Wide, Narrow), affine(Narrow, Narrow), affine(Narrow, Wide)
    left, right = ((f >> g) >> h).init(seeded()), (f >> (g >> h)).init(seeded())
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(left), tree_leaves(right), strict=True))
    assert torch.equal((f >> g >> h).layer.fwd(left, torch.ones(5))[0], (f >> (g >> h)).layer.fwd(right, torch.ones(5))[0])


def test_a_registered_layer_with_params_has_its_own() -> None:
    assert [t.shape for t in tree_leaves(sized(layer_norm(), Narrow, Narrow).init(seeded()))] == [(3,), (3,)]


@pytest.mark.parametrize("other", [Wide, AlsoNarrow], ids=lambda space: space.__name__)
def test_spaces_that_do_not_meet_are_refused(other: Any) -> None:
    """Of the same size too: a space is a name."""
    first: Any = affine(Wide, Narrow)
    said = rf"linear gives Narrow \(3\), dense_relu takes {other.__name__} \({other.size}\)$"
    with pytest.raises(ValueError, match=said):
        first >> sized(dense(relu), other, Wide)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (sized(relu, Wide, Narrow), r"relu from Wide \(5\) to Narrow \(3\) gives \(1, 5\)"),
        (
            affine(Wide, Narrow) >> sized(relu, Narrow, Wide),
            r"layer 1 \(relu\): relu from Narrow \(3\) to Wide \(5\) gives \(1, 3\)",
        ),
        (
            sized(tanh, Wide, Narrow) >> affine(Narrow, Wide) >> affine(Wide, Narrow),
            r"layer 0 \(serial\): layer 0 \(tanh\): tanh from Wide \(5\) to Narrow \(3\) gives",
        ),
        (sized(serial(linear, relu, linear), Wide, Narrow), "layer 2 .linear.: no width is left of 2 sizes"),
        (sized(linear, Wide, Narrow, 7), "the sizes .3. are left over"),
        (sized(residual(linear), Wide, Narrow), r"residual: layer 0|cannot be added"),
    ],
)
def test_init_refuses_a_layer_that_does_not_map_the_sizes_so(net: Sized[Any, Any, Any, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        net.init(seeded())


def test_what_is_no_space_is_refused() -> None:
    """mypy takes a space that stems from another one for that one, and Space itself for a space."""
    with pytest.raises(ValueError, match=r"class Half\(Wide\): size 2, expected that of Wide, or \(Space\)"):
        type("Half", (Wide,), {"size": 2})
    given: Any
    for given, said in ((784, "784"), (Space, "Space"), (Tensor, "Tensor"), (Wide(), "of class Wide"), ("Wide", "'Wide'")):
        for wrong in ((given, Wide), (Wide, given)):
            with pytest.raises(ValueError, match=f"sized: {said}, expected a class such as class Hidden"):
                affine(*wrong)
    for given in (relu, affine):
        with pytest.raises(ValueError, match=r">>: of class \w+, expected a layer between spaces"):
            affine(Wide, Narrow) >> given


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3", None])
def test_a_space_has_a_whole_size(size: object) -> None:
    with pytest.raises(ValueError, match=rf"class Odd\(Space\): size {size}, expected a whole number from 1"):
        type("Odd", (Space,), {} if size is None else {"size": size})


def test_a_space_may_be_made_of_another() -> None:
    class Same(Wide): ...

    assert Same.size == 5
