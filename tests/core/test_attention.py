"""Attention beside torch's own, as a part of a net that is trained, and where it is at its ends."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from natively import natively_same, needs_compiler
from nets import bits
from oracles import autograd, close
from planned import affine, draw, same, training
from torch import Tensor, nn

import pure_mlp as pm
from pure_mlp import attention, tree_leaves


def module_of(params: Any, heads: int) -> nn.MultiheadAttention:
    """torch's layer with the weights of `serial(linear, attention(heads), linear)`."""
    module = nn.MultiheadAttention(params[2].weight.shape[1], heads, batch_first=True, dtype=torch.float64)
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    module.load_state_dict(dict(zip(names, tree_leaves(params), strict=True)))
    return module


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_between_two_linear_layers_it_is_the_multi_head_attention_of_torch(heads: int) -> None:
    params = affine(8, 24), (), affine(8, 8, 1)
    net, module = pm.serial(pm.linear, attention(heads), pm.linear), module_of(params, heads)
    x, dy = draw(3, 5, 8), draw(3, 5, 8, seed=1)
    y, cache = net.fwd(params, x)
    dx, grads = net.bwd(params, cache, dy)
    leaves = dict(zip(module.state_dict(), tree_leaves(params)))

    def f(x: Tensor, *given: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(module, dict(zip(leaves, given)), (x, x, x), {"need_weights": False})[0]
        return found

    for ours, theirs in zip((y, dx, *tree_leaves(grads)), autograd(f, dy, x, *leaves.values()), strict=True):
        close("as torch", ours, theirs, atol=1e-12, rtol=1e-11)


def test_places_are_a_set_and_examples_do_not_mix() -> None:
    layer, x, order = attention(2), draw(2, 5, 12), torch.tensor([3, 1, 4, 0, 2])
    y = layer.fwd((), x)[0]
    close("another order", layer.fwd((), x[:, order])[0], y[:, order], atol=1e-15, rtol=1e-14)
    close("one example", layer.fwd((), x[1])[0], y[1], atol=1e-15, rtol=1e-14)
    one = x[:, :1]
    assert bits(layer.fwd((), one)[0]) == bits(one[..., 8:].contiguous())  # a place alone attends to itself
    assert [layer.fwd((), x[:n, :m])[0].shape for n, m in ((0, 5), (2, 0))] == [(0, 5, 4), (2, 0, 4)]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of forward derivatives of torch
@pytest.mark.parametrize("heads", [1, 2])
def test_a_causal_place_sees_itself_and_those_before_it(heads: int) -> None:
    """As torch's own with a mask; every law holds; and later places leave no trace, whatever they are."""
    layer, x = attention(heads, causal=True), draw(2, 5, 12)
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in x.chunk(3, -1))
    expected = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    y, cache = layer.fwd((), x)
    close("as torch", y, expected, atol=1e-14, rtol=1e-13)
    report = pm.laws(layer, (), x, shared={"cache is x"})
    assert report.ok, report
    later = torch.cat((x[:, :3], 1e9 * x[:, 3:]), 1)
    assert bits(layer.fwd((), later)[0][:, :3].contiguous()) == bits(y[:, :3].contiguous())
    dy = torch.cat((draw(2, 3, 4), torch.zeros(2, 2, 4, dtype=x.dtype)), 1)
    assert not layer.bwd((), cache, dy)[0][:, 3:].any()
    dx, jvp, bwd_jvp = draw(2, 5, 12, seed=3), layer.jvp, layer.bwd_jvp
    assert jvp is not None
    assert bwd_jvp is not None
    close("transposed", (dy * jvp((), x, (), dx)).sum(), (layer.bwd((), cache, dy)[0] * dx).sum(), atol=1e-14, rtol=1e-13)
    bent: Any = torch.func.jvp(lambda x: layer.bwd((), layer.fwd((), x)[1], dy)[0], (x,), (dx,))
    close("second derivative", bwd_jvp((), cache, dy, (), dx)[0], bent[1], atol=1e-13, rtol=1e-12)


def test_large_scores_pick_one_place_and_in_half_precision_none_is_lost() -> None:
    x = torch.tensor([[1e200, 1.0, 5.0], [-1e200, -1.0, 7.0]], dtype=torch.float64)
    y, cache = attention().fwd((), x)
    assert y.tolist() == [[5.0], [7.0]]
    assert attention().bwd((), cache, torch.ones_like(y))[0].tolist() == [[0.0, 0.0, 1.0]] * 2
    for dtype in (torch.float16, torch.bfloat16):
        low = (8 * draw(3, 16, 12)).to(dtype)
        exact, eps = attention(2).fwd((), low.double())[0], 8 * torch.finfo(dtype).eps
        close("half precision", attention(2).fwd((), low)[0].double(), exact, atol=eps, rtol=eps)


def test_what_does_not_fit_is_refused() -> None:
    for wrong in (torch.ones(12), torch.ones(5, 9), torch.ones(5, 0)):
        said = f"input {tuple(wrong.shape)} float32, expected (*, T, 3n) with n a multiple of 2: queries, keys and values"
        with pytest.raises(ValueError, match=re.escape(said)):
            attention(2).fwd((), wrong)
    for heads in (0, 1.5):
        with pytest.raises(ValueError, match=f"attention: heads {heads}, expected a whole number >= 1"):
            attention(heads)  # type: ignore[arg-type]  # a number that is none of heads
    with pytest.raises(ValueError, match=r"layer 1 \(attention\): input \(5, 4\)"):
        pm.serial(pm.linear, attention()).fwd((affine(3, 4), ()), draw(5, 3))


NET, PARAMS = pm.serial(pm.linear_bottom, attention(2, causal=True), pm.linear), (affine(6, 12), (), affine(4, 3, 2))
SEQUENCES = [(draw(n, 5, 6, seed=n), draw(n, 5, 3, seed=9 + n)) for n in (4, 4, 3, 4)]


@pytest.mark.parametrize("optimizer", [pm.sgd(0.1), pm.adam(0.01)], ids=["sgd", "adam"])
def test_it_is_trained_in_a_plan(optimizer: pm.Optimizer) -> None:
    same(*training(NET, PARAMS, pm.mse, optimizer), SEQUENCES)


@needs_compiler
def test_it_is_trained_in_c() -> None:
    natively_same(*training(NET, PARAMS, pm.mse, pm.sgd(0.1)), SEQUENCES[:2])
