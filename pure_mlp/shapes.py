"""Checks of shape, dtype and device for the author of a layer, and their names in messages."""

from __future__ import annotations

from math import inf, nan
from numbers import Real
from typing import Any

from torch import Tensor

__all__ = ["alike", "check_cotangent", "check_number", "check_tangent", "spec"]


def check_cotangent(y: Tensor, dy: Tensor) -> None:
    """Refuse a cotangent that would broadcast or promote. The first line of a `bwd`.

    Args:
        y: the output of `fwd`, or whatever has its shape, dtype and device.
        dy: the cotangent dJ/dy that `bwd` was given.

    Raises:
        ValueError: dy has another shape, dtype or device than y.

    >>> import torch
    >>> check_cotangent(torch.ones(4, 3), torch.ones(1, 3))
    Traceback (most recent call last):
    ValueError: dy (1, 3) float32, expected (4, 3) float32 as the output
    """
    if not alike(dy, y):
        raise ValueError(f"dy {spec(dy)}, expected {spec(y)} as the output")


def check_tangent(x: Tensor, dx: Tensor) -> None:
    """Refuse a tangent that would broadcast or promote. The first line of a `jvp`.

    Args:
        x: the input of `fwd`, or whatever has its shape, dtype and device.
        dx: the tangent that `jvp` was given.

    Raises:
        ValueError: dx has another shape, dtype or device than x.

    >>> import torch
    >>> check_tangent(torch.ones(4, 3), torch.ones(1, 3))
    Traceback (most recent call last):
    ValueError: dx (1, 3) float32, expected (4, 3) float32 as the input
    """
    if not alike(dx, x):
        raise ValueError(f"dx {spec(dx)}, expected {spec(x)} as the input")


def check_number(what: str, name: str, value: object, *, above: bool = False, most: float = inf, finite: bool = True) -> None:
    """Refuse a hyperparameter that is no number, NaN, infinite or out of range.

    Args:
        what: the function that takes it.
        name: its name there.
        value: what was given.
        above: whether it must be more than 0, rather than at least 0.
        most: the largest that it may be.
        finite: whether it must be, too.

    Raises:
        ValueError: it is another one.

    >>> check_number("elu", "alpha", -1.0, above=True)
    Traceback (most recent call last):
    ValueError: elu: alpha -1.0, expected > 0 and finite
    """
    x: Any = value if isinstance(value, Real) else nan
    if not ((x > 0 if above else x >= 0) and x <= most and (x < inf or not finite)):
        least, end = ">" if above else ">=", f" and <= {most:g}" if most < inf else " and finite" if finite else ""
        raise ValueError(f"{what}: {name} {value!r}, expected {least} 0{end}")


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have one shape, dtype and device; False where one of them is no tensor.

    >>> import torch
    >>> alike(torch.ones(2), torch.ones(2)), alike(torch.ones(2), torch.ones(1))
    (True, False)
    """
    try:
        return a.shape == b.shape and a.dtype == b.dtype and a.device == b.device
    except AttributeError:
        return False


def spec(x: object) -> str:
    """Shape and dtype for an error message, and the device where it is not the CPU; the class of what is no tensor.

    Args:
        x: any tensor, or what came in its place.

    Returns:
        `(2, 3) float32`, `(2, 3) float32 cuda:0`, `of class list`.

    >>> import torch
    >>> spec(torch.ones(2, 3))
    '(2, 3) float32'
    """
    if not isinstance(x, Tensor):
        return repr(x)[:60] if x is None or isinstance(x, (int, float, str)) else f"of class {type(x).__name__}"
    place = "" if x.device.type == "cpu" else f" {x.device}"
    return f"{tuple(x.shape)} {str(x.dtype)[6:]}{place}"
