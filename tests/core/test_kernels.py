"""Every fused kernel is its formula."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getmembers, isfunction

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import kernels

DTYPES = [torch.float64, torch.float32, torch.bfloat16]


def drawn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=dtype)


FORMULAS: dict[str, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "threshold_backward": lambda dy, x: (
        kernels.threshold_backward(dy, torch.relu(x)),
        torch.where(torch.relu(x) > 0, dy, torch.zeros_like(dy)),
    ),
    "sigmoid_backward": lambda dy, x: (
        kernels.sigmoid_backward(dy, torch.sigmoid(x)),
        dy * (1 - torch.sigmoid(x)) * torch.sigmoid(x),
    ),
    "tanh_backward": lambda dy, x: (kernels.tanh_backward(dy, torch.tanh(x)), dy * (1 - torch.tanh(x) ** 2)),
    "squared_error": lambda a, b: (kernels.squared_error(a, b), (a - b) ** 2),
    "mse_backward": lambda a, b: (kernels.mse_backward(a, b), 2 / max(a.numel(), 1) * (a - b)),
    "addmm_relu": lambda x, w: (kernels.addmm_relu(w[0, : len(w)], x, w.t()), torch.relu(torch.addmm(w[0, : len(w)], x, w.t()))),
}
TO_THE_BIT = {"threshold_backward", "addmm_relu"}


def test_no_kernel_is_forgotten() -> None:
    public = {name for name, f in getmembers(kernels, isfunction) if f.__module__ == kernels.__name__ and name[0] != "_"}
    assert public - {"wide"} == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (5, 5), (5, 64), (64, 257)])
def test_kernel_is_its_formula(name: str, dtype: torch.dtype, shape: tuple[int, int]) -> None:
    a, b = drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype, seed=1)
    if name == "addmm_relu":
        b = drawn(5, shape[1], dtype=dtype, seed=1)
    fused, formula = FORMULAS[name](a, b)
    if name in TO_THE_BIT:
        assert torch.equal(fused, formula)
    ulps = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(fused, formula, atol=ulps, rtol=ulps, equal_nan=True)
    assert fused.untyped_storage().data_ptr() not in {t.untyped_storage().data_ptr() for t in (a, b)} or not fused.numel()


def test_threshold_backward_masks_everything_but_nan() -> None:
    y = torch.tensor([0.0, 0.0, 0.0, 1.0, torch.nan])
    dy = torch.tensor([torch.inf, torch.nan, 3.0, torch.inf, 5.0])
    assert kernels.threshold_backward(dy, y).tolist() == [0.0, 0.0, 0.0, torch.inf, 5.0]


def test_addmm_relu_inside_vmap() -> None:
    x, w = drawn(3, 4, 5, dtype=torch.float64), drawn(3, 2, 5, dtype=torch.float64, seed=1)
    bias = drawn(3, 2, dtype=torch.float64, seed=2)
    fused = torch.func.vmap(lambda b, x, w: kernels.addmm_relu(b, x, w.t()))(bias, x, w)
    torch.testing.assert_close(fused, torch.relu(x @ w.mT + bias.unsqueeze(1)), atol=1e-14, rtol=1e-14)
