"""Each operation that has C has the values of torch, at special values, sizes and strides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from natively import cache_in, close, native, needs_compiler
from planned import F64, draw
from torch import Tensor
from torch.nn import functional as F

from pure_mlp._compile.operations import OPERATIONS, is_comparison
from pure_mlp._compile.plan import Plan

pytestmark = needs_compiler


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with cache_in(tmp_path_factory.mktemp("cache")):
        yield


EDGES = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -20.0, 100.0, -100.0, torch.inf, -torch.inf, torch.nan]
A, B = (t.flatten().to(F64) for t in torch.meshgrid(torch.tensor(EDGES), torch.tensor(EDGES), indexing="ij"))
C = torch.linspace(-2, 2, len(A), dtype=F64)
aten = torch.ops.aten
Function = Callable[[Tensor, Tensor, Tensor], Tensor]


def torch_of(name: str, arguments: int) -> Function:
    """torch's function of this name, of the first of three tensors or of two."""
    return lambda *tensors: getattr(torch, name)(*tensors[:arguments])


def bits_of(name: str) -> Function:
    """The operation on bits of this name, of whole numbers from 0 to 2^40."""

    def f(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        found: Tensor = getattr(torch, f"bitwise_{name}")(((c + 2) * 2.0**38).long(), 21)
        return found.to(c.dtype)

    return f


ELEMENTS: dict[str, Function] = {
    **{name: torch_of(name, 1) for name in ("relu", "neg", "abs", "reciprocal", "square", "rsqrt", "exp", "expm1", "log", "log1p")},
    **{name: torch_of(name, 1) for name in ("sqrt", "tanh", "erf", "erfc", "sin", "cos", "floor", "sigmoid", "clone")},
    **{name: torch_of(name, 2) for name in ("sub", "mul", "div", "maximum", "minimum", *filter(is_comparison, OPERATIONS))},
    "add": lambda a, b, c: torch.add(a, b, alpha=0.5),
    "_to_copy": lambda a, b, c: (a > b).double(),
    "silu": lambda a, b, c: F.silu(a),
    "softplus": lambda a, b, c: F.softplus(a, 2.0, 5.0) + F.softplus(a),
    "log_sigmoid": lambda a, b, c: F.logsigmoid(a),
    "pow": lambda a, b, c: a.abs() ** 3,
    "clamp": lambda a, b, c: a.clamp(-0.7, 2),
    "clamp_min": lambda a, b, c: a.clamp_min(0.2),
    "clamp_max": lambda a, b, c: a.clamp_max(0.2),
    "leaky_relu": lambda a, b, c: F.leaky_relu(a, 0.1),
    "gelu": lambda a, b, c: F.gelu(a.clamp(-50, 50)),  # in float32 torch makes NaN of infinity
    "gelu_tanh": lambda a, b, c: F.gelu(a, approximate="tanh"),
    "rsub": lambda a, b, c: 2 - a,
    "threshold_backward": lambda a, b, c: aten.threshold_backward(a, b, 0.0),
    "sigmoid_backward": lambda a, b, c: aten.sigmoid_backward(a, b),
    "tanh_backward": lambda a, b, c: aten.tanh_backward(a, b),
    "addcmul": lambda a, b, c: torch.addcmul(a, b, c, value=0.3),
    "addcdiv": lambda a, b, c: torch.addcdiv(a, b, c, value=0.3),
    "lerp": lambda a, b, c: torch.lerp(a, b, 0.3),
    "lerp, far": lambda a, b, c: torch.lerp(a, b, 0.9),
    **{f"bitwise_{name}": bits_of(name) for name in ("and", "xor", "right_shift")},
    "where": lambda a, b, c: torch.where(a > c, b, c),
    "binary_cross_entropy": lambda a, b, c: F.binary_cross_entropy(c.sigmoid(), (c / 2).abs(), reduction="none"),
}


def test_the_table_knows_all() -> None:
    assert {name for name, row in OPERATIONS.items() if row.c} - ELEMENTS.keys() == set()


def outputs(f: Callable[..., Any], inputs: tuple[Tensor, ...], *, rtol: float, atol: float) -> Plan[Any, Any]:
    """f(inputs), a tuple of tensors, comes out of C as out of torch."""
    expected = f(*inputs)

    def step(carry: Any, batch: Any) -> Any:
        return f(*batch), batch[0].sum().double()

    planned = native(step, tuple(map(torch.zeros_like, expected)), inputs)
    planned.step(inputs)
    for mine, theirs in zip(planned.carry(), expected, strict=True):
        close(mine, theirs, rtol=rtol, atol=atol)
    return planned


@pytest.mark.parametrize(("dtype", "rtol"), [(F64, 1e-13), (torch.float32, 2e-6)])
def test_elements(dtype: torch.dtype, rtol: float) -> None:
    inputs = tuple(t.to(dtype) for t in (A, B, C))
    outputs(lambda a, b, c: tuple(f(a, b, c) for f in ELEMENTS.values()), inputs, rtol=rtol, atol=rtol)


def test_integers_and_masks() -> None:
    i, j = torch.arange(-6, 6), torch.arange(12).flip(0)

    def f(i: Tensor, j: Tensor) -> tuple[Tensor, ...]:
        return i + j, i * j - 3, i == j, i < 2, torch.where(i > j, i, j), -i, (i > 0).sum(), i.sum(), i.double() / 7, (i > 0) * 0.5

    outputs(f, (i, j), rtol=1e-13, atol=0.0)


def test_broadcasting_and_strides() -> None:
    x, row, column, t = draw(4, 3), draw(3, seed=1), draw(4, 1, seed=2), draw(3, 4, seed=3)

    def f(x: Tensor, row: Tensor, column: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        return x * row, x.exp() * column, row * column, (x * t.t()).t(), t.t().exp(), x[1:, ::2] * column[:3], x.select(1, 2) * 2

    outputs(f, (x, row, column, t), rtol=1e-13, atol=1e-14)


def test_reductions() -> None:
    x, cube, wide = draw(7, 5), draw(3, 4, 5, seed=1), draw(1, 300, seed=2)

    def f(x: Tensor, cube: Tensor, wide: Tensor) -> tuple[Tensor, ...]:
        sums = [
            t.sum(d, keepdim=k) for t in (x, x.t(), cube, cube.transpose(0, 2), wide) for d in (0, 1, -1) for k in (True, False)
        ]
        means = [t.mean(1) for t in (x, cube)]
        whole = [x.sum(), cube.mean(), x.t().sum(), cube.sum((0, 2)), (x * x).mean(), (x.t() * x.t()).sum(), wide.square().sum()]
        soft = [torch.softmax(x, -1), torch.log_softmax(x, 0), torch.softmax(cube, 1), torch.log_softmax(x.t() * 100, -1)]
        return (*sums, *means, *whole, *soft, torch.cat((x, x), 1), torch.cat((x.t(), x.t() * 2)), torch.stack((x, x * 2), 1))

    outputs(f, (x, cube, wide), rtol=1e-12, atol=1e-13)


SIZES = [(1, 1, 1), (10, 20, 2), (10, 5, 20), (32, 1, 50), (50, 13, 32), (7, 33, 9), (17, 8, 3), (3, 70, 5), (2, 4, 0), (9, 16, 64)]


@pytest.mark.parametrize(("dtype", "rtol"), [(F64, 1e-12), (torch.float32, 1e-5)])
def test_products(dtype: torch.dtype, rtol: float) -> None:
    """Of all sizes, of matrices and their transposes, alone and added to a row, a column, a matrix."""
    sizes = SIZES if dtype == F64 else SIZES[1:5]
    inputs = [(draw(m, k, seed=i), draw(k, n, seed=9 + i), draw(m, n, seed=5 + i)) for i, (m, n, k) in enumerate(sizes)]
    given = tuple(t.to(dtype) for group in inputs for t in group)
    turned = tuple(t.t().contiguous().t() for t in given)

    def f(*tensors: Tensor) -> tuple[Tensor, ...]:
        found = []
        for i in range(0, len(given), 3):
            (a, b, c), (at, bt, ct) = (group[i : i + 3] for group in (tensors[: len(given)], tensors[len(given) :]))
            found += [
                a @ b,
                at @ b * 2,
                a @ bt,
                at @ bt - 3 * c,
                c + 0.5 * (a @ b),
                torch.addmm(c[0], a, bt),
                torch.addmm(ct, at, b),
            ]
            found += [c[:, :1] + a @ b, (b.t() @ a.t()), torch.addmv(c[:, 0], a, b[:, 0], alpha=-2.0), at.t().sum(0)]
        return tuple(found)

    outputs(f, (*given, *turned), rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("dtype", "rtol"), [(F64, 1e-11), (torch.float32, 2e-4)])
def test_large_products(dtype: torch.dtype, rtol: float) -> None:
    a, b, c, d = (draw(*shape, seed=i).to(dtype) for i, shape in enumerate([(130, 70), (70, 90), (90, 70), (130, 90)]))
    long = draw(700, 600, seed=5).to(dtype)

    def f(a: Tensor, b: Tensor, c: Tensor, d: Tensor, long: Tensor) -> tuple[Tensor, ...]:
        sums = long.sum(0), torch.mv(long, long[0]), torch.addmv(long[0], long.t(), long[:, 0], alpha=0.5), long[:1] @ long.t()
        return *sums, a @ b, torch.addmm(d[0], a, c.t()), d - 0.5 * (a @ b), b.t() @ a.t(), a.t() @ d, d.t() @ a * 3

    outputs(f, (a, b, c, d, long), rtol=rtol, atol=rtol)
