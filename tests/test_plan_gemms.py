"""Products by BLAS past torch, by MKL's kernel for AVX-512, by oneDNN: right, guarded, chosen where they are faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from planned import pure, training
from test_plan_memory import allocations
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp._compile.calls import gemms
from pure_mlp._compile.calls.avx512 import avx512
from pure_mlp._compile.calls.blas import fits, routine
from pure_mlp._compile.calls.gemms import Kernel, fastest, kernel
from pure_mlp._compile.calls.onednn import Reference, makes, onednn
from pure_mlp._compile.graph import Spec, spec_of
from pure_mlp._compile.plan import Plan, plan
from pure_mlp.record import tree_leaves

F32 = torch.float32
BIG, SMALL = spec_of(torch.empty(128, 128)), spec_of(torch.empty(8, 8))
needs_onednn = pytest.mark.skipif(onednn() is None, reason="this torch has no product of oneDNN of this signature")
OPTIMIZERS = {
    "sgd": pm.sgd(0.1),
    "weight decay": pm.sgd(0.1, weight_decay=0.1),
    "cosine": pm.sgd(pm.cosine(0.1, 5)),
    "momentum": pm.sgd(0.1, momentum=0.9),
    "nesterov": pm.sgd(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adamw": pm.adamw(1e-2),
}


def data(n: int, width: int, seed: int) -> Tensor:
    return torch.randn(n, width, generator=Generator().manual_seed(seed))


def wherever_it_can(name: Kernel) -> Callable[..., Kernel]:
    """A choice that is always this one, where that takes the product."""

    def chosen(a: Spec, b: Spec, out: Spec, adds: bool) -> Kernel:
        fitting = fits(a) and fits(b) and fits(out) and (name != "onednn" or a.dtype == F32)
        return name if fitting else "torch"

    return chosen


def agree(
    planned: Plan[Any, Any], step: Any, carry: Any, batches: list[Any], *, rtol: float = 1e-4, atol: float = 1e-6
) -> None:
    """A plan from the start gives the losses and the carry of the pure steps: bounds for float32."""
    losses = torch.tensor([planned.step(batch) for batch in batches], dtype=planned.dtype)
    after, expected = pure(step, carry, batches)
    torch.testing.assert_close(losses, expected, rtol=rtol, atol=atol)
    for mine, theirs in zip(tree_leaves(planned.carry()), tree_leaves(after), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol)


def program(
    monkeypatch: pytest.MonkeyPatch, optimizer: Any, chosen: Any, batches: list[Any]
) -> tuple[Plan[Any, Any], Any, Any]:
    """A plan with the choice forced, its step and carry."""
    monkeypatch.setattr("pure_mlp._compile.calls.products.fastest", chosen)
    net, params = pm.mlp((24, 40, 40, 8), Generator().manual_seed(0), dtype=batches[0][0].dtype)
    step, carry = training(net, params, pm.mse, optimizer)
    return plan(step, carry, batches[0]), step, carry


CALLS = {"torch": "torch(", "blas": "gemm(*", "avx512": "gemm_avx512(*", "onednn": "onednn("}
KERNELS: dict[str, Any] = {
    "torch": pytest.param("torch"),
    "blas": pytest.param("blas", marks=pytest.mark.skipif(routine("sgemm_") is None, reason="this torch exports no BLAS")),
    "avx512": pytest.param("avx512", marks=pytest.mark.skipif(avx512(F32) is None, reason="MKL takes this one itself")),
    "onednn": pytest.param("onednn", marks=needs_onednn),
}


@pytest.mark.parametrize("name", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_product_computes_the_step(optimizer: Any, name: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [(data(16, 24, i), data(16, 8, 50 + i)) for i in range(5)]
    planned, step, carry = program(monkeypatch, optimizer, wherever_it_can(name), batches)
    products = "\n".join(line for line in planned.source.splitlines() if "= ones(" not in line)
    counts = {called: products.count(call) for called, call in CALLS.items()}
    assert counts == {called: 8 * (called == name != "torch") for called in CALLS}
    agree(planned, step, carry, batches)


@pytest.mark.parametrize("name", [KERNELS["blas"], KERNELS["avx512"]], ids=["blas", "avx512"])
def test_float64(name: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [(data(16, 24, i).double(), data(16, 8, 50 + i).double()) for i in range(5)]
    planned, step, carry = program(monkeypatch, pm.sgd(pm.cosine(0.1, 5), momentum=0.9), wherever_it_can(name), batches)
    assert planned.source.count("dgemm") == 8 + 2  # of biases
    agree(planned, step, carry, batches, rtol=1e-12, atol=1e-14)


def test_small_products_of_blas_are_those_of_torch_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [(data(16, 24, i), data(16, 8, 50 + i)) for i in range(3)]
    carries = []
    for name in ("torch", "blas"):
        planned, _, _ = program(monkeypatch, pm.sgd(0.1), wherever_it_can(name), batches)
        losses = [planned.step(batch) for batch in batches]
        carries.append((losses, tree_leaves(planned.carry())))
    (mine, my_leaves), (theirs, their_leaves) = carries
    assert mine == theirs
    assert all(torch.equal(a, b) for a, b in zip(my_leaves, their_leaves))


@needs_onednn
def test_products_are_timed_as_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def chosen(a: Spec, b: Spec, out: Spec, adds: bool) -> Kernel:
        asked.append(adds)
        return "onednn"

    planned, _, _ = program(monkeypatch, pm.sgd(0.1), chosen, [(data(16, 24, 0), data(16, 8, 1))])
    calls = [line for line in planned.source.splitlines() if "onednn(" in line]
    assert asked == [line.split(", ")[3] == "1.0" for line in calls]
    assert sum(asked) == 4
    assert planned.source.count(" = Reference(") == 1


@pytest.mark.parametrize("name", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_of_other_strides_and_threads(threads: int, name: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x = data(16, 24, 0)
        for strided in (x, x.t().contiguous().t(), torch.stack((x, x), 2)[..., 0], torch.cat((x, x), 1)[:, :24]):
            batches = [(strided, data(16, 8, 1))] * 3
            planned, step, carry = program(monkeypatch, pm.sgd(0.1), wherever_it_can(name), batches)
            agree(planned, step, carry, batches)
            if name == "onednn":
                assert planned.source.count("onednn(") == (8 if 1 in strided.stride() else 6)
    finally:
        torch.set_num_threads(before)


@needs_onednn
def test_only_the_scratch_of_onednn_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = data(16, 24, 0), data(16, 8, 1)
    planned, _, _ = program(monkeypatch, pm.adam(0.1), wherever_it_can("onednn"), [batch])
    assert allocations(lambda: planned.step(batch)) <= 2 * planned.source.count("onednn(")


CACHES = (onednn, gemms._measured, avx512, routine)


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was measured and looked up before is forgotten, before the test and after it."""
    for cached in CACHES:
        cached.cache_clear()
    yield
    for cached in CACHES:
        cached.cache_clear()


ABSENT: list[tuple[str, object]] = [
    ("pure_mlp._compile.calls.onednn._SYMBOL", "no_such_symbol"),
    ("torch.backends.mkldnn.is_available", lambda: False),
]


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(("name", "value"), ABSENT, ids=["another signature", "not built in"])
@pytest.mark.parametrize("blas", [True, False])
def test_without_the_others_torch_multiplies(blas: bool, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name, value)
    assert onednn() is None
    if not blas:
        monkeypatch.setattr("pure_mlp._compile.calls.blas.library", lambda: None)
    net, params = pm.mlp((128, 128, 128), Generator().manual_seed(0), dtype=F32)
    step, carry = training(net, params, pm.mse, pm.sgd(0.1))
    batch = data(128, 128, 0), data(128, 128, 1)
    planned = plan(step, carry, batch)
    assert "onednn" not in planned.source
    if not blas:
        assert fastest(BIG, BIG, BIG, adds=False) == "torch"
        assert "(*p" not in planned.source
    assert planned.step(batch) == pytest.approx(step(carry, batch)[1].item(), rel=1e-5)


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("torch.__config__.show", lambda: "Intel(R) oneAPI Math Kernel Library Version 2031.1"),
        ("torch.backends.cpu.get_cpu_capability", lambda: "AVX2"),
        ("pure_mlp._compile.calls.avx512._seconds", lambda *a: 1.0),
        ("pure_mlp._compile.calls.avx512.torch.allclose", lambda *a, **k: False),
    ],
    ids=["an MKL that nobody tried", "no AVX-512", "no faster", "wrong"],
)
def test_the_kernel_for_avx512_is_called_where_it_was_tried_and_pays(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name, value)
    assert avx512(F32) is None
    assert fastest(SMALL, SMALL, SMALL, adds=False) in ("blas", "torch")


def test_small_products_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemms, "_measured", lambda *a: pytest.fail("timed"))
    assert fastest(SMALL, SMALL, SMALL, adds=False) != "onednn"


def wrong(a: Reference, b: Reference, out: Reference, beta: float, alpha: float) -> None:
    out.tensor.copy_(1.001 * (a.tensor @ b.tensor))


@needs_onednn
@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("adds", [False, True])
def test_the_clock_decides_once(adds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = []

    def seconds(ours: float, f: partial[object]) -> float:
        timed.append(f())
        return ours if f.func is onednn() else 1.0

    for ours, chosen in ((0.5, True), (0.99, False), (2.0, False)):
        gemms._measured.cache_clear()
        monkeypatch.setattr(gemms, "_seconds", partial(seconds, ours))
        assert (fastest(BIG, BIG, BIG, adds=adds) == "onednn") is chosen
        count = len(timed)
        assert (fastest(BIG, BIG, BIG, adds=adds) == "onednn") is chosen
        assert len(timed) == count


@needs_onednn
@pytest.mark.usefixtures("forgotten")
def test_a_product_that_is_wrong_or_raises_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemms, "_seconds", lambda f: (0.5 if f() is None and f.func in (onednn(), wrong) else 1.0))
    assert fastest(BIG, BIG, BIG, adds=False) == "onednn"
    gemms._measured.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(gemms, "onednn", lambda: wrong)
        assert fastest(BIG, BIG, BIG, adds=False) != "onednn"
    gemms._measured.cache_clear()
    monkeypatch.setattr(gemms, "makes", lambda a, b: False)
    assert fastest(BIG, BIG, BIG, adds=False) != "onednn"


def test_kernels_that_cannot_be_made_are_an_answer() -> None:
    assert not makes(torch.ones(2, 3), torch.ones(4, 2))
    assert not makes(torch.ones(2, 3), torch.ones(3, 2).double())
    assert kernel("onednn", F32) is None


def test_a_reference_needs_memory_here() -> None:
    with pytest.raises(TypeError, match="meta"):
        Reference(torch.empty(2, 2, device="meta"))
