"""The checks that a layer has to pass, and its mutants to fail. (`loss_checks` are those of losses.)"""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from oracles import autograd, close, differences
from tables import IN, Row
from torch import Tensor

from pure_mlp import BatchNorm, Layer, Linear, tree_leaves, tree_like, tree_map
from pure_mlp.layers.linear import linear_fwd


def check_vjp(row: Row, layer: Layer[Any, Any], params: Any, x: Tensor, dy: Tensor) -> None:
    """y, dx and every leaf of grads against the reference and its autograd; the types of dx and grads are those of x and params."""
    y, cache = layer.fwd(params, x)
    dx, grads = layer.bwd(params, cache, dy)

    def f(*given: Tensor) -> Tensor:
        assert row.reference is not None
        leaves, at = [*given], x
        if row.has_dx:
            at, *leaves = given
        return row.reference(tree_like(params, leaves), at)

    y_ref, *grads_ref = autograd(f, dy, *[x] * row.has_dx, *tree_leaves(params))
    close("y", y, y_ref, atol=1e-12, rtol=1e-12)
    if row.has_dx:
        close("dx", dx, grads_ref.pop(0), atol=1e-12, rtol=1e-12)
    assert type(grads) is type(params)
    for i, (actual, expected) in enumerate(zip(tree_leaves(grads), grads_ref, strict=True)):
        close(f"grad {i}", actual, expected, atol=1e-12, rtol=1e-12)


def check_differences(row: Row, layer: Layer[Any, Any], params: Any, x: Tensor, dy: Tensor) -> None:
    """dx and every leaf of grads against differences of the layer's own forward pass."""
    dx, grads = layer.bwd(params, layer.fwd(params, x)[1], dy)
    if row.has_dx:
        close("dx", dx, differences(lambda v: layer.fwd(params, v)[0], x, dy), atol=1e-9, rtol=1e-9)
    leaves = tree_leaves(params)
    for i, (leaf, grad) in enumerate(zip(leaves, tree_leaves(grads))):

        def f(v: Tensor, i: int = i) -> Tensor:
            return layer.fwd(tree_like(params, [*leaves[:i], v, *leaves[i + 1 :]]), x)[0]

        close(f"grad {i}", grad, differences(f, leaf, dy), atol=1e-9, rtol=1e-9)


def check_kink_and_edges(row: Row, layer: Layer[Any, Any]) -> None:
    """At 0 and at +-1e3 the conventions are those of torch."""
    params, x, dy = row.draw((5, IN))
    if row.inputs:
        return
    values = torch.tensor([0.0, 1e3, -1e3, -0.0, 0.5], dtype=x.dtype)
    edges = values.repeat(x.numel() // 5 + 1)[: x.numel()].view(x.shape)
    check_vjp(row, layer, tree_map(torch.zeros_like, params), edges, dy)
    check_vjp(row, layer, params, edges, dy)


def check_far_from_0(row: Row, layer: Layer[Any, Any]) -> None:
    """The slopes of an elementwise layer at +-1e300 and at the infinities are those at +-1e3."""
    if not row.scalars:
        return
    ends = torch.tensor([-1e3, 1e3], dtype=torch.float64)
    near, far, farthest = (
        layer.bwd((), layer.fwd((), x)[1], torch.ones_like(x))[0] for x in (ends, ends * 1e297, ends * torch.inf)
    )
    assert torch.equal(far, near)
    assert torch.equal(farthest, near)


def check_refusals(row: Row, layer: Layer[Any, Any]) -> None:
    """A dy of another shape, dtype or device than y is a `ValueError` that names both.

    torch itself refuses to multiply matrices on two devices, except for the device `meta`, the only other one of every machine.
    """
    for shape in ((5, IN), (2, 5, IN), (IN,)):
        params, x, dy = row.draw(shape)
        cache = layer.fwd(params, x)[1]
        turned = [dy.mT] if dy.dim() > 1 else []
        elsewhere = [dy.to("meta")] if layer.fwd is not linear_fwd else []
        for wrong in (dy[:1], dy[..., :1], dy[..., :-1], dy[0], dy.unsqueeze(0), dy.sum(), dy.float(), *turned, *elsewhere):
            with pytest.raises(ValueError, match=named(wrong)) as caught:
                layer.bwd(params, cache, wrong)
            assert re.search(named(dy), str(caught.value)), caught.value


def check_widths(layer: Layer[Linear, Any], params: Linear, x: Tensor, dy: Tensor) -> None:
    """Refused are a bias that would broadcast, with its shape and that of the weight, and a cached input of another width."""
    for bias in (params.bias[:1], params.bias[0]):
        wrong = Linear(params.weight, bias)
        with pytest.raises(ValueError, match=f"bias {named(bias)}, expected .* as weight {named(params.weight)}"):
            layer.bwd(wrong, layer.fwd(params, x)[1], dy)
    narrow = x[..., :-1]
    with pytest.raises(ValueError, match=f"input {named(narrow)}, weight {named(params.weight)}"):
        layer.bwd(params, tree_map(lambda t: narrow if t is x else t, layer.fwd(params, x)[1]), dy)


def check_products(layer: Layer[Linear, Any], params: Linear, x: Tensor, dy: Tensor) -> None:
    """No dy is refused in words; what fits, but has no product of matrices, is torch's own error."""
    cache = layer.fwd(params, x)[1]
    with pytest.raises(ValueError, match="dy: None, expected a tensor"):
        layer.bwd(params, cache, None)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="Bool"):
        layer.bwd(tree_map(Tensor.bool, params), cache.bool(), dy.bool())


def check_half_columns(layer: Layer[BatchNorm, Any]) -> None:
    """Where the sum of dy overflows float16, dx is that of float64; all is float16."""
    x, dy = torch.tensor([[1.0], [-1.0], [0.5], [-0.25]]).half(), torch.tensor([[3e4], [1e4], [2e4], [3e4]]).half()
    given = BatchNorm(torch.ones_like(x[0]), x[0]), x, dy
    (dx, grads), (exact, _) = (layer.bwd(p, layer.fwd(p, x)[1], dy) for p, x, dy in (given, tree_map(Tensor.double, given)))
    assert {t.dtype for t in (dx, *tree_leaves(grads))} == {torch.float16}
    torch.testing.assert_close(dx.double(), exact, atol=50, rtol=0)


def named(t: Tensor) -> str:
    """How an error names a tensor, as a pattern."""
    return re.escape(f"{tuple(t.shape)} {str(t.dtype)[6:]}")


def check_layer(row: Row, layer: Layer[Any, Any]) -> None:
    """All of the above for small inputs in one to three dimensions: what a wrong backward rule does not survive."""
    for shape in ((5, IN), (2, 5, IN), (IN,)):
        check_vjp(row, layer, *row.draw(shape))
    check_differences(row, layer, *row.draw((3, IN)))
    if isinstance(row.draw_params(torch.Generator()), Linear):
        check_widths(layer, *row.draw((5, IN)))
        if layer.fwd is linear_fwd:
            check_products(layer, *row.draw((5, IN)))
    if row.name.startswith("batch_norm("):
        check_half_columns(layer)
    check_kink_and_edges(row, layer)
    check_far_from_0(row, layer)
    check_refusals(row, layer)
