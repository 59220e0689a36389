"""Where numbers lie in memory is nobody's business but the program's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from fuzz.values import ALL_LAYOUTS, LAYOUTS, column_major
from torch import Generator, Tensor

import pure_mlp as pm

from .engines import F64, Step, agrees, draw, fast

F32 = torch.float32
WIDE: dict[str, pm.Layer[Any, Any]] = {
    "residual": pm.residual(pm.linear),
    "linear": pm.linear,
    "remat": pm.remat(pm.residual(pm.linear)),
}
WIDE["fan"] = pm.fan_sum(pm.linear, pm.dense(pm.tanh))
WIDE["square"] = pm.serial(pm.linear, pm.tanh, pm.linear)


def net_of(name: str, width: int, dtype: torch.dtype) -> tuple[pm.Layer[Any, Any], Any]:
    one, two = (pm.linear_init(width, width, Generator().manual_seed(seed), dtype) for seed in (0, 1))
    params: dict[str, Any] = {"residual": one, "linear": one, "remat": one, "fan": (one, two), "square": (one, (), two)}
    return WIDE[name], params[name]


PAIRS = [("columns", "columns"), ("columns", "rows"), ("rows", "columns"), ("wide columns", "gaps"), ("padded", "wide columns")]
PAIRS += [("offset", "misaligned"), ("gaps", "offset"), ("misaligned", "padded"), ("flipped", "columns")]


@fast
@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("dtype", [F64, F32])
def test_nets_on_every_layout_of_inputs_and_labels(name: str, dtype: torch.dtype, engine: pm.Engine) -> None:
    """A residual net on column-major x and y had the right loss and wrong weights after one planned step."""
    net, params = net_of(name, 5, dtype)
    step = pm.training_step(net, pm.mse, pm.sgd(0.1))
    x, y = draw(16, 5, dtype=dtype), draw(16, 5, seed=1, dtype=dtype)
    for a, b in PAIRS:
        made = [(LAYOUTS[a](x), LAYOUTS[b](y)), (x, y), (LAYOUTS[b](x), LAYOUTS[a](y))]
        case = Case(step, (params, pm.sgd(0.1).init(params)), made)
        agrees(lambda: case, engine, floor="plan", rtol=1e-9 if dtype == F64 else 1e-4)  # noqa: B023  # called at once


@fast
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_carry_of_every_layout(layout: str, engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w - 0.1 * (x.t() @ (x @ w)), (x @ w).square().sum()

    agrees(lambda: Case(step, LAYOUTS[layout](draw(5, 4)), [LAYOUTS[layout](draw(6, 5, seed=s)) for s in range(3)]), engine)


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "x^T w": lambda w, x: x.t() @ w,
    "w x^T": lambda w, x: w @ x.t(),
    "x^T w^T": lambda w, x: x.t() @ w.t(),
    "(w x)^T": lambda w, x: (w @ x).t(),
    "(x + w) x": lambda w, x: (x + w) @ x,
    "(x^T + w) x": lambda w, x: (x.t() + w) @ x,
    "(x^T 2)^T w": lambda w, x: (x.t() * 2).t() @ w,
    "x relu^T w": lambda w, x: x.relu().t() @ w,
    "x^T contiguous": lambda w, x: x.t().contiguous() @ w,
    "x^T clone": lambda w, x: x.t().clone() @ w,
    "x^T reshape": lambda w, x: w + x.t().reshape(-1).reshape(4, 4),
    "sum of columns": lambda w, x: w + x.t().sum(0),
    "diagonal": lambda w, x: w + x.diagonal(),
    "empty_like": lambda w, x: w + torch.zeros_like(x.t()) + x,
    "cat": lambda w, x: w + torch.cat((x.t(), x))[1:5],
    "stack": lambda w, x: w + torch.stack((x.t(), x), -1)[..., 0],
    "softmax": lambda w, x: w + x.t().softmax(0),
    "outer": lambda w, x: w + torch.outer(x[:, 0], x[0]),
    "every second": lambda w, x: w + (x[::2] @ w).repeat(2, 1),
    "cumsum": lambda w, x: w + x.t().cumsum(0),
}


@fast
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_on_every_pair_of_layouts(name: str, engine: pm.Engine) -> None:
    update = OPERATIONS[name]
    for a, b in [("rows", "columns"), ("columns", "columns"), ("gaps", "wide columns"), ("padded", "rows")]:
        w, x = LAYOUTS[a](draw(4, 4)), LAYOUTS[b](draw(4, 4, seed=1))
        case = Case(lambda w, x: (w * 0.5 + 0.1 * update(w, x), (w * x).sum()), w, [x, LAYOUTS[b](draw(4, 4, seed=2))])
        agrees(lambda: case, engine)  # noqa: B023  # called at once


EXPANDED: dict[str, Callable[[], list[Tensor]]] = {
    "rows of one": lambda: [draw(1, 4).expand(3, 4), draw(3, 4)],
    "columns of one": lambda: [draw(3, 1).expand(3, 4)],
    "one number": lambda: [draw(1, 1).expand(3, 4), draw(3, 4)],
    "a vector": lambda: [draw(4).expand(3, 4)],
    "overlapping windows": lambda: [draw(9).unfold(0, 4, 2)],
    "as_strided": lambda: [draw(12).as_strided((3, 4), (1, 1)), draw(12).as_strided((3, 4), (1, 3))],
}
ON_EXPANDED: dict[str, Step] = {
    "relu of a product": lambda w, x: (w - 0.1 * (x * 2).relu().sum(0), x.sum()),
    "in place on what was born": lambda w, x: (w + (x * 2).mul_(3.0).add_(1.0).sum(0), x.mean()),
    "clone, in place": lambda w, x: (w + x.clone().mul_(3.0).sum(0), x.mean()),
    "like it": lambda w, x: (w + torch.ones_like(x).add_(x).sum(0), x.mean()),
    "product": lambda w, x: (w - 0.1 * (x.t() @ (x @ w)), (x @ w).sum()),
    "sums": lambda w, x: (w + x.sum(0) - x.mean(0) * x.sum(), x.square().sum()),
}


@fast
@pytest.mark.parametrize("kind", EXPANDED)
@pytest.mark.parametrize("name", ON_EXPANDED)
def test_numbers_that_share_an_address(name: str, kind: str, engine: pm.Engine) -> None:
    """Buffers with the strides of an expanded tensor cannot be written to."""
    agrees(lambda: Case(ON_EXPANDED[name], draw(4), EXPANDED[kind]() * 2), engine, floor="plan")


@fast
def test_a_plain_training_step_on_an_expanded_batch(engine: pm.Engine) -> None:
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(0), dtype=F64)
    step = pm.training_step(net, pm.mse, pm.sgd(0.1))
    made = [(draw(1, 3).expand(5, 3), draw(1, 2).expand(5, 2)), (draw(5, 3), draw(5, 1).expand(5, 2))]
    agrees(lambda: Case(step, (params, pm.sgd(0.1).init(params)), made), engine, floor="plan")


@fast
def test_channels_last_and_other_orders_of_four_dimensions(engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w * 0.9 + x.mean((0, 2)) + x.permute(1, 3, 0, 2).flatten(2).sum(-1), (x.relu() * 2).flatten(1).sum()

    x = draw(2, 3, 4, 5)
    made = [x.contiguous(memory_format=torch.channels_last), x, column_major(x), x.transpose(0, 2).contiguous().transpose(0, 2)]
    agrees(lambda: Case(step, draw(3, 5), made), engine)


COMPLEX: dict[str, Step] = {
    "conj": lambda w, x: ((w * 0.5).conj(), w.abs().sum()),
    "w^H x": lambda w, x: (w.mH @ x * 0.1, (w.mH @ x).abs().sum()),
    "adjoint": lambda w, x: (0.1 * (x @ w.adjoint()), w.real.sum()),
    "conj twice": lambda w, x: (w.conj().conj() * 0.5 + x, w.imag.sum()),
    "imag": lambda w, x: (w + w.conj().imag * 0.5, x.conj().imag.sum()),
    "resolve": lambda w, x: (w.conj().resolve_conj() + x.conj(), w.real.sum()),
    "neg bit": lambda w, x: (w + torch.complex(w.real, x.conj().imag), w.real.sum()),
    "vdot": lambda w, x: (w * 0.5, torch.vdot(w[0], x[0]).real),
    "view_as_real": lambda w, x: (torch.view_as_complex(torch.view_as_real(w) * 0.5) + x.conj(), torch.view_as_real(x).sum()),
}


@fast
@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.parametrize("lazy", [torch.clone, torch.conj, Tensor.adjoint])
def test_complex_numbers_and_lazy_conjugates(name: str, lazy: Callable[[Tensor], Tensor], engine: pm.Engine) -> None:
    w, x = (torch.complex(draw(3, 3, seed=s), draw(3, 3, seed=s + 5)) for s in (0, 1))
    agrees(lambda: Case(COMPLEX[name], lazy(w), [lazy(x), x, lazy(x)]), engine)


@fast
@pytest.mark.parametrize("shape", [*product((0, 1, 2), (0, 1, 3))])
def test_batches_of_every_small_shape(shape: tuple[int, int], engine: pm.Engine) -> None:
    n, wide = shape

    def step(carry: tuple[Tensor, Tensor], x: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        w, b = carry
        d = x @ w + b
        return (w - 0.1 * (x.t() @ d), b - 0.1 * d.sum(0)), d.square().sum()

    agrees(lambda: Case(step, (draw(wide, 2), draw(2)), [draw(n, wide), column_major(draw(n, wide)), draw(n + 1, wide)]), engine)


@fast
@pytest.mark.parametrize("layout", ["padded", "wide columns", "first row"])
def test_an_input_that_cannot_be_viewed_flat_raises_what_it_raises_in_the_loop(layout: str, engine: pm.Engine) -> None:
    """Traced on a copy without gaps, the step went through, and its numbers were taken."""

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w - 0.1 * x.view(-1)[:3], x.sum()

    ran = agrees(lambda: Case(step, draw(3), [draw(4, 3), ALL_LAYOUTS[layout](draw(4, 3))]), engine)
    assert ran.outcomes[0].error is not None


@fast
@pytest.mark.parametrize("layout", ["gaps", "padded", "wide columns", "first row"])
def test_columns_of_a_wider_table_are_stepped_by_a_program(layout: str, engine: pm.Engine) -> None:
    calls = 0

    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        return w - 0.1 * (x.t() @ (x @ w)), x.sum()

    pm.fold(step, engine=engine)(draw(3), [ALL_LAYOUTS[layout](draw(4, 3, seed=n)) for n in range(10)])
    assert calls == 2  # traced, and beside the program once more


@fast
@pytest.mark.parametrize("layout", ["gaps", "padded"])
def test_a_step_may_read_between_the_numbers_of_a_batch(layout: str, engine: pm.Engine) -> None:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return w - 0.1 * x.as_strided((4,), (1,)).sum(), x.sum()

    agrees(lambda: Case(step, draw(3), [ALL_LAYOUTS[layout](draw(4, 3, seed=n)) for n in range(3)]), engine)
