"""Products by oneDNN: chosen where they are faster, right, and guarded; torch's own elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from planned import pure, training
from test_plan_memory import allocations
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp.plan import gemms
from pure_mlp.plan.gemms import faster, fits
from pure_mlp.plan.graph import Spec, spec_of
from pure_mlp.plan.onednn import Reference, makes, onednn
from pure_mlp.plan.plan import Plan, plan
from pure_mlp.record import tree_leaves

F32 = torch.float32
BIG = spec_of(torch.empty(128, 128))
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


def wherever_it_can(a: Spec, b: Spec, out: Spec, adds: bool) -> bool:
    return fits(a) and fits(b) and fits(out)


def agree(
    planned: Plan[Any, Any], step: Any, carry: Any, batches: list[Any], *, rtol: float = 1e-4, atol: float = 1e-6
) -> None:
    """A plan from the start gives the losses and the carry of the pure steps: bounds for float32."""
    losses = torch.tensor([planned.step(batch) for batch in batches])
    after, expected = pure(step, carry, batches)
    torch.testing.assert_close(losses, expected, rtol=rtol, atol=atol)
    for mine, theirs in zip(tree_leaves(planned.carry()), tree_leaves(after), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol)


def program(monkeypatch: pytest.MonkeyPatch, optimizer: Any, chosen: Any, batches: list[Any]) -> tuple[Plan[Any, Any], Any, Any]:
    """A plan with the choice forced, its step and carry."""
    monkeypatch.setattr("pure_mlp.plan.write.faster", chosen)
    net, params = pm.mlp((24, 40, 40, 8), Generator().manual_seed(0), dtype=F32)
    step, carry = training(net, params, pm.mse, optimizer)
    return plan(step, carry, batches[0]), step, carry


@needs_onednn
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_both_products_compute_the_step(optimizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [(data(16, 24, i), data(16, 8, 50 + i)) for i in range(5)]
    for chosen, products in ((wherever_it_can, 8), (lambda *a, **k: False, 0)):
        planned, step, carry = program(monkeypatch, optimizer, chosen, batches)
        assert planned.source.count("onednn(") == products
        agree(planned, step, carry, batches)


@needs_onednn
def test_products_are_timed_as_they_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def chosen(a: Spec, b: Spec, out: Spec, adds: bool) -> bool:
        asked.append(adds)
        return True

    planned, _, _ = program(monkeypatch, pm.sgd(0.1), chosen, [(data(16, 24, 0), data(16, 8, 1))])
    calls = [line for line in planned.source.splitlines() if "onednn(" in line]
    assert asked == [line.split(", ")[3] == "1.0" for line in calls]
    assert sum(asked) == 4
    assert planned.source.count(" = Reference(") == 1


@needs_onednn
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_of_other_strides_and_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x = data(16, 24, 0)
        for strided in (x, x.t().contiguous().t(), torch.stack((x, x), 2)[..., 0], torch.cat((x, x), 1)[:, :24]):
            batches = [(strided, data(16, 8, 1))] * 3
            planned, step, carry = program(monkeypatch, pm.sgd(0.1), wherever_it_can, batches)
            assert planned.source.count("onednn(") == (8 if 1 in strided.stride() else 6)
            agree(planned, step, carry, batches)
    finally:
        torch.set_num_threads(before)


@needs_onednn
def test_only_the_scratch_of_onednn_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = data(16, 24, 0), data(16, 8, 1)
    planned, _, _ = program(monkeypatch, pm.adam(0.1), wherever_it_can, [batch])
    assert allocations(lambda: planned.step(batch)) <= 2 * planned.source.count("onednn(")


FITTING = [torch.empty(3, 4), torch.empty(4, 3).t(), torch.empty(3, 9)[:, :4], torch.empty(1, 1)]
OTHERS = {
    "float64": torch.empty(3, 4, dtype=torch.float64),
    "one dimension": torch.empty(3),
    "three": torch.empty(3, 4, 5),
    "empty": torch.empty(0, 4),
    "gaps": torch.empty(3, 4, 2)[..., 0],
    "overlapping": torch.empty(6).as_strided((3, 4), (1, 1)),
    "expanded": torch.empty(4).expand(3, 4),
    "elsewhere": torch.empty(3, 4, device="meta"),
}


@pytest.mark.parametrize("t", FITTING)
def test_what_fits(t: Tensor) -> None:
    assert fits(spec_of(t))


@pytest.mark.parametrize("t", OTHERS.values(), ids=OTHERS)
def test_what_does_not_fit(t: Tensor) -> None:
    assert not fits(spec_of(t))


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was measured and looked up before is forgotten, before the test and after it."""
    for cached in (onednn, gemms._measured):
        cached.cache_clear()
    yield
    for cached in (onednn, gemms._measured):
        cached.cache_clear()


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("name", "value"),
    [("pure_mlp.plan.onednn._SYMBOL", "no_such_symbol"), ("torch.backends.mkldnn.is_available", lambda: False)],
    ids=["another signature", "not built in"],
)
def test_without_onednn_torch_multiplies(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name, value)
    assert onednn() is None
    assert not faster(BIG, BIG, BIG, adds=False)
    net, params = pm.mlp((128, 128, 128), Generator().manual_seed(0), dtype=F32)
    step, carry = training(net, params, pm.mse, pm.sgd(0.1))
    batch = data(128, 128, 0), data(128, 128, 1)
    planned = plan(step, carry, batch)
    assert "onednn" not in planned.source
    assert planned.step(batch) == pytest.approx(step(carry, batch)[1].item(), rel=1e-5)


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
        assert faster(BIG, BIG, BIG, adds=adds) is chosen
        count = len(timed)
        assert faster(BIG, BIG, BIG, adds=adds) is chosen
        assert len(timed) == count


@needs_onednn
@pytest.mark.usefixtures("forgotten")
def test_a_product_that_is_wrong_or_raises_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemms, "_seconds", lambda f: 1.0 if f() is not None else 0.5)
    assert faster(BIG, BIG, BIG, adds=False)
    gemms._measured.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(gemms, "onednn", lambda: wrong)
        assert not faster(BIG, BIG, BIG, adds=False)
    gemms._measured.cache_clear()
    monkeypatch.setattr(gemms, "makes", lambda a, b: False)
    assert not faster(BIG, BIG, BIG, adds=False)


def test_kernels_that_cannot_be_made_are_an_answer() -> None:
    assert not makes(torch.ones(2, 3), torch.ones(4, 2))
    assert not makes(torch.ones(2, 3), torch.ones(3, 2).double())


def test_a_reference_needs_memory_here() -> None:
    with pytest.raises(TypeError, match="meta"):
        Reference(torch.empty(2, 2, device="meta"))
