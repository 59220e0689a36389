"""Tensors that are other tensors: views, detached ones, wrapped ones, captured ones, buffers that are filled again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.utils.dlpack
from fuzz.loop import Case
from torch import Tensor, nn

import pure_mlp as pm

from .engines import F64, Step, agrees, draw, every, fast

SAME: dict[str, Callable[[Tensor], Tensor]] = {
    "detach": Tensor.detach,
    "alias": torch.ops.aten.alias,
    "view": lambda t: t.view(t.shape),
    "view_as": lambda t: t.view_as(t),
    "view flat": lambda t: t.view(-1).view(t.shape),
    "reshape": lambda t: t.reshape(t.shape),
    "flatten": lambda t: t.flatten().view(t.shape),
    "contiguous": Tensor.contiguous,
    "t": lambda t: t.t().t(),
    "T": lambda t: t.mT.mT,
    "transpose": lambda t: t.transpose(0, 1).transpose(0, 1),
    "permute": lambda t: t.permute(0, 1),
    "unsqueeze": lambda t: t.unsqueeze(0)[0],
    "squeeze": lambda t: t.squeeze(),
    "expand": lambda t: t.expand(t.shape),
    "expand_as": lambda t: t.expand_as(t),
    "slice": lambda t: t[:],
    "ellipsis": lambda t: t[...],
    "narrow": lambda t: t.narrow(0, 0, len(t)),
    "chunk": lambda t: t.chunk(1)[0],
    "split": lambda t: t.split(len(t))[0],
    "unbind": lambda t: t[None].unbind(0)[0],
    "unflatten": lambda t: t.unflatten(0, (1, -1))[0],
    "data": lambda t: t.data,
    "to": lambda t: t.to(F64),
    "double": Tensor.double,
    "real": lambda t: t.real,
    "positive": torch.positive,
    "conj": torch.conj,
    "requires_grad_": lambda t: t.requires_grad_(False),
    "as_tensor": torch.as_tensor,
    "atleast": lambda t: torch.atleast_2d(t),
    "broadcast": lambda t: torch.broadcast_tensors(t, t)[0],
    "as_strided": lambda t: t.as_strided(t.shape, t.stride()),
    "view dtype": lambda t: t.view(torch.int64).view(F64),
    "cpu": Tensor.cpu,
    "movedim": lambda t: t.movedim(0, 1).movedim(1, 0),
    "clone": Tensor.clone,
    "copy": lambda t: torch.empty_like(t).copy_(t),
    "contiguous of columns": lambda t: t.t().contiguous().t(),
    "positive copy": lambda t: +t,
}
WRITES: dict[str, Callable[[Tensor], object]] = {
    "add_": lambda t: t.add_(1),
    "mul_": lambda t: t.mul_(t),
    "zero_": Tensor.zero_,
    "setitem": lambda t: t.__setitem__(0, 7.0),
    "copy_": lambda t: t.copy_(t.exp()),
    "out": lambda t: torch.exp(t, out=t),
    "iadd of a row": lambda t: t[0].add_(2),
    "foreach": lambda t: torch._foreach_add_([t], 1.0),
    "swap": lambda t: t.set_(torch.zeros_like(t).untyped_storage(), 0, t.shape),  # type: ignore[call-overload]  # torch declares half of them
}


def written(same: Callable[[Tensor], Tensor], write: Callable[[Tensor], object], turn: bool) -> Step:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        y = w * x
        z = same(y)
        a, b = (z, y) if turn else (y, z)
        write(a)
        return w - 0.1 * b, (a + 2 * b).sum()

    return step


@fast
@pytest.mark.parametrize("same", SAME)
@pytest.mark.parametrize("turn", [False, True], ids=["original", "alias"])
def test_one_of_two_names_is_written_to(same: str, turn: bool, engine: pm.Engine) -> None:
    for write in ("add_", "setitem"):
        case = Case(written(SAME[same], WRITES[write], turn), draw(3, 4), [draw(3, 4, seed=1), draw(3, 4, seed=2)])
        agrees(lambda: case, engine)  # noqa: B023  # called at once


@fast
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("same", ["detach", "view flat", "t", "clone"])
def test_every_way_to_write(write: str, same: str, engine: pm.Engine) -> None:
    case = Case(written(SAME[same], WRITES[write], False), draw(3, 4), [draw(3, 4, seed=1), draw(3, 4, seed=2)])
    agrees(lambda: case, engine)


def negated(x: Tensor) -> Tensor:
    np = pytest.importorskip("numpy", reason="memory is shared with numpy")
    return torch.from_numpy(np.negative(x.numpy(), out=x.numpy()))


INTO: dict[str, Step] = {
    "batch": lambda w, x: (w + x.mul_(2), x.sum()),
    "view of the batch": lambda w, x: (w + x.t().add_(1).t() * 0.5, x.sum()),
    "batch through numpy": lambda w, x: (w + negated(x), x.sum()),
    "row of what was born": lambda w, x: ((y := w * x, y[0].zero_())[0], w.sum()),
    "column after it was read": lambda w, x: ((y := w * x, s := y.sum(), y[:, 1].fill_(3.0))[0] + s, w.sum()),
    "what is returned twice": lambda w, x: ((y := w * 0.5, y.add_(x))[0], y.sum()),
}


@fast
@pytest.mark.parametrize("name", INTO)
def test_writing_into_inputs_and_parts(name: str, engine: pm.Engine) -> None:
    """Not pure, most of them: the engine does as the loop does, or lets the loop do it."""
    agrees(lambda: Case(INTO[name], draw(3, 4), [draw(3, 4, seed=1), draw(3, 4, seed=2)]), engine)


@every
def test_a_refused_step_leaves_a_batch_of_nan_that_is_one_row_alone(engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        z = w.tanh().clamp_(-1, 1)
        return w - torch.add(z, w, out=z), x.sum()

    row = torch.tensor([1.0, float("nan")]).expand(3, 2)
    agrees(lambda: Case(step, torch.ones(2), [row] * 2), engine)


@every
def test_a_carry_of_one_tensor_twice_and_of_the_batch(engine: pm.Engine) -> None:
    def step(carry: Any, x: Tensor) -> tuple[Any, Tensor]:
        return (x, carry[0] + carry[1], carry[1]), x.sum()

    w = draw(3)
    agrees(lambda: Case(step, (w, w, w), [draw(3, seed=s) for s in range(4)]), engine)


class Sub(Tensor):
    """A tensor of a user's own."""


def plain(t: Tensor) -> Tensor:
    return t if type(t) is Tensor else t.as_subclass(Tensor)


WRAPPED: dict[str, Callable[[Tensor], Tensor]] = {
    "Parameter": lambda x: nn.Parameter(x, requires_grad=False).detach(),
    "Parameter itself": lambda x: nn.Parameter(x, requires_grad=False),
    "as_subclass": lambda x: x.as_subclass(Sub),
    "as_subclass and back": lambda x: x.as_subclass(Sub).as_subclass(Tensor),
    "make_subclass": lambda x: Tensor._make_subclass(Sub, x),
    "Buffer": lambda x: nn.Buffer(x),
    "data": lambda x: x.data,
    "numpy and back": lambda x: torch.from_numpy(x.numpy()),
    "list": lambda x: torch.tensor(x.tolist(), dtype=x.dtype),
    "dlpack": torch.utils.dlpack.from_dlpack,
    "frombuffer": lambda x: torch.frombuffer(x.numpy().data, dtype=x.dtype).view(x.shape),
    "storage": lambda x: torch.empty(0, dtype=x.dtype).set_(x.untyped_storage(), 0, x.shape, x.stride()),
    "module": lambda x: nn.ParameterList([nn.Parameter(x, requires_grad=False)])[0],
    "constructor": lambda x: torch.Tensor(x.float()).double(),
    "empty like, filled": lambda x: torch.empty_like(x).copy_(x),
    "requires_grad": lambda x: x.detach().requires_grad_(True).detach(),
}


@fast
@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("what", ["batch", "carry"])
def test_what_comes_back_as_another_object(name: str, what: str, engine: pm.Engine) -> None:
    """Otherwise the first batch is a constant of the program."""
    wrap = WRAPPED[name]

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        w, x = (wrap(w), x) if what == "carry" else (w, wrap(x))
        return plain(w * 0.5 + x.relu()), plain((w * x).sum())

    agrees(lambda: Case(step, draw(3, 4), [draw(3, 4, seed=s) for s in range(4)]), engine)


@every
@pytest.mark.parametrize("length", [1, 3, 40])
def test_a_generator_that_refills_one_buffer(length: int, engine: pm.Engine) -> None:
    """Batches are read when they come, not 32 at once later."""

    def refilled() -> Iterator[pm.Batch]:
        x, y = torch.empty(4, 3, dtype=F64), torch.empty(4, dtype=F64)
        for seed in range(length):
            yield x.copy_(draw(4, 3, seed=seed)), y.copy_(draw(4, seed=seed))
        x.fill_(torch.nan)
        y.fill_(torch.nan)

    def step(w: Tensor, batch: pm.Batch) -> tuple[Tensor, Tensor]:
        x, y = batch
        return w - 0.01 * (x.t() @ (x @ w - y)), (x @ w).sum()

    agrees(lambda: Case(step, draw(3), refilled), engine)
