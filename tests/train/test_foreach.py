"""Arithmetic on lists of tensors is the formula, and inside vmap, where torch has no rule for lists, still the formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp.optim import foreach

Three = Callable[[Tensor, Tensor, Tensor], Tensor]
FORMULAS: dict[str, tuple[Three, Three]] = {
    "add": (lambda x, y, z: foreach.add([x], [y], 0.3)[0], lambda x, y, z: x + 0.3 * y),
    "mul": (lambda x, y, z: foreach.mul([x], 0.3)[0], lambda x, y, z: 0.3 * x),
    "mul by a tensor": (lambda x, y, z: foreach.mul([x], z.sum())[0], lambda x, y, z: z.sum() * x),
    "mul_": (lambda x, y, z: foreach.mul_([x.clone()], 0.3)[0], lambda x, y, z: 0.3 * x),
    "mul_ by a tensor": (lambda x, y, z: foreach.mul_([x.clone()], z.sum())[0], lambda x, y, z: z.sum() * x),
    "shift_": (lambda x, y, z: foreach.shift_([x.clone()], 0.3)[0], lambda x, y, z: x + 0.3),
    "shift_ by a tensor": (lambda x, y, z: foreach.shift_([x.clone()], z.sum())[0], lambda x, y, z: x + z.sum()),
    "div": (lambda x, y, z: foreach.div([x], [y])[0], lambda x, y, z: x / y),
    "addcmul_": (lambda x, y, z: foreach.addcmul_([x.clone()], [y], [z], 0.3)[0], lambda x, y, z: x + 0.3 * y * z),
    "addcdiv": (lambda x, y, z: foreach.addcdiv([x], [y], [z], 0.3)[0], lambda x, y, z: x + 0.3 * y / z),
    "lerp": (lambda x, y, z: foreach.lerp([x], [y], 0.3)[0], lambda x, y, z: x + 0.3 * (y - x)),
    "sqrt": (lambda x, y, z: foreach.sqrt([x])[0], lambda x, y, z: x.sqrt()),
}


def test_no_function_is_forgotten() -> None:
    assert {name.split()[0] for name in FORMULAS} == set(foreach.__all__) - {"Number"}


@pytest.mark.parametrize("name", FORMULAS)
def test_each_is_its_formula(name: str) -> None:
    ours, formula = FORMULAS[name]
    x, y, z = torch.rand(3, 4, 5, generator=Generator().manual_seed(0), dtype=torch.float64) + 0.5
    torch.testing.assert_close(ours(x, y, z), formula(x, y, z), atol=1e-14, rtol=1e-14)
    torch.testing.assert_close(torch.func.vmap(ours)(x, y, z), torch.func.vmap(formula)(x, y, z), atol=1e-14, rtol=1e-14)
