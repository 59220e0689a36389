"""exp, log, log1p and tanh of the native engine in float32, beside torch in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from natively import native, needs_compiler
from torch import Generator, Tensor

LEAST = 2.0**-126

Function = Callable[[Tensor], Tensor]


def computed(function: Function, x: Tensor) -> Tensor:
    """What C gives: of a carry that is replaced by the function of the batch."""

    def step(carry: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        return function(x), carry[:1].sum()

    planned = native(step, torch.zeros_like(x), torch.ones_like(x) / 2)
    planned.step(torch.ones_like(x) / 2)
    planned.step(x)
    assert "_float(" in planned.source
    carry: Tensor = planned.carry()
    return carry


def units(got: Tensor, exact: Tensor) -> Tensor:
    """Distances in units of the last place of float32, subnormal numbers included."""
    unit = 2.0 ** (exact.abs().clamp(min=LEAST).log2().floor() - 23)
    return (got.double() - exact).abs() / unit


@needs_compiler
@pytest.mark.parametrize("function", [torch.exp, torch.log, torch.log1p, torch.tanh])
def test_functions_of_any_float_are_within_two_units_in_the_last_place(function: Function) -> None:
    bits = torch.randint(-(2**31), 2**31, (200_000,), generator=Generator().manual_seed(0)).to(torch.int32)
    edges = [0.0, -0.0, 1.0, -1.0, torch.inf, -torch.inf, torch.nan, 1e-45, LEAST, 3.4e38]
    edges += [88.72, 88.73, -87.4, -103.9, -103.98, -104.0]  # where e^x becomes infinite, subnormal and 0
    places = [torch.linspace(-110, 95, 100_001), torch.linspace(-2, 2, 100_001), torch.tensor(edges)]
    x = torch.cat([bits.view(torch.float32), *places])
    got, exact = computed(function, x), function(x.double())
    rounded = exact.float()
    finite = rounded.isfinite()
    assert units(got, exact)[finite].max() <= 2
    assert torch.equal(got[~finite].nan_to_num(0.5), rounded[~finite].nan_to_num(0.5))
    assert torch.equal(got.isnan(), rounded.isnan())
    assert torch.equal(got[got == 0].signbit(), rounded[got == 0].signbit())
