"""Every init against torch's own, from the same generator; its moments, dtype and refusals."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
from torch import Generator, Tensor, nn

import pure_mlp as pm
from pure_mlp.registry.inits import INIT_ROWS
from pure_mlp.registry.rows import InitRow

INITS = [row.init for row in INIT_ROWS.values()]
over_inits = pytest.mark.parametrize("init", INITS, ids=INIT_ROWS)
over_rows = pytest.mark.parametrize("row", INIT_ROWS.values(), ids=INIT_ROWS)

SHAPES = [(1, 1), (5, 3), (3, 5), (4, 4), (784, 128)]


def same(ours: Tensor, theirs: Tensor) -> None:
    """To the bit in float32; in float64 to the rounding of the bound, which torch computes by other steps."""
    torch.testing.assert_close(ours, theirs, atol=0, rtol=0 if ours.dtype == torch.float32 else 1e-15)


@pytest.mark.parametrize(("n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linear_init_is_the_default_of_torch(n_in: int, n_out: int, dtype: torch.dtype) -> None:
    """`nn.Linear` takes no generator: under a forked global one, seeded alike, it draws the same numbers."""
    params = pm.linear_init(n_in, n_out, Generator().manual_seed(7), dtype)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        module = nn.Linear(n_in, n_out, dtype=dtype)
    same(params.weight, module.weight.detach())
    same(params.bias, module.bias.detach())


@pytest.mark.parametrize(("n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@over_rows
def test_weights_are_those_of_torch(row: InitRow, n_in: int, n_out: int, dtype: torch.dtype) -> None:
    if row.reference is None:
        return
    ours = row.init(n_in, n_out, Generator().manual_seed(7), dtype).weight
    same(ours, row.reference(torch.empty(n_out, n_in, dtype=dtype), Generator().manual_seed(7)))


@over_rows
def test_moments(row: InitRow) -> None:
    n_in, n_out = 500, 300
    params, variance = row.init(n_in, n_out, Generator().manual_seed(0), torch.float64), row.variance(n_in, n_out)
    count = n_in * n_out
    assert params.weight.mean().item() == pytest.approx(0, abs=5 * sqrt(variance / count))
    assert params.weight.var().item() == pytest.approx(variance, rel=5 * sqrt(2 / count))
    assert params.bias.var().item() == pytest.approx(variance if row.bias else 0.0, rel=0.4, abs=0.0)


@over_inits
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_params_are_what_linear_takes(init: pm.Init, dtype: torch.dtype) -> None:
    params = init(4, 3, Generator().manual_seed(0), dtype, "cpu")
    assert (params.weight.shape, params.bias.shape) == ((3, 4), (3,))
    assert params.weight.is_contiguous()
    assert {params.weight.dtype, params.bias.dtype} == {dtype}
    assert pm.linear.fwd(params, torch.ones(2, 4, dtype=dtype))[0].shape == (2, 3)


NOT_ORTHOGONAL = [init for init in INITS if init is not pm.orthogonal]


@pytest.mark.parametrize("init", NOT_ORTHOGONAL, ids=[n for n in INIT_ROWS if n != "orthogonal"])
def test_bfloat16(init: pm.Init) -> None:
    assert init(4, 3, Generator().manual_seed(0), torch.bfloat16).weight.dtype == torch.bfloat16


@over_inits
def test_the_generator_is_the_only_source(init: pm.Init) -> None:
    """The same seed gives the same params, the next draw others, and torch's global generator is not touched."""
    before = torch.random.get_rng_state()
    g = Generator().manual_seed(3)
    first, second, again = init(4, 3, g), init(4, 3, g), init(4, 3, Generator().manual_seed(3))
    assert torch.equal(first.weight, again.weight)
    assert torch.equal(first.bias, again.bias)
    assert torch.equal(first.weight, second.weight) == (init is pm.zeros)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 8), (8, 3), (5, 5)])
def test_orthogonal(n_in: int, n_out: int) -> None:
    w = pm.orthogonal(n_in, n_out, Generator().manual_seed(0), torch.float64).weight
    gram = w @ w.t() if n_out <= n_in else w.t() @ w
    torch.testing.assert_close(gram, torch.eye(min(n_in, n_out), dtype=torch.float64), atol=1e-14, rtol=0)


@over_inits
@pytest.mark.parametrize(("n_in", "n_out"), [(0, 3), (3, 0), (-1, 2)])
def test_a_width_below_1_is_refused(init: pm.Init, n_in: int, n_out: int) -> None:
    with pytest.raises(ValueError, match=f"n_in {n_in}, n_out {n_out}, expected at least 1"):
        init(n_in, n_out, Generator())
