"""Products in C: right for every size and layout, whole before they are added to anything, the same for any number of threads."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
import torch
from natively import cache_in, native, needs_compiler
from torch import Generator, Tensor

from pure_mlp import Plan

pytestmark = needs_compiler
F32, F64 = torch.float32, torch.float64


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with cache_in(tmp_path_factory.mktemp("cache")):
        yield


def laid_out(rows: int, columns: int, dtype: torch.dtype, kind: str, seed: int) -> Tensor:
    """A matrix by rows, by columns, or with gaps between its elements."""
    t = torch.randn(rows, columns, generator=Generator().manual_seed(seed), dtype=F64).to(dtype)
    if kind == "columns":
        return t.t().contiguous().t()
    return t.repeat_interleave(2, 1)[:, ::2] if kind == "gaps" else t


def products(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    return a @ b, (b.t() @ a.t()).t() * 2, c - 0.5 * (a @ b), torch.addmm(c[0], a, b)


def by_c(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    carry = tuple(map(torch.zeros_like, products(*inputs)))
    planned = Plan(lambda _, batch: (products(*batch), batch[0].sum()), carry, inputs, engine="native")
    planned.step(inputs)
    return planned.carry()


SIZES = [(1, 7, 300), (97, 101, 103), (13, 257, 600), (84, 96, 2100)]


KINDS = [("rows", "rows"), ("rows", "columns"), ("columns", "rows"), ("gaps", "gaps")]


@pytest.mark.parametrize(("dtype", "bound", "kinds"), [*((F32, 1e-6, kinds) for kinds in KINDS), (F64, 1e-14, KINDS[1])])
def test_products_of_every_size_and_layout(dtype: torch.dtype, bound: float, kinds: tuple[str, str]) -> None:
    for i, (m, n, k) in enumerate(SIZES):
        a, b = laid_out(m, k, dtype, kinds[0], i), laid_out(k, n, dtype, kinds[1], 50 + i)
        c = laid_out(m, n, dtype, kinds[0], 99)
        exact = products(*(t.double() for t in (a, b, c)))
        for mine, right in zip(by_c((a, b, c)), exact, strict=True):
            assert (mine.double() - right).abs().max() <= bound * k**0.5 * 8, (m, n, k)


@pytest.mark.parametrize(("m", "n", "k"), [(1, 4, 65536), (5, 3, 4099), (64, 80, 8192), (300, 40, 5000)])
def test_long_sums_are_whole_before_they_meet_a_weight(m: int, n: int, k: int) -> None:
    """Increments far below an ulp of the weight, all of one sign."""
    x, d = (torch.rand(k, columns, generator=Generator().manual_seed(columns)) + 0.5 for columns in (n, m))
    w = torch.full((m, n), 2.0)

    def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return w - 1e-8 * (batch[1].t() @ batch[0]), batch[0].sum()

    planned = Plan(step, w, (x, d), engine="native")
    planned.step((x, d))
    change = (planned.carry() - w).double()
    exact, pure = -1e-8 * (d.double().t() @ x.double()), (step(w, (x, d))[0] - w).double()
    ulp = 2.0**-22
    assert (change - exact).abs().max() <= 2 * (pure - exact).abs().max() + ulp


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_what_is_not_finite_propagates(value: float) -> None:
    a, b, c = laid_out(130, 90, F32, "rows", 0), laid_out(90, 70, F32, "rows", 1), laid_out(130, 70, F32, "rows", 2)
    for t in (a, b, c):
        t[3, 4] = value
    for mine, right in zip(by_c((a, b, c)), products(a, b, c), strict=True):
        assert torch.equal(mine.isnan(), right.isnan())
        assert torch.equal(mine.isinf(), right.isinf())


def test_the_number_of_threads_changes_nothing() -> None:
    a, b, c = laid_out(400, 300, F32, "rows", 0), laid_out(300, 500, F32, "columns", 1), laid_out(400, 500, F32, "rows", 2)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(by_c((a, b, c)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(x, y) for other in found[1:] for x, y in zip(found[0], other, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_one_thread_goes_on() -> None:
    a, b = laid_out(400, 300, F32, "rows", 0), laid_out(300, 500, F32, "columns", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        planned = Plan(lambda w, x: (w, (x @ b).square().sum()), torch.zeros(1), a, engine="native")
        expected = planned.step(a)
        child = os.fork()
        if not child:  # where nothing of torch's that has threads may be called
            os._exit(0 if planned.step(a) == expected else 1)
        deadline = 60
        while deadline and not (done := os.waitpid(child, os.WNOHANG))[0]:
            time.sleep(1)
            deadline -= 1
        if not deadline:
            os.kill(child, signal.SIGKILL)
        assert deadline
        assert os.waitstatus_to_exitcode(done[1]) == 0
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [F32, F64])
def test_products_are_added_in_place_to_matrices_of_every_width(dtype: torch.dtype) -> None:
    """The last columns of a row are done in a vector that begins in columns which are done."""
    g = Generator().manual_seed(0)
    widths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 11, 16, 17, 23, 31, 32, 33, 50]
    a = torch.randn(11, 3, generator=g).to(dtype)
    bs = [torch.randn(3, n, generator=g).to(dtype) for n in widths]
    carry = [torch.randn(11, n, generator=g).to(dtype) for n in widths]

    def step(ws: list[Tensor], batch: tuple[Tensor, list[Tensor]]) -> tuple[list[Tensor], Tensor]:
        return [w - 0.5 * (batch[0] @ b) for w, b in zip(ws, batch[1])], batch[0].sum()

    planned = native(step, carry, (a, bs))
    for _ in range(3):
        planned.step((a, bs))
    for w, b, got in zip(carry, bs, planned.carry(), strict=True):
        torch.testing.assert_close(got, (w.double() - 1.5 * (a.double() @ b.double())).to(dtype))
