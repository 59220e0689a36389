"""Where numbers of a dtype end: large and infinite inputs, gradients whose squares overflow, an eps that rounds to 0."""

from __future__ import annotations

from functools import partial
from math import inf, isfinite, nan

import pytest
import torch
import torch.nn.functional as F
from loss_table import LossFunction
from oracles import autograd
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Linear, Optimizer
from pure_mlp.optim.clip import global_norm
from pure_mlp.registry.layers import LAYER_ROWS

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
LARGE = {torch.float16: 3e4, torch.bfloat16: 1.5e38, torch.float32: 1.5e38, torch.float64: 8e307}

ENDS = {row.name: row for row in LAYER_ROWS.values() if row.ends}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_far_from_0(name: str, dtype: torch.dtype) -> None:
    """Slopes and values are finite and right however large x is, and at the infinities as the docstrings say."""
    f, ends = ENDS[name].layer, ENDS[name].ends
    assert ends is not None
    below, above, bottom, top = ends
    sizes = [v for v in (300.0, 1e4, 1e20, LARGE[dtype]) if v <= LARGE[dtype]]
    x = torch.tensor([s * v for v in sizes for s in (-1, 1)], dtype=dtype)
    y, cache = f.fwd((), x)
    dx = f.bwd((), cache, torch.ones_like(x))[0]
    torch.testing.assert_close(dx, torch.tensor([below, above] * len(sizes), dtype=dtype), atol=1e-100, rtol=0)
    if top == inf:
        assert torch.equal(y[1::2], x[1::2])
        low = torch.full_like(x[::2], bottom) if isfinite(bottom) else x[::2] * below
        torch.testing.assert_close(y[::2], low, atol=1e-100, rtol=0)
    far = torch.tensor([-inf, inf], dtype=dtype)
    y, cache = f.fwd((), far)
    if name != "gelu":  # torch's own values at the infinities, which its kernels do not agree on
        torch.testing.assert_close(y, torch.tensor([bottom, top], dtype=dtype), equal_nan=True)
    assert torch.equal(f.bwd((), cache, torch.ones_like(far))[0], torch.tensor([below, above], dtype=dtype))
    assert f.bwd((), f.fwd((), torch.tensor([nan], dtype=dtype))[1], torch.ones(1, dtype=dtype))[0].isnan() or looked_up(name)


def looked_up(name: str) -> bool:
    """Whether the slopes are not computed: at NaN they are one of the two."""
    return name == "identity" or bool(ENDS[name].kinks)


def test_softmax_far_from_0() -> None:
    y, cache = pm.softmax.fwd((), torch.tensor([[3e38, -3e38, -inf]]))
    assert y.tolist() == [[1, 0, 0]]
    assert pm.softmax.bwd((), cache, torch.ones(1, 3))[0].tolist() == [[0, 0, 0]]
    assert pm.softmax.fwd((), torch.tensor([inf, 0.0]))[0].isnan().all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_without_end(dtype: torch.dtype) -> None:
    """A sure prediction costs nothing where it is right, and inf where it is wrong."""
    y, z = torch.tensor([0.0, 1, 0, 1, 0.5, 0.5, 0], dtype=dtype), torch.tensor([-inf, inf, inf, -inf, inf, -inf, nan], dtype=dtype)
    J, dz = pm.bce_with_logits(y, z, "none")
    torch.testing.assert_close(J, torch.tensor([0, 0, inf, inf, inf, inf, nan], dtype=dtype), equal_nan=True)
    torch.testing.assert_close(dz, torch.tensor([0, 0, 1, -1, 0.5, -0.5, nan], dtype=dtype), equal_nan=True)
    top = LARGE[dtype]
    assert pm.bce_with_logits(y[:4], torch.tensor([-top, top, top, -top], dtype=dtype), "none")[0].tolist() == [
        0,
        0,
        torch.tensor(top, dtype=dtype).item(),
        torch.tensor(top, dtype=dtype).item(),
    ]
    rows = torch.tensor([[inf, 0, -inf], [inf, 0, -inf], [inf, inf, 0], [inf, nan, 0], [-inf, -inf, -inf]], dtype=dtype)
    J, dz = pm.cross_entropy(torch.tensor([0, 1, 1, 0, 0]), rows, "none")
    torch.testing.assert_close(J, torch.tensor([0, inf, 0.6931472, nan, nan], dtype=dtype), equal_nan=True)
    assert dz[:3].tolist() == [[0, 0, 0], [1, -1, 0], [0.5, -0.5, 0]]
    assert dz[3:].isnan().all()
    J, dz = pm.cross_entropy(torch.tensor([[1.0, 0, 0], [0, 0, 1]], dtype=dtype), rows[:2], "none")
    assert J.tolist() == [0, inf]


@pytest.mark.parametrize("loss", [pm.mse, pm.squared_norm])
def test_errors_without_end(loss: LossFunction) -> None:
    y = torch.zeros(2, 1)
    J, dy_hat = loss(y, torch.tensor([[inf], [-inf]]), "none")
    assert J.flatten().tolist() == [inf, inf]
    assert dy_hat.flatten().tolist() == [inf, -inf]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bce_and_its_gradient_are_those_of_torch_to_the_bit(dtype: torch.dtype) -> None:
    """300 draws, saturated ones among them, for every reduction that torch has."""
    g = Generator().manual_seed(0)
    for i in range(300):
        shape = (int(torch.randint(1, 9, (), generator=g)), int(torch.randint(1, 9, (), generator=g)))
        p = torch.sigmoid(10 ** (i % 4 - 1) * torch.randn(shape, generator=g, dtype=dtype))
        y = torch.rand(shape, generator=g, dtype=dtype).round() if i % 2 else torch.rand(shape, generator=g, dtype=dtype)
        for reduction in ("mean", "sum", "none"):
            J, dp = pm.bce(y, p, reduction)
            theirs = partial(F.binary_cross_entropy, target=y, reduction=reduction)
            J_ref, dp_ref = autograd(lambda v, f=theirs: f(v), torch.ones_like(J), p)
            assert torch.equal(J, J_ref)
            assert torch.equal(dp, dp_ref)


def test_bce_names_what_is_no_probability() -> None:
    with pytest.raises(ValueError, match=r"bce: y from 2 to 2, expected"):
        pm.bce(torch.tensor([2.0]), torch.tensor([0.5]))
    with pytest.raises(ValueError, match=r"bce: y_hat from -1 to 0\.5, expected"):
        pm.bce(torch.tensor([1.0, 1.0]), torch.tensor([0.5, -1.0]))
    with pytest.raises(ValueError, match=r"bce: y_hat from nan to nan, expected"):
        pm.bce(torch.tensor([2.0]), torch.tensor([nan]))


def left(by: Optimizer, *grads: Tensor) -> list[Tensor]:
    """What clipping leaves of gradients."""
    optimizer, zeros = pm.chain(by, pm.sgd(1.0)), tuple(map(torch.zeros_like, grads))
    return [-t for t in optimizer.update(zeros, grads, optimizer.init(zeros))[0]]


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        *((torch.float16, s) for s in (300.0, 6e4)),
        *((dtype, s) for dtype in (torch.bfloat16, torch.float32) for s in (300.0, 1e20, 3e38)),
        *((torch.float64, s) for s in (1e200, 1e307)),
    ],
)
def test_norms_neither_overflow_nor_vanish(dtype: torch.dtype, size: float) -> None:
    close = partial(torch.testing.assert_close, atol=0, rtol=2 * torch.finfo(dtype).eps)
    close(left(pm.clip_by_global_norm(1.0), torch.tensor([size], dtype=dtype))[0], torch.ones(1, dtype=dtype))
    several = [torch.tensor([0.6 * size, 0.0], dtype=dtype), torch.tensor([[-0.8 * size]], dtype=dtype), torch.ones(0, dtype=dtype)]
    close(left(pm.clip_by_global_norm(2.0), *several)[1], torch.tensor([[-1.6]], dtype=dtype))
    small = torch.tensor([torch.finfo(dtype).tiny * 4], dtype=dtype)
    close(left(pm.clip_by_global_norm(small.item() / 2), small)[0], small / 2)
    assert torch.equal(left(pm.clip_by_global_norm(1.0), small)[0], small)


@pytest.mark.parametrize("dtype", DTYPES)
def test_norms_at_the_ends(dtype: torch.dtype) -> None:
    clip = pm.clip_by_global_norm(1.0)
    zeros = torch.zeros(3, dtype=dtype)
    assert torch.equal(left(clip, zeros)[0], zeros)
    assert left(clip, zeros[:0])[0].shape == (0,)
    infinite, finite = left(clip, torch.tensor([inf, -inf], dtype=dtype), torch.ones(2, dtype=dtype))
    assert infinite.isnan().all()
    assert finite.tolist() == [0, 0]
    assert all(t.isnan().all() for t in left(clip, torch.tensor([nan], dtype=dtype), torch.ones(2, dtype=dtype)))
    assert global_norm([torch.tensor([3.0], dtype=dtype), torch.tensor([4.0])]).item() == pytest.approx(5, rel=1e-15)


WITH_EPS = {
    "adam": pm.adam(0.1),
    "adamw": pm.adamw(0.1, weight_decay=0.0),
    "rmsprop": pm.rmsprop(0.1),
    "rmsprop with momentum": pm.rmsprop(0.1, momentum=0.9),
    "chained": pm.chain(pm.clip_by_global_norm(1.0), pm.sgd(0.1, 0.9), pm.adam(0.1)),
}


@pytest.mark.parametrize("name", WITH_EPS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_of_0_changes_nothing(name: str, dtype: torch.dtype) -> None:
    params, optimizer = torch.tensor([1.0, -2.0], dtype=dtype), WITH_EPS[name]
    after, state = params, optimizer.init(params)
    for _ in range(3):
        after, new = optimizer.update(after, torch.zeros_like(params), state)
        assert [slot.dtype for slot in new.slots] == [slot.dtype for slot in state.slots]
        state = new
    assert torch.equal(after, params)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "rmsprop with momentum"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_steps_are_those_of_float32(name: str, dtype: torch.dtype) -> None:
    """Gradients whose squares are 0 in float16 move the params as far as others."""
    optimizer, params = WITH_EPS[name], torch.tensor([1.0, -2.0, 0.5], dtype=dtype)
    half, single = params, params.float()
    states = optimizer.init(half), optimizer.init(single)
    for t in range(4):
        g = torch.tensor([1e-4, -0.5, 3e-7 * t], dtype=dtype)
        half, first = optimizer.update(half, g, states[0])
        single, second = optimizer.update(single, g.float(), states[1])
        states = first, second
        assert half.dtype == dtype
    torch.testing.assert_close(half.float(), single, atol=0, rtol=4 * torch.finfo(dtype).eps)


def test_a_tiny_eps_does_not_round_to_0() -> None:
    for optimizer in (pm.adam(0.1, eps=1e-50), pm.rmsprop(0.1, eps=1e-50)):
        params = torch.ones(2)
        assert torch.equal(optimizer.update(params, torch.zeros(2), optimizer.init(params))[0], params)


def test_linear_names_what_does_not_fit() -> None:
    p, x = Linear(torch.ones(3, 4), torch.ones(3)), torch.ones(5, 4)
    for layer in (pm.linear, pm.dense(pm.relu), pm.dense(pm.tanh)):
        with pytest.raises(ValueError, match=r"bias \(3,\) float64, expected \(3,\) as weight \(3, 4\) float32"):
            layer.fwd(Linear(p.weight, p.bias.double()), x)
        with pytest.raises(ValueError, match=r"input \(5, 4\) float64, weight \(3, 4\) float32 takes \(\*, 4\)"):
            layer.fwd(p, x.double())


HALVES = [torch.float16, torch.bfloat16]


def near(got: Tensor, exact: Tensor, dtype: torch.dtype) -> None:
    """Whether a number is that of float64, rounded to a dtype on the way."""
    torch.testing.assert_close(got.double(), exact.double(), atol=0, rtol=4 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", HALVES)
def test_bce_of_a_sure_prediction_in_half_precision(dtype: torch.dtype) -> None:
    """1e-12 is 0 in float16: the gradient of a right prediction was 0 / 0."""
    y, p = torch.tensor([1.0, 0, 0, 1], dtype=dtype), torch.tensor([1.0, 0, 1, 0], dtype=dtype)
    J, dp = pm.bce(y, p, "none")
    assert J.tolist() == [0, 0, 100, 100]
    assert dp[:2].tolist() == [0, 0]
    assert dp.isfinite().all()
    assert dp[2] == -dp[3] > 1e4
    assert pm.curvature(pm.bce, y, p, torch.ones_like(p)).isnan().sum() == 0


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("rows", [300, 70_000])
def test_sums_over_many_rows_in_half_precision(dtype: torch.dtype, rows: int) -> None:
    """Neither the count of rows nor the sum of their losses fits into float16."""
    z, y = torch.tensor([[2.0, 0, -1]], dtype=dtype).expand(rows, 3), torch.zeros(rows, dtype=torch.int64)
    weight, loss = torch.tensor([1.5, 1, 1], dtype=dtype), pm.cross_entropy
    weighted = partial(loss, weight=weight), partial(loss, weight=weight.double())
    for half, exact in ((loss, loss), weighted, (partial(loss, label_smoothing=0.1),) * 2):
        (J, dz), (J_exact, dz_exact) = half(y, z), exact(y, z.double())
        near(J, J_exact, dtype)
        torch.testing.assert_close(dz[0].double(), dz_exact[0], atol=2.0**-24, rtol=4 * torch.finfo(dtype).eps)
    near(pm.mse(2 * z, -z, "batchmean")[0], pm.mse(2 * z.double(), -z.double(), "batchmean")[0], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_second_derivatives_far_from_0(dtype: torch.dtype) -> None:
    for x in (-LARGE[dtype], -39.0, 39.0, LARGE[dtype]):
        for row in ENDS.values():
            at = torch.tensor([x], dtype=dtype)
            bent = row.layer.bwd_jvp
            assert bent is None or bent((), row.layer.fwd((), at)[1], torch.ones_like(at), (), torch.ones_like(at))[0].abs() < 1e-4


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("size", [1e-3, 300.0, 6e4])
def test_running_statistics_of_half_precision(dtype: torch.dtype, size: float) -> None:
    """The variance overflows float16 where x does not."""
    x = (size * torch.tensor([[1.0, -1.0], [0.5, 0.25], [-1.0, 1.0]])).to(dtype)
    params = pm.BatchNorm(torch.ones(2, dtype=dtype), torch.zeros(2, dtype=dtype))
    wide = pm.BatchNorm(torch.ones(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64))
    seen = pm.running_statistics(pm.batch_norm().fwd(params, x)[1], pm.initial_statistics(params), 1.0)
    exact = pm.running_statistics(pm.batch_norm().fwd(wide, x.double())[1], pm.initial_statistics(wide), 1.0)
    near(seen[0].variance, exact[0].variance, dtype)
    y, y_exact = pm.batch_norm_by(seen[0]).fwd(params, x)[0], pm.batch_norm_by(exact[0]).fwd(wide, x.double())[0]
    assert y.dtype == dtype
    near(y, y_exact, dtype)


def test_a_norm_of_which_a_sum_would_overflow() -> None:
    g = torch.tensor([1.2e308, -0.5e308], dtype=torch.float64)
    torch.testing.assert_close(left(pm.clip_by_global_norm(1.3), g)[0], g / 1e308, atol=0, rtol=1e-15)
