"""Tables beside numbers: the laws of a layer, what is refused, and what the engines make of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from checks import check_differences, check_vjp
from examples import CASES, F64, affine
from nets import bits
from planned import stepped
from tables import Row
from torch import Generator, Tensor
from torch.func import vmap

import pure_mlp as pm
from pure_mlp import Embedding, Engine, Layer, embed_columns, embed_columns_init, tree_leaves, tree_map
from pure_mlp.layer import composition, tangent

NET, PARAMS, X, Y, _ = CASES["columns"]
LAYER, TABLES = embed_columns(2), PARAMS[0]
SHAPES = [(5,), (1,), (0,), (2, 3), ()]


def reference(params: tuple[Embedding, ...], x: Tensor) -> Tensor:
    places = x[..., 1:].detach().long()
    found = [torch.nn.functional.embedding(places[..., i], table.weight) for i, table in enumerate(params)]
    return torch.cat((x[..., :1], *found), -1)


ROW = Row("embed_columns", LAYER, reference)


def drawn(shape: tuple[int, ...], dtype: torch.dtype = F64) -> tuple[Tensor, Tensor]:
    g = Generator().manual_seed(len(shape))
    numbers, places = torch.randn(*shape, 1, generator=g, dtype=F64), torch.randint(4, (*shape, 2), generator=g)
    return torch.cat((numbers, places), -1).to(dtype), torch.randn(*shape, 4, generator=g, dtype=F64).to(dtype)


def check(layer: Layer[Any, Any]) -> None:
    for shape in SHAPES:
        x, dy = drawn(shape)
        check_vjp(ROW, layer, TABLES, x, dy)
        if shape == (2, 3):
            check_differences(ROW, layer, TABLES, x, dy)
        dparams, dx, cache = tree_map(torch.cos, TABLES), torch.sin(x), layer.fwd(TABLES, x)[1]
        back, grads = layer.bwd(TABLES, cache, dy)
        pulled = sum((a * b).sum() for a, b in zip(tree_leaves((back, grads)), tree_leaves((dx, dparams)), strict=True))
        torch.testing.assert_close((dy * tangent(layer)(TABLES, cache, dparams, dx)).sum(), pulled, rtol=1e-13, atol=1e-13)


def test_the_laws() -> None:
    check(LAYER)
    made = composition(LAYER)
    assert made is not None
    check(made.rebuilt(*made.parts()))
    with pytest.raises(AssertionError):
        check(attrs.evolve(LAYER, bwd=lambda p, c, dy: (LAYER.bwd(p, c, dy)[0] + 1, LAYER.bwd(p, c, dy)[1])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_dtypes_and_members(dtype: torch.dtype) -> None:
    x, dy = drawn((5,), dtype)
    params = tree_map(lambda t: t.to(dtype), TABLES)
    y, cache = LAYER.fwd(params, x)
    dx, grads = LAYER.bwd(params, cache, dy)
    assert {t.dtype for t in (y, dx, *tree_leaves(grads))} == {dtype}
    assert bits(y) == bits(reference(params, x))
    two = tree_map(lambda t: torch.stack((t, 2 * t)), TABLES)
    assert bits(vmap(lambda p, x: LAYER.fwd(p, x)[0])(two, torch.stack((X, X)))[0]) == bits(LAYER.fwd(TABLES, X)[0])


def test_what_is_not_finite_goes_on_and_what_lies_between_is_rounded() -> None:
    x = torch.tensor([[torch.nan, 1.4, 0], [-torch.inf, -0.5, 1]], dtype=F64)
    y = LAYER.fwd(TABLES, x)[0]
    assert y[0, 0].isnan()
    assert bits(y[:, 1:2]) == bits(TABLES[0].weight[torch.tensor([1, 0])])


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.tensor([[0.0, 0, 4]]).double(), "column 2: input from 4 to 4, the weight of this embedding has the rows 0 to 3"),
        (torch.tensor([[0.0, -1, 0]]).double(), "column 1: input from -1 to -1, the weight"),
        (torch.tensor([[0.0, 1, torch.nan]]).double(), "column 2: input from -9223372036854775808 to"),
        (torch.tensor([[0.0, 1, 1]]), r"column 1: input \(1, 3\) float32, its table gives \(1, 1\) float64: expected one dtype"),
        (torch.zeros(2, 1).double(), r"input \(2, 1\) float64, 2 tables, expected 2 tables and as many columns, or more"),
        (torch.zeros(()).double(), r"input \(\) float64, 2 tables"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_column(x: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=r"layer 0 \(embed_columns\): " + said):
        NET.fwd(PARAMS, x)


def test_params_and_cotangents_that_do_not_fit() -> None:
    cache = LAYER.fwd(TABLES, X)[1]
    with pytest.raises(ValueError, match=r"dy \(4, 3\) float64, expected \(\*, 4\) as the output"):
        LAYER.bwd(TABLES, cache, torch.zeros(4, 3).double())
    with pytest.raises(ValueError, match=r"dy \(3, 1\) float64, expected \(4, 1\) float64 as the output"):
        LAYER.bwd(TABLES, cache, torch.zeros(3, 4).double())
    with pytest.raises(ValueError, match="1 tables, expected 2"):
        LAYER.fwd(TABLES[:1], X)
    for count in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"embed_columns: {count} columns"):
            embed_columns(count)  # type: ignore[arg-type]  # it is tried
    for sizes, dtype in (([(0, 2)], F64), ([(3, 2)], torch.int64)):
        with pytest.raises(ValueError, match="embed_columns: tables"):
            embed_columns_init(sizes, dtype)


@pytest.mark.parametrize("engine", ["plan", "native"])
def test_every_engine_makes_the_same_steps_and_the_same_refusal(engine: Engine) -> None:
    """Slices of a cotangent leave gaps between their rows, and the loss has a factor."""
    net, params, optimizer = (
        pm.serial(LAYER, pm.dense(pm.relu), pm.linear),
        (TABLES, affine(4, 3, 0), affine(3, 2, 1)),
        pm.adam(0.1),
    )
    step, start = pm.training_step(net, pm.mse, optimizer), (params, optimizer.init(params))
    planned = stepped(step, start, [(X, Y), (X.flip(0), Y), (X[:3], Y[:3])], engine)
    with pytest.raises(ValueError, match="column 2: input from 3 to 5, the weight of this embedding has the rows 0 to 3"):
        planned.step((X + torch.tensor([0, 0, 3]), Y))


def test_a_row_that_is_never_looked_up_stays_at_0() -> None:
    net, optimizer = pm.serial(embed_columns(1), pm.linear), pm.adamw(0.1)
    params = (embed_columns_init([(3, 2)]), pm.linear_init(3, 1, Generator().manual_seed(0)))
    data = [(torch.tensor([[0.5, 0.0], [0.25, 1.0]]), torch.ones(2, 1))]
    ((table,), _), _ = pm.fit(pm.training_step(net, pm.mse, optimizer), (params, optimizer.init(params)), data, epochs=3)[0]
    assert [bool(row.any()) for row in table.weight] == [True, True, False]
