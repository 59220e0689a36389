"""Initial parameters of `linear`. Every init has one signature, `Init`, and draws from the generator: the weight, then the bias.

n_in and n_out are the widths of input and output, the weight is (n_out, n_in), the bias (n_out,). The generator must be on the
device. dtypes other than float32 and float64 are drawn in float32 and then converted. Each raises `ValueError` for a width below 1,
what is no generator, and a dtype that is not floating.
"""

from __future__ import annotations

from math import sqrt
from typing import Protocol

import torch
from torch import Generator, Tensor

from pure_mlp.layers.linear import Linear
from pure_mlp.shapes import spec

__all__ = [
    "Device",
    "Init",
    "check_draw",
    "kaiming_normal",
    "kaiming_uniform",
    "linear_init",
    "orthogonal",
    "standard_normal",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Device = torch.device | str


class Init(Protocol):
    """The signature of every init, `linear_init` and the others of this module."""

    def __call__(self, n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = ..., device: Device = ..., /) -> Linear:
        """The params of one linear layer.

        Args:
            n_in: the width of its input, at least 1.
            n_out: the width of its output, at least 1.
            generator: what the numbers are drawn from; it moves on.
            dtype: of the params, float32 by default. Half precision is drawn in float32 and rounded.
            device: of the params, that of the generator; the CPU by default.

        Returns:
            Weight (n_out, n_in) and bias (n_out,).

        Raises:
            ValueError: a width below 1.
        """
        ...


def linear_init(n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu") -> Linear:
    """Weight and bias from U(-1/sqrt(n_in), 1/sqrt(n_in)): the default of `torch.nn.Linear`.

    For the same generator equal to the bit in float32, and to rounding in float64, where torch takes a longer way to the bound.

    >>> linear_init(3, 2, torch.Generator().manual_seed(0)).weight.shape
    torch.Size([2, 3])
    """
    empty, bound = _empty(n_in, n_out, generator, dtype, device), 1 / sqrt(n_in)
    weight, bias = (t.uniform_(-bound, bound, generator=generator) for t in (empty.weight, empty.bias))
    return _as(dtype, weight, bias)


def kaiming_uniform(
    n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Linear:
    """Weight from U(-a, a), a = sqrt(6 / n_in), for ReLU; bias 0 (He et al., arXiv:1502.01852).

    >>> kaiming_uniform(6, 2, torch.Generator()).weight.abs().max() <= 1
    tensor(True)
    """
    empty, bound = _empty(n_in, n_out, generator, dtype, device), sqrt(6 / n_in)
    return _as(dtype, empty.weight.uniform_(-bound, bound, generator=generator), empty.bias.zero_())


def kaiming_normal(
    n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Linear:
    """Weight from N(0, 2 / n_in), for ReLU; bias 0 (He et al., arXiv:1502.01852).

    >>> kaiming_normal(3, 2, torch.Generator()).bias
    tensor([0., 0.])
    """
    empty = _empty(n_in, n_out, generator, dtype, device)
    return _as(dtype, empty.weight.normal_(0, sqrt(2 / n_in), generator=generator), empty.bias.zero_())


def xavier_uniform(
    n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Linear:
    """Weight from U(-a, a), a = sqrt(6 / (n_in + n_out)), for tanh and sigmoid; bias 0 (Glorot and Bengio, 2010).

    >>> xavier_uniform(3, 3, torch.Generator()).weight.abs().max() <= 1
    tensor(True)
    """
    empty, bound = _empty(n_in, n_out, generator, dtype, device), sqrt(6 / (n_in + n_out))
    return _as(dtype, empty.weight.uniform_(-bound, bound, generator=generator), empty.bias.zero_())


def xavier_normal(
    n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Linear:
    """Weight from N(0, 2 / (n_in + n_out)), for tanh and sigmoid; bias 0 (Glorot and Bengio, 2010).

    >>> xavier_normal(3, 2, torch.Generator()).bias
    tensor([0., 0.])
    """
    empty = _empty(n_in, n_out, generator, dtype, device)
    return _as(dtype, empty.weight.normal_(0, sqrt(2 / (n_in + n_out)), generator=generator), empty.bias.zero_())


def standard_normal(
    n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Linear:
    """Weight and bias from N(0, 1), as the handout's `mlp.py`; wide nets saturate under it.

    >>> standard_normal(3, 2, torch.Generator().manual_seed(0)).bias.shape
    torch.Size([2])
    """
    empty = _empty(n_in, n_out, generator, dtype, device)
    return _as(dtype, empty.weight.normal_(generator=generator), empty.bias.normal_(generator=generator))


def zeros(n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu") -> Linear:
    """Weight and bias 0; nothing is drawn.

    >>> zeros(3, 2, torch.Generator()).weight.sum()
    tensor(0.)
    """
    empty = _empty(n_in, n_out, generator, dtype, device)
    return _as(dtype, empty.weight.zero_(), empty.bias.zero_())


def orthogonal(n_in: int, n_out: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu") -> Linear:
    """Weight with orthonormal rows (or columns, if n_out > n_in), uniformly drawn; bias 0 (Saxe et al., arXiv:1312.6120).

    >>> w = orthogonal(3, 2, torch.Generator(), torch.float64).weight
    >>> torch.allclose(w @ w.t(), torch.eye(2, dtype=torch.float64))
    True
    """
    empty = _empty(n_in, n_out, generator, dtype, device)
    drawn = empty.weight.normal_(generator=generator)
    q, r = torch.linalg.qr(drawn.t() if n_out < n_in else drawn)
    q = q * r.diagonal().sign()
    return _as(dtype, (q.t() if n_out < n_in else q).contiguous(), empty.bias.zero_())


def _empty(n_in: int, n_out: int, generator: Generator, dtype: torch.dtype, device: Device) -> Linear:
    """Memory to draw into: in float32 where there may be no kernel that draws."""
    if not all(hasattr(n, "__index__") and n >= 1 for n in (n_in, n_out)):
        raise ValueError(f"linear: n_in {n_in!r}, n_out {n_out!r}, expected at least 1, whole numbers")
    check_draw("linear", generator, dtype)
    drawn = dtype if dtype == torch.float64 else torch.float32
    return Linear(torch.empty(n_out, n_in, dtype=drawn, device=device), torch.empty(n_out, dtype=drawn, device=device))


def check_draw(what: str, generator: object, dtype: object) -> None:
    """Raises `ValueError` unless params of this dtype can be drawn from this generator.

    >>> check_draw("linear", Generator(), torch.float32)
    """
    if not isinstance(generator, Generator):
        raise ValueError(f"{what}: a generator that is {spec(generator)}, expected a torch.Generator")
    if not isinstance(dtype, torch.dtype) or not (dtype.is_floating_point or dtype in (torch.complex64, torch.complex128)):
        raise ValueError(f"{what}: dtype {dtype}, expected a floating one such as torch.float32")


def _as(dtype: torch.dtype, weight: Tensor, bias: Tensor) -> Linear:
    return Linear(weight.to(dtype), bias.to(dtype))
