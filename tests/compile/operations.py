"""Operations of torch as functions of a carry w and a batch x, both (3, 3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from fuzz.loop import Case
from torch import Tensor

from pure_mlp import Engine

from .engines import F64, agrees, draw

PAIRS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "fmax": torch.fmax,
    "fmin": torch.fmin,
    "hypot": torch.hypot,
    "atan2": torch.atan2,
    "copysign": torch.copysign,
    "remainder": lambda w, x: torch.remainder(w, x.abs() + 1),
    "fmod": lambda w, x: torch.fmod(w, x.abs() + 1),
    "floor_divide": lambda w, x: w // (x.abs() + 1),
    "pow": lambda w, x: w.abs() ** x,
    "lerp": lambda w, x: torch.lerp(w, x, 0.25),
    "lerp of a tensor": lambda w, x: torch.lerp(w, x, x.sigmoid()),
    "logaddexp": torch.logaddexp,
    "xlogy": lambda w, x: torch.xlogy(w, x.abs()),
    "nextafter": torch.nextafter,
    "addcmul": lambda w, x: torch.addcmul(w, x, x, value=0.5),
    "addcdiv": lambda w, x: torch.addcdiv(w, x, x.abs() + 1, value=-0.5),
    "where": lambda w, x: torch.where(w > x, w, x * 2),
    "where number": lambda w, x: torch.where(x > 0, w, 0.5),
    "masked_fill": lambda w, x: w.masked_fill(x > 0, 0.5),
    "clamp by tensors": lambda w, x: torch.clamp(w, -x.abs(), x.abs()),
    "clamp_min": lambda w, x: (w * 2).clamp_min(0.1) + x,
    "index_fill_": lambda w, x: (w * 2).index_fill_(0, torch.tensor([0, 2]), 0.5) + x,
    "index_add": lambda w, x: w.index_add(0, torch.tensor([0, 2, 0]), x, alpha=0.5),
    "index_copy": lambda w, x: w.index_copy(1, torch.tensor([1, 0, 2]), x),
    "index_put": lambda w, x: w.index_put((torch.tensor([1, 1]),), x[:2], accumulate=True),
    "scatter": lambda w, x: w.scatter(0, torch.tensor([[0, 1, 2]]), x[:1]),
    "scatter number": lambda w, x: w.scatter(0, torch.tensor([[0, 1, 2]]), 0.5) + x,
    "scatter_add": lambda w, x: w.scatter_add(0, torch.tensor([[0, 1, 2], [0, 0, 0]]), x[:2]),
    "gather": lambda w, x: w.gather(1, x.argsort(1)),
    "take": lambda w, x: w + x.take(torch.tensor([8, 0, 3])),
    "masked_scatter": lambda w, x: w.masked_scatter(torch.eye(3, dtype=torch.bool), x),
    "sort": lambda w, x: w + x.sort(0).values,
    "topk": lambda w, x: w + x.topk(2, 0).values.sum(0),
    "max over rows": lambda w, x: w + x.max(0).values,
    "argmax": lambda w, x: w + x.argmax(0),
    "cummax": lambda w, x: w + x.cummax(0).values,
    "median": lambda w, x: w + x.median(0).values,
    "var": lambda w, x: w + x.var(0) + x.std(1),
    "norm": lambda w, x: w / (x.norm() + torch.linalg.vector_norm(w, 1, 0)),
    "prod": lambda w, x: w + x.prod(0),
    "logsumexp": lambda w, x: w + x.logsumexp(1),
    "log_softmax": lambda w, x: w + x.log_softmax(0),
    "einsum": lambda w, x: torch.einsum("ij,jk->ik", w, x) * 0.1,
    "bmm": lambda w, x: torch.bmm(w[None], x[None])[0] * 0.1,
    "baddbmm": lambda w, x: torch.baddbmm(w[None], x[None], x[None], beta=0.5, alpha=0.1)[0],
    "addmv": lambda w, x: w + torch.addmv(w[0], x, w[1], beta=0.5, alpha=2),
    "addr": lambda w, x: torch.addr(w, x[0], x[1], alpha=0.1),
    "dot": lambda w, x: w * 0.5 + torch.dot(w[0], x[0]),
    "cross": lambda w, x: torch.linalg.cross(w, x),
    "roll": lambda w, x: w + x.roll(1, 0).flip(1).rot90(),
    "tril": lambda w, x: w.tril() + x.triu(1),
    "pad": lambda w, x: w + F.pad(x[:2], (0, 0, 0, 1), value=0.5),
    "layer_norm": lambda w, x: w + F.layer_norm(x, (3,), w[0]),
    "gelu": lambda w, x: F.gelu(w) + F.gelu(x, approximate="tanh") + F.silu(x) + F.softplus(x) + F.elu(x) + F.hardtanh(x),
    "leaky": lambda w, x: F.leaky_relu(w, 0.1) + F.threshold(x, 0.1, 0.5) + F.relu6(x) + F.hardswish(x) + F.logsigmoid(x),
    "special": lambda w, x: torch.erf(w) + torch.lgamma(x.abs() + 1) + torch.expm1(x) + torch.log1p(x.abs()) + torch.sinc(x),
    "rounding": lambda w, x: w * 0.5 + x.round() + x.floor() + x.ceil() + x.trunc() + x.frac() + x.sign(),
    "round decimals": lambda w, x: w * 0.5 + x.round(decimals=1),
    "nan_to_num": lambda w, x: w + torch.nan_to_num(x / 0, 0.1, 0.2, 0.3),
    "reciprocal": lambda w, x: w + (x.abs() + 1).reciprocal() + (x.abs() + 1).rsqrt() - w.neg(),
    "rsub": lambda w, x: 1 - w - torch.rsub(x, 2.0, alpha=0.5),
    "true division by an integer": lambda w, x: (x * 4).to(torch.int64) / 3 + w,
    "bool arithmetic": lambda w, x: w + (x > 0) * 2.0 - (x > 1).to(w.dtype) + ((x > 0) ^ (w > 0)),
    "integers": lambda w, x: w + ((x * 7).to(torch.int64) % 5 // 2).to(w.dtype),
    "bits": lambda w, x: w + (((x * 7).to(torch.int32) & 3) | 4).to(w.dtype),
    "uint8": lambda w, x: w + ((x.abs() * 50).to(torch.uint8) + 250).to(w.dtype),
    "dtype there and back": lambda w, x: w + x.float().half().double().to(w.dtype),
    "any all": lambda w, x: w + (x > 0).any(0) - (x > 0).all(1).to(w.dtype) + (x > 0).sum(),
    "isclose": lambda w, x: w + torch.isfinite(x) + torch.isnan(w) + torch.isclose(w, x),
    "one_hot": lambda w, x: w + F.one_hot(x.argmax(1), 3),
    "embedding": lambda w, x: w + F.embedding(x.argmax(1), w),
    "meshgrid": lambda w, x: w + torch.arange(3)[:, None] * torch.linspace(0, 1, 3, dtype=F64).to(w.dtype),
    "new tensors": lambda w, x: w + x.new_full((3, 1), 2.0) + torch.zeros(3, dtype=w.dtype) + torch.eye(3, dtype=w.dtype),
    "scalar tensor": lambda w, x: w * torch.tensor(0.5) + x * torch.tensor(2) + torch.scalar_tensor(3.0),
    "unsqueeze sum": lambda w, x: w + (x[:, None] * w[None]).sum((0, 1)),
    "tensor_split": lambda w, x: w + torch.cat(x.tensor_split(2)[::-1]),
    "repeat_interleave": lambda w, x: w + x[:1].repeat_interleave(3, 0) + x[:1].tile(3, 1),
    "mse_loss": lambda w, x: w + F.mse_loss(w, x),
    "mse_loss, summed": lambda w, x: w + F.mse_loss(w, x, reduction="sum"),
    "huber_loss": lambda w, x: w + F.huber_loss(w, x),
    "smooth_l1_loss": lambda w, x: w + F.smooth_l1_loss(w, x),
    "l1_loss": lambda w, x: w + F.l1_loss(w, x),
    "nll": lambda w, x: w + F.cross_entropy(x, torch.tensor([0, 2, 1])) + F.binary_cross_entropy_with_logits(w, x.sigmoid()),
}
TOLERANCES = {F64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}


def stepped(f: Callable[[Tensor, Tensor], Tensor], ones: bool) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        new = f(w * 0.5, x) if ones else f(w, x)
        return (0.5 * new).to(w.dtype), (new * (x + 1)).sum()  # with x alone, the loss of cross would be rounding

    return step


def agree(name: str, engine: Engine) -> None:
    """The operation, on the carry itself and on what was made of it, in two dtypes."""
    for dtype in (F64, torch.float32):
        for ones in (True, False):
            case = Case(stepped(PAIRS[name], ones), draw(3, 3, dtype=dtype), [draw(3, 3, seed=s, dtype=dtype) for s in (1, 2)])
            agrees(lambda: case, engine, rtol=TOLERANCES[dtype])  # noqa: B023  # called at once
