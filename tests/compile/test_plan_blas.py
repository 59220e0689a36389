"""The BLAS below torch: right for every layout that it takes, and never called on memory that is not what it seems."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from natively import needs_compiler
from planned import training
from torch import Generator, Tensor
from torch.utils._pytree import tree_map

import pure_mlp as pm
from pure_mlp._compile.c.compiler import compiler
from pure_mlp._compile.calls.blas import REAL, Operand, address, axpy, fits, gemm, gemv, routine
from pure_mlp._compile.plan import Plan
from pure_mlp._compile.spec import spec_of
from pure_mlp.record import tree_leaves

needs_blas = pytest.mark.skipif(routine("gemm", torch.float32) is None, reason="this torch exports no BLAS")
DTYPES = [torch.float32, torch.float64]

FITTING = [torch.empty(3, 4), torch.empty(4, 3).t(), torch.empty(3, 9)[:, :4], torch.empty(1, 1), torch.empty(3, 4).double()]
OTHERS = {
    "float16": torch.empty(3, 4, dtype=torch.float16),
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


def operand(t: Tensor) -> Operand:
    return Operand(address(t), tuple(t.shape), t.stride())


def matrices(rows: int, columns: int, dtype: torch.dtype, kind: int, generator: Generator) -> Tensor:
    """A matrix by rows or by columns, with or without gaps between them."""
    shape = (rows, columns) if kind < 2 else (columns, rows)
    padded = torch.randn(shape[0], shape[1] + kind % 2, dtype=dtype, generator=generator)[:, : shape[1]]
    return padded if kind < 2 else padded.t()


SIZES = st.integers(1, 20) | st.sampled_from([31, 64, 65, 130])


@needs_blas
@settings(max_examples=300, deadline=None)
@given(st.tuples(SIZES, SIZES, SIZES), st.tuples(*[st.integers(0, 3)] * 3), st.sampled_from(DTYPES), st.data())
def test_products_of_any_layout(
    sizes: tuple[int, int, int], kinds: tuple[int, int, int], dtype: torch.dtype, data: st.DataObject
) -> None:
    (m, k, n), generator = sizes, Generator().manual_seed(0)
    alpha, beta = data.draw(st.sampled_from([1.0, -0.25])), data.draw(st.sampled_from([0.0, 1.0, -0.5]))
    a, b, out = (matrices(*size, dtype, kind, generator) for size, kind in zip(((m, k), (k, n), (m, n)), kinds))
    expected = alpha * (a.double() @ b.double()) + beta * out.double()
    if beta == 0:
        out.fill_(torch.nan)
    product = routine("gemm", dtype)
    assert product is not None
    numbers = [ctypes.byref(REAL[dtype](c)) for c in (alpha, beta)]
    product(*gemm(operand(out), operand(a), operand(b), *numbers))
    bound = 1e-5 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(out.double(), expected, rtol=0, atol=bound * (k + 1))


@needs_blas
@settings(max_examples=200, deadline=None)
@given(st.tuples(SIZES, SIZES), st.integers(0, 3), st.sampled_from(DTYPES))
def test_products_with_vectors_and_sums(sizes: tuple[int, int], kind: int, dtype: torch.dtype) -> None:
    (m, k), generator = sizes, Generator().manual_seed(0)
    a, x, y = matrices(m, k, dtype, kind, generator), *(torch.randn(n, dtype=dtype, generator=generator) for n in (k, m))
    out, two = torch.full((m,), torch.nan, dtype=dtype), ctypes.byref(REAL[dtype](2.0))
    product, update = routine("gemv", dtype), routine("axpy", dtype)
    assert product is not None
    assert update is not None
    product(*gemv(address(out), operand(a), address(x), two))
    bound = (1e-5 if dtype == torch.float32 else 1e-13) * (k + 1)
    torch.testing.assert_close(out, 2.0 * (a @ x), rtol=0, atol=bound)
    update(*axpy(address(out), address(y), m, two))
    torch.testing.assert_close(out, 2.0 * (a @ x) + 2.0 * y, rtol=0, atol=bound)


def small(engine: Any = "plan") -> tuple[Any, Any, Any]:
    net, params = pm.mlp((4, 5, 3), Generator().manual_seed(0))
    step, carry = training(net, params, pm.mse, pm.sgd(0.1))
    return step, carry, Plan(step, carry, (torch.ones(6, 4), torch.ones(6, 3)), engine=engine)


@pytest.mark.parametrize("engine", ["plan", pytest.param("native", marks=needs_compiler)])
@pytest.mark.parametrize("gaps", [False, True])
def test_a_lazy_negative_is_not_read_as_what_lies_in_memory(gaps: bool, engine: Any) -> None:
    numbers = torch.randn(6, 4, dtype=torch.complex64, generator=Generator().manual_seed(1))
    lazy = numbers.conj().imag if gaps else torch._neg_view(numbers.real.contiguous())
    assert lazy.is_neg()
    step, carry, planned = small(engine)
    batch = lazy, torch.ones(6, 3)
    expected = step(carry, batch)[1].item()
    assert planned.step(batch) == pytest.approx(expected, rel=1e-6)
    assert Plan(step, carry, batch, engine=engine).step(batch) == pytest.approx(expected, rel=1e-6)
    assert Plan(step, carry, batch, engine=engine).run([batch])[0].item() == pytest.approx(expected, rel=1e-6)
    assert small(engine)[2].run([batch, (numbers.real, batch[1])])[0].item() == pytest.approx(expected, rel=1e-6)


@needs_compiler
def test_a_captured_lazy_negative_has_no_c() -> None:
    fixed = torch.randn(3, 3, dtype=torch.complex64).conj().imag
    with pytest.raises(pm.Unplannable, match="resolve_neg"):
        Plan(lambda w, x: (w, (x @ fixed).sum()), torch.ones(1), torch.eye(3), engine="native")


def test_tensors_without_memory_here_are_refused() -> None:
    _, _, planned = small()
    with pytest.raises((RuntimeError, ValueError, NotImplementedError, pm.Unplannable)):
        planned.step((torch.empty(6, 4, device="meta"), torch.empty(6, 3, device="meta")))


class Wrapped(Tensor):
    """A tensor whose numbers lie in another one, as those of DTensor do: it has no address."""

    numbers: Tensor

    @staticmethod
    def of(numbers: Tensor) -> Wrapped:
        made: Wrapped = Tensor._make_wrapper_subclass(Wrapped, numbers.shape, strides=numbers.stride(), dtype=numbers.dtype)
        made.numbers = numbers
        return made

    @classmethod
    def __torch_dispatch__(cls, f: Any, types: Any, args: Any = (), kw: Any = None) -> Any:  # type: ignore[override]  # of a stub
        args, kw = tree_map(lambda t: t.numbers if isinstance(t, Wrapped) else t, (args, kw or {}))
        return tree_map(lambda t: Wrapped.of(t) if isinstance(t, Tensor) else t, f(*args, **kw))


@pytest.mark.parametrize("engine", ["plan", pytest.param("native", marks=needs_compiler)])
def test_tensors_without_an_address_are_refused_before_anything_is_changed(engine: Any) -> None:
    step, carry, planned = small(engine)
    x, y = torch.randn(6, 4, generator=Generator().manual_seed(0)), torch.ones(6, 3)
    before = planned.carry()
    for batch in ((Wrapped.of(x), y), (Wrapped.of(x), Wrapped.of(y))):
        with pytest.raises(pm.Unplannable, match="the batch holds Wrapped, not plain"):
            planned.step(batch)
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(planned.carry()), tree_leaves(before), strict=True))
    with pytest.warns(RuntimeWarning, match="not plain tensors"):
        _, losses = pm.fold(step, engine=engine)(carry, [(x, y), (Wrapped.of(x), y)])
    expected = [step(carry, (x, y))[1], step(step(carry, (x, y))[0], (x, y))[1]]
    torch.testing.assert_close(losses, torch.stack(expected))


def test_a_carry_without_an_address_is_left_to_torch() -> None:
    step, (params, state), _ = small()
    wrapped = tuple(pm.Linear(Wrapped.of(p.weight), Wrapped.of(p.bias)) for p in params)
    batch = torch.ones(6, 4), torch.ones(6, 3)
    planned = Plan(step, (wrapped, state), batch)
    assert planned.step(batch) == pytest.approx(step((params, state), batch)[1].item(), rel=1e-6)
    assert "gemm" not in planned.source
    if compiler():
        with pytest.raises(pm.Unplannable, match=r"a Wrapped .* has no memory of its own"):
            Plan(step, (wrapped, state), batch, engine="native")


@pytest.mark.parametrize("shape", [(1,), (5,), (1, 5), (6, 1), (6, 5), ()])
@pytest.mark.parametrize("engine", ["plan", pytest.param("native", marks=needs_compiler)])
def test_whatever_is_added_to_a_product_is_broadcast_as_by_torch(shape: tuple[int, ...], engine: Any) -> None:
    w, x = torch.linspace(-1, 1, 20).view(4, 5), torch.linspace(-2, 1, 24).view(6, 4)
    added = torch.randn(shape, generator=Generator().manual_seed(0))

    def step(carry: tuple[Tensor, Tensor], x: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        w, b = carry
        return (w * 0.5, b * 2), torch.relu(x @ w + b).square().sum()

    carry, planned = (w, added), Plan(step, (w, added), x, engine=engine)
    for _ in range(3):
        carry, expected = step(carry, x)
        assert planned.step(x) == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_captured_tensor_may_move(dtype: torch.dtype) -> None:
    fixed = torch.full((3, 3), 2.0, dtype=dtype)
    x = torch.eye(3, dtype=dtype)
    planned = Plan(lambda w, x: (w, (x @ fixed).sum()), torch.ones(1), x)
    assert planned.step(x) == 18.0
    fixed.resize_(1000, 1000).resize_(3, 3).fill_(5.0)
    assert planned.step(x) == 45.0


@needs_blas
def test_the_batch_is_where_it_is_at_each_step() -> None:
    step, carry, _ = small()
    batches = [(torch.randn(6, 4, generator=Generator().manual_seed(i)), torch.ones(6, 3)) for i in range(40)]
    planned = Plan(step, carry, batches[0])
    assert "x0_at.value = x0_ptr" in planned.source
    for x, y in batches:
        carry, expected = step(carry, (x.clone(), y))
        assert planned.step((x.clone(), y)) == pytest.approx(expected.item(), rel=1e-5)


@needs_blas
def test_memory_lives_as_long_as_the_program() -> None:
    """What is called by address is kept alive by the program alone."""
    step, carry, planned = small()
    run = planned._program.run
    assert planned._program is not None
    del planned
    x, y = torch.randn(6, 4, generator=Generator().manual_seed(3)), torch.ones(6, 3)
    noise = [torch.full((n,), torch.nan) for n in range(1, 200)]
    loss = run(x, y)
    assert loss is not None
    assert float(loss) == pytest.approx(step(carry, (x, y))[1].item(), rel=1e-5)
    assert len(noise) == 199
