"""What is particular to one init; the laws of all are those of `check`, tried in tests/check."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, nn

import pure_mlp as pm

SHAPES = [(1, 1), (5, 3), (3, 5), (4, 4), (784, 128)]


@pytest.mark.parametrize(("n_in", "n_out"), SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_linear_init_is_the_default_of_torch(n_in: int, n_out: int, dtype: torch.dtype) -> None:
    """`nn.Linear` takes no generator: under a forked global one, seeded alike, it draws the same numbers.

    To the bit in float32; in float64 to the rounding of the bound, which torch computes by other steps.
    """
    params = pm.linear_init(n_in, n_out, Generator().manual_seed(7), dtype)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        module = nn.Linear(n_in, n_out, dtype=dtype)
    for ours, theirs in ((params.weight, module.weight.detach()), (params.bias, module.bias.detach())):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0 if dtype == torch.float32 else 1e-15)


@pytest.mark.parametrize(("n_in", "n_out"), [(3, 8), (8, 3), (5, 5)])
def test_orthogonal(n_in: int, n_out: int) -> None:
    w = pm.orthogonal(n_in, n_out, Generator().manual_seed(0), torch.float64).weight
    gram = w @ w.t() if n_out <= n_in else w.t() @ w
    torch.testing.assert_close(gram, torch.eye(min(n_in, n_out), dtype=torch.float64), atol=1e-14, rtol=0)
