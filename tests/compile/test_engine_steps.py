"""Whatever a step does with torch, a plan of it gives the numbers of the pure step, or is refused and the step run as it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from planned import F64, draw, pieces, pure
from torch import Tensor
from torch.nn import functional as F

import pure_mlp as pm


def copied(x: Tensor) -> Tensor:
    z = x.clone()
    z.view(-1).add_(1)
    return z


def assigned(x: Tensor) -> Tensor:
    z = x.clone()
    z[0, 0] = 1.0
    return z


def crossed(a: Tensor, b: Tensor) -> Tensor:
    torch._foreach_add_([a, b], [b, a])
    torch._foreach_add_([a, a], 1.0)
    return a + 2 * b


def doubled(xs: list[Tensor]) -> list[Tensor]:
    torch._foreach_mul_(xs, 2.0)
    torch._foreach_add_(xs, xs)
    return xs


def by_tape(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    leaf = w.detach().requires_grad_()
    return torch.autograd.grad(F.mse_loss(x @ leaf, y), leaf)[0]


STEPS: dict[str, Callable[[Tensor, Tensor, Tensor], Any]] = {
    "tensor_list": lambda w, x, y: torch.tensor([x.sum(), y.sum()]).sum(),
    "as_tensor": lambda w, x, y: torch.as_tensor(x).sum(),
    "new_tensor": lambda w, x, y: x.new_tensor([1.0, 2.0]) * x.sum(),
    "index0": lambda w, x, y: x[x[:, 0].argmax()].sum(),
    "index_put": lambda w, x, y: torch.index_put(w, (torch.tensor([0]), torch.tensor([1])), x.sum()),
    "cat": lambda w, x, y: torch.cat([x, x * 2]).sum(),
    "chunk": lambda w, x, y: x.chunk(2)[0].sum(),
    "split": lambda w, x, y: torch.tensor_split(x, 2)[1].sum(),
    "unbind": lambda w, x, y: x.unbind(0)[1].sum(),
    "intidx": lambda w, x, y: x[int(x.sum() > 0)].sum(),
    "contig": lambda w, x, y: x.t().contiguous().sum() + x.t().reshape(-1)[0],
    "expand": lambda w, x, y: x.sum(0, keepdim=True).expand(3, 3)[:, :2],
    "cumsum": lambda w, x, y: x.cumsum(0)[:3, :2],
    "roll": lambda w, x, y: x.roll(1, 0)[:3, :2],
    "flip": lambda w, x, y: x.flip(0)[:3, :2],
    "gather": lambda w, x, y: x.gather(1, x.argsort(1))[:3, :2],
    "scatter": lambda w, x, y: torch.zeros_like(x).scatter(1, x.argsort(1), x)[:3, :2],
    "scatter_": lambda w, x, y: torch.zeros_like(x).scatter_(1, x.argsort(1), x)[:3, :2],
    "index_add_": lambda w, x, y: torch.zeros(3, 2, dtype=F64).index_add_(0, torch.tensor([0, 1, 1, 2]), x[:4, :2]),
    "topk": lambda w, x, y: x.topk(2, 1).values[:3],
    "einsum": lambda w, x, y: torch.einsum("ij,ik->jk", x, y),
    "softmaxce": lambda w, x, y: F.cross_entropy(x, y.argmax(1)),
    "layernorm": lambda w, x, y: F.layer_norm(x, (3,)).sum(0)[:2],
    "bn": lambda w, x, y: F.batch_norm(x, None, None, training=True).sum(0)[:2],
    "conv": lambda w, x, y: F.conv1d(x[:, None], w.t()[:, None, :2]).sum(),
    "maxpool": lambda w, x, y: F.max_pool1d(x[:, None], 2).sum(),
    "gelu": lambda w, x, y: F.gelu(x).sum(0)[:2],
    "clampmin": lambda w, x, y: x.clamp(min=0.1).norm(),
    "std": lambda w, x, y: x.std(0)[:2] + x.var() + x.median(),
    "qr": lambda w, x, y: torch.linalg.qr(x)[0].abs()[:3, :2],
    "eigh": lambda w, x, y: torch.linalg.eigh(x.t() @ x)[0].sum(),
    "inv": lambda w, x, y: torch.linalg.inv(x.t() @ x + torch.eye(3, dtype=F64))[:, :2],
    "solve": lambda w, x, y: torch.linalg.solve(x.t() @ x + torch.eye(3, dtype=F64), w),
    "svd": lambda w, x, y: torch.linalg.svd(x)[1].sum(),
    "randn": lambda w, x, y: torch.randn(3, 2, dtype=F64),
    "randng": lambda w, x, y: torch.randn(3, 2, dtype=F64).normal_(),
    "randperm": lambda w, x, y: x[torch.randperm(4)][:3, :2],
    "multinomial": lambda w, x, y: x[torch.multinomial(torch.ones(4), 3)][:, :2],
    "f32": lambda w, x, y: (x.float() @ w.float()).double().sum(),
    "complex": lambda w, x, y: torch.view_as_real(torch.fft.rfft(x, dim=0)).sum(),
    "bool": lambda w, x, y: (x > 0).any().double() + (x > 0).all() + (x > 0).sum(),
    "lerp": lambda w, x, y: torch.lerp(w, x[:3, :2], 0.3),
    "addcmul": lambda w, x, y: torch.addcmul(w, x[:3, :2], y[:3], value=0.3),
    "foreach in place, crossed": lambda w, x, y: crossed(x.exp()[:3, :2].clone(), w.sin()),
    "foreach in place": lambda w, x, y: doubled([x.exp(), y.sin()])[0][:3, :2],
    "foreach": lambda w, x, y: torch._foreach_add([w, w], [x[:3, :2], y[:3]], alpha=2)[1],
    "where0": lambda w, x, y: torch.where(x.sum() > 0, 1.0, 2.0),
    "maximum": lambda w, x, y: torch.maximum(w, x[:3, :2]) / (1 + torch.minimum(w, y[:3]).abs()),
    "pow2": lambda w, x, y: 0.01 * (x.abs()[:3, :2] ** w.tanh() + 2.0 ** w.tanh() + w.tanh() ** 3 + w.abs() ** 0.5),
    "fmod": lambda w, x, y: torch.fmod(x, 1.5)[:3, :2] + torch.remainder(x, 0.7)[:3, :2] + x[:3, :2] // 1,
    "floor": lambda w, x, y: x.floor()[:3, :2] + x.round(decimals=1)[:3, :2] + x.sign()[:3, :2] + x.trunc()[:3, :2],
    "div_mode": lambda w, x, y: torch.div(x, 0.3, rounding_mode="floor")[:3, :2],
    "diag": lambda w, x, y: torch.diag(x[:3]).sum() + torch.trace(x[:3]) + x.tril().sum() + torch.diagonal(x).sum(),
    "asstrided": lambda w, x, y: x.as_strided((2, 2), (1, 3)).sum(),
    "unfold": lambda w, x, y: x.unfold(0, 2, 1).sum(),
    "repeat": lambda w, x, y: x.repeat(2, 1).sum() + x.repeat_interleave(2, 0).sum() + torch.tile(x, (2,)).sum(),
    "pad": lambda w, x, y: F.pad(x, (1, 1)).sum() + F.one_hot(torch.tensor([1]), 3).sum(),
    "meshgrid": lambda w, x, y: torch.outer(x[0], y[0]) + torch.kron(x[0, :1], w),
    "logsumexp": lambda w, x, y: x.logsumexp(0)[:2] + torch.logaddexp(x, x)[:3, :2] + x.prod(0)[:2],
    "inplace_chain": lambda w, x, y: x.clone().mul_(2).add_(1).relu_().sub_(w.sum()).div_(3).clamp_(0, 5)[:3, :2],
    "out_of_carry_view": lambda w, x, y: w.view(-1).view(3, 2).t().t() * x.mean(),
    "interp": lambda w, x, y: F.interpolate(x[None], size=2)[0][:3],
    "bucket": lambda w, x, y: torch.bucketize(x, torch.tensor([0.0, 1.0], dtype=F64)).sum(),
    "searchsorted": lambda w, x, y: torch.searchsorted(torch.tensor([0.0, 1.0], dtype=F64), x).sum(),
    "histc": lambda w, x, y: torch.histc(x, 4, -1, 1)[:2],
    "isnan": lambda w, x, y: torch.nan_to_num(x / 0 * 0).sum(),
    "emb": lambda w, x, y: F.embedding(x.argmax(1) % 3, w).sum(0),
    "to": lambda w, x, y: x.to(torch.float32).to(F64).sum() + x.type(torch.int64).sum(),
    "tensor_const": lambda w, x, y: torch.tensor([1.0, 2.0], dtype=F64) * x.sum(),
    "numel_shape": lambda w, x, y: x.numel() * x.shape[0] * x.ndim,
    "clone_setitem": lambda w, x, y: assigned(x)[:3, :2],
    "masked_fill": lambda w, x, y: x.masked_fill(x > 0, 0)[:3, :2],
    "masked_fill_": lambda w, x, y: x.clone().masked_fill_(x > 0, 0)[:3, :2],
    "lstm": lambda w, x, y: torch.sigmoid(x).mul(torch.tanh(x)).sum(),
    "sdpa": lambda w, x, y: F.scaled_dot_product_attention(x[None], x[None], x[None])[0][:3, :2],
    "bmm": lambda w, x, y: torch.bmm(x[None], w[None])[0, :3],
    "addr": lambda w, x, y: torch.addr(w, x[:3, 0], y[0]),
    "baddbmm": lambda w, x, y: torch.baddbmm(w[None], x[:3][None], w[None], beta=0.5, alpha=2)[0],
    "mv": lambda w, x, y: (x.mv(w[:, 0])).sum() + x[0].dot(x[1]),
    "scalar0": lambda w, x, y: x.sum() * torch.tensor(2) + torch.tensor(3.0) / x.mean(),
    "rsub": lambda w, x, y: 1 - x[:3, :2] + 2 / (1 + x[:3, :2].abs()) - torch.rsub(w, 2, alpha=3),
    "hypot": lambda w, x, y: (
        torch.hypot(x, x * 2)[:3, :2] + torch.atan2(x, x + 1)[:3, :2] + torch.expm1(x).log1p()[:3, :2].nan_to_num()
    ),
    "sum_dtype": lambda w, x, y: x.float().sum(dtype=F64) + x.mean(1)[:3, None] + x.amax(0)[:2] + x.amin() + x.argmin(),
    "std_mean": lambda w, x, y: torch.std_mean(x)[1] + torch.aminmax(x)[0],
    "tuple_out": lambda w, x, y: sum(t.sum() for t in torch.max(x, 1)),
    "format": lambda w, x, y: len(f"{x.sum():.3f}"),
    "branch": lambda w, x, y: max(x.sum(), y.sum()),
    "a view of a copy, in place": lambda w, x, y: copied(x)[:3, :2],
    "torch's mse": lambda w, x, y: F.mse_loss(x @ w, y),
    "torch's dropout": lambda w, x, y: F.dropout(x, 0.5)[:3, :2],
    "vmap": lambda w, x, y: torch.func.vmap(lambda a: (a * a).sum())(x).sum(),
    "grad": lambda w, x, y: torch.func.grad(lambda a: F.mse_loss(x @ a, y))(w),
    "jacrev": lambda w, x, y: torch.func.jacrev(lambda a: (x @ a).sum(0))(w).sum(),
    "backward": lambda w, x, y: by_tape(w, x, y),
}


@pytest.mark.parametrize("name", STEPS)
def test_any_step_is_the_pure_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 products are torch's, as others round otherwise.

    w (3, 2) becomes 0.9 w plus what the step computes of w, x (4, 3) and y (4, 2); four steps, then one of another shape.
    """

    def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
        return w * 0.9 + STEPS[name](w, *batch), (w * w).sum()

    given = pieces(3, 2, (4, 4, 4, 4, 6))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected, losses = pure(step, draw(3, 2), given)
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the step is not planned", RuntimeWarning)
            after, got = pm.fold(step)(draw(3, 2), given)
    assert torch.isfinite(expected).all()
    bound = 1e-6 if name == "f32" else 1e-9
    torch.testing.assert_close((after, got), (expected, losses), rtol=bound, atol=bound)
