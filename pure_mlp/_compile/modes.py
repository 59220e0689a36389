"""What a thread is set to: settings that change what a step computes, and modes that stand between it and torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import get_default_dtype, get_float32_matmul_precision, is_grad_enabled, is_inference_mode_enabled
from torch._C import (
    _get_deterministic_algorithms,
    _is_any_autocast_enabled,
    _len_torch_dispatch_stack,
    _len_torch_function_stack,
)
from torch.overrides import _get_current_function_mode_stack

_LEAST = 5e-324
"""The smallest positive float: it equals 0 where the processor flushes denormals."""


def modes() -> tuple[object, ...] | None:
    """What a program is kept under: it serves only steps under the modes of its first. None where a mode of Python's
    sees every operation, or function, of torch: then only the pure step does what that mode expects.
    """
    if _len_torch_dispatch_stack() or (_len_torch_function_stack() and _watched()):
        return None
    return (
        _is_any_autocast_enabled() and (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        _get_deterministic_algorithms(),
        is_grad_enabled(),
        is_inference_mode_enabled(),
        get_default_dtype(),
        get_float32_matmul_precision(),
        _LEAST > 0,
    )


def _watched() -> bool:
    """Whether a mode sees the functions of torch; `torch.device("cpu")` as a context changes nothing here."""
    from torch.utils._device import DeviceContext  # torch itself imports it late

    stack = _get_current_function_mode_stack()
    return any(not isinstance(mode, DeviceContext) or mode.device.type != "cpu" for mode in stack)


@contextmanager
def outside_inference() -> Iterator[None]:
    """Inside, tensors are ordinary ones even if the caller is in inference mode; every other mode stays as it is."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            yield
    else:
        yield
