"""How much rounding a program forgives: it is run with every result of an operation off by an ulp or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .differences import Bound, largest
from .loop import Case, Ran, loop

_EXACT = {
    "clone",
    "copy_",
    "copy",
    "cat",
    "stack",
    "neg",
    "neg_",
    "abs",
    "abs_",
    "relu",
    "relu_",
    "where",
    "index",
    "index_select",
    "gather",
    "max",
    "min",
    "amax",
    "amin",
    "maximum",
    "minimum",
    "clamp",
    "clamp_",
    "clamp_min",
    "clamp_max",
    "zeros",
    "ones",
    "full",
    "zeros_like",
    "ones_like",
    "full_like",
    "new_zeros",
    "new_ones",
    "new_full",
    "arange",
    "fill_",
    "zero_",
    "empty",
    "empty_like",
    "lift_fresh",
    "scalar_tensor",
    "eye",
    "flip",
    "roll",
    "sort",
    "tril",
    "triu",
    "masked_fill",
    "masked_fill_",
    "index_fill_",
    "index_put",
    "index_copy",
    "scatter",
    "repeat",
    "constant_pad_nd",
    "bernoulli",
    "bernoulli_",
    "randperm",
    "randint",
    "native_dropout",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
    "detach",
    "detach_",
    "set_",
    "squeeze_",
    "unsqueeze_",
    "t_",
    "transpose_",
    "resize_",
    "_local_scalar_dense",
    "embedding",
    "exponential_",
    "topk",
}
"""Operations whose results are numbers that they were given, or whole ones."""


class Unstable(Exception):
    """The loop itself gives something else when its roundings differ: nothing can be said about an engine."""


class Noise(TorchDispatchMode):
    """Within it every result of floating-point arithmetic is off by at most so many ulps."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first operation imports torch._dynamo

    def __init__(self, seed: int, ulps: float = 2.0) -> None:
        super().__init__()
        self._ulps = ulps
        self._generator = Generator().manual_seed(seed)

    def __torch_dispatch__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> object:
        """The operation, and its noise."""
        out = func(*args, **(kwargs or {}))
        name = func._schema.name.split("::")[1]
        if name in _EXACT or any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns):
            return out
        if name == "_to_copy" and not args[0].is_floating_point():
            return out
        written = args[0] if name.startswith("_foreach") and name.endswith("_") else out
        for t in written if isinstance(written, (list, tuple)) else [written]:
            if isinstance(t, Tensor) and t.is_floating_point() and t.numel():
                off = self._ulps * (torch.rand(t.shape, generator=self._generator, dtype=torch.float64) * 2 - 1)
                t.mul_((1 + off * torch.finfo(t.dtype).eps).to(torch.float64 if t.dtype == torch.float64 else torch.float32))
        return out


def bounds(make: Callable[[], Case], expected: Ran, *, runs: int = 3, factor: float = 8.0) -> list[list[Bound]]:
    """What losses and leaves of each fold may differ by: `factor` times what noise of two ulps did in some runs, and 8 ulps.

    Raises `Unstable` where noise changes errors, whole numbers, or which numbers are finite; or more than a hundredth of a value.
    """
    noisy = []
    for seed in range(runs):
        with Noise(seed):
            noisy.append(loop(make()))
    found: list[list[Bound]] = []
    for i, outcome in enumerate(expected.outcomes):
        if any(run.outcomes[i].error != outcome.error for run in noisy):
            raise Unstable("errors")
        values = [outcome.losses, *[leaf for _, leaf in outcome.carry]]
        others = [[run.outcomes[i].losses, *[leaf for _, leaf in run.outcomes[i].carry]] for run in noisy]
        found.append([_bound(value, [o[j] for o in others], factor) for j, value in enumerate(values)])
    return found


def _bound(value: Tensor, others: list[Tensor], factor: float) -> float:
    if not value.is_floating_point():
        if any(not torch.equal(value, other) for other in others):
            raise Unstable("whole numbers")
        return 0.0
    size, eps = largest(value), torch.finfo(value.dtype).eps
    finite = value.isfinite()
    if any(not torch.equal(finite, other.isfinite()) for other in others):
        raise Unstable("which numbers are finite")
    off = max([float((value - other)[finite].abs().double().max()) for other in others if finite.any()], default=0.0)
    if off > max(0.01, 64 * eps) * size:
        raise Unstable("values")
    return factor * off + 8 * eps * size
