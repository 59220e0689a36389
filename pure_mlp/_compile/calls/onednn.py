"""oneDNN's matrix product into given memory: inside torch's wheel, but without a binding, so it is called by its symbol."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

_SYMBOL = "_ZN2at6native13mkldnn_matmulERKNS_6TensorES3_S3_ff"
"""`at::native::mkldnn_matmul(a, b, out, beta, alpha)`. The name encodes the types: another signature is another name."""


class Reference:
    """What C++ takes as `const Tensor&`: the address of a pointer to the tensor's implementation. Keeps the tensor alive.

    Raises `TypeError` for a tensor that is not in the processor's memory.

    >>> Reference(torch.ones(2)).tensor
    tensor([1., 1.])
    """

    __slots__ = ("_as_parameter_", "_pointer", "tensor")

    def __init__(self, t: Tensor) -> None:
        if not t.is_cpu or not t.data_ptr():
            raise TypeError(f"oneDNN multiplies tensors in the processor's memory, not {type(t).__name__} on {t.device}")
        self.tensor = t
        self._pointer = ctypes.c_void_p(t._cdata)
        self._as_parameter_ = ctypes.byref(self._pointer)


Product = Callable[[Reference, Reference, Reference, float, float], None]
"""`(a, b, out, beta, alpha)`: out <- beta out + alpha a b; where beta is 0, what out holds is not read."""


@cache
def onednn() -> Product | None:
    """The product; None where this torch has no oneDNN or another function of that name.

    It checks nothing, and ends the process on what it cannot do: `fits` says what it can.

    >>> product, out = onednn(), torch.zeros(1, 1)
    >>> if product is not None:
    ...     product(Reference(torch.ones(1, 2)), Reference(torch.ones(2, 1)), Reference(out), 0.0, 3.0)
    >>> out if product else torch.tensor([[6.]])
    tensor([[6.]])
    """
    if not torch.backends.mkldnn.is_available():
        return None
    try:
        library = ctypes.CDLL(os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so"))
        function = getattr(library, _SYMBOL)
    except (OSError, AttributeError):
        return None
    function.restype, function.argtypes = None, [ctypes.c_void_p] * 3 + [ctypes.c_float] * 2
    product: Product = function
    return product


def makes(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN has a kernel for a b, asked where its error is an exception.

    >>> makes(torch.ones(2, 3), torch.ones(3, 2).double())
    False
    """
    try:
        torch.ops.mkldnn._linear_pointwise.default(a, b.t(), None, "none", [], "")
    except (RuntimeError, AttributeError):
        return False
    return True
