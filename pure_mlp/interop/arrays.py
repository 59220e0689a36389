"""A net as a function of the arrays of other libraries, whose memory is not copied."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from torch.utils.dlpack import from_dlpack

from pure_mlp.layer import Layer

__all__ = ["on_arrays"]

P = TypeVar("P")
C = TypeVar("C")


def on_arrays(net: Layer[P, C], params: P) -> Callable[[Any], Any]:  # Any: the array of another library
    """`x -> y` for arrays of any library that follows the array API standard, such as numpy from 2.1 on and jax; y is of its class.

    Arrays go to torch and back by DLPack, which copies nothing: x is read where it lies, and y is the memory that torch computed.

    Args:
        net: a layer of tensors.
        params: its params, of the dtype of the arrays and on their device.

    Returns:
        The function. It raises what the net raises, and `ValueError` for what is no such array.

    >>> from pure_mlp import relu
    >>> on_arrays(relu, ())(7)
    Traceback (most recent call last):
    ValueError: on_arrays: x of class int, expected an array with __dlpack__ and __array_namespace__
    """
    return partial(_applied, net, params)


def _applied(net: Layer[P, C], params: P, x: Any) -> Any:
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__array_namespace__"):
        raise ValueError(f"on_arrays: x of class {type(x).__name__}, expected an array with __dlpack__ and __array_namespace__")
    return x.__array_namespace__().from_dlpack(net.fwd(params, from_dlpack(x))[0])
