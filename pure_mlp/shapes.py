"""Checks of shape, dtype and device for the author of a layer, and their names in messages."""

from __future__ import annotations

from torch import Tensor

__all__ = ["check_cotangent", "check_tangent", "spec"]


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
    if dy.shape != y.shape or dy.dtype != y.dtype or dy.device != y.device:
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
    if dx.shape != x.shape or dx.dtype != x.dtype or dx.device != x.device:
        raise ValueError(f"dx {spec(dx)}, expected {spec(x)} as the input")


def spec(x: Tensor) -> str:
    """Shape and dtype for an error message, and the device where it is not the CPU.

    Args:
        x: any tensor.

    Returns:
        `(2, 3) float32`, `(2, 3) float32 cuda:0`.

    >>> import torch
    >>> spec(torch.ones(2, 3))
    '(2, 3) float32'
    """
    place = "" if x.device.type == "cpu" else f" {x.device}"
    return f"{tuple(x.shape)} {str(x.dtype)[6:]}{place}"
