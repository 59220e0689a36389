"""What a flat program cannot repeat: values and shapes that come out of a tensor behind the back of its operations."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode

from pure_mlp._compile.graph import Unplannable, is_view

_NAMES = ("tolist", "numpy", "__array__", "__dlpack__", "__deepcopy__", "__reduce_ex__", "data_ptr", "untyped_storage")
_READS = {getattr(Tensor, name) for name in _NAMES}
"""Functions that hand the memory of a tensor to Python, where no operation is seen."""
_MAKES = {"tensor", "as_tensor", "asarray", "new_tensor"}
"""Names of functions that read the values of the tensors of a list."""


class Reads(TorchFunctionMode):
    """Within it a tensor's memory cannot go to Python: `Unplannable` names the function and the line."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run the function, or refuse it."""
        name = getattr(func, "__name__", "")
        listed = name in _MAKES and any(isinstance(a, (list, tuple)) and any(True for _ in _tensors(a)) for a in args)
        if func in _READS or listed:
            raise Unplannable(f"{name} reads the values of a tensor into Python {step_line()}")
        return func(*args, **(kwargs or {}))


def refuse_reading(func: OpOverload, args: tuple[object, ...]) -> None:
    """Raises `Unplannable` for an operation whose result is a Python value, or has a shape that depends on values.

    >>> refuse_reading(torch.ops.aten.nonzero.default, (torch.ones(2),))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pure_mlp._compile.graph.Unplannable: the shape of the result of aten.nonzero.default depends on values...
    """
    if torch.Tag.data_dependent_output in func.tags:
        raise Unplannable(f"a value of a tensor is read into Python (item, float, a branch) {step_line()}")
    masked = any(t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:]))
    if torch.Tag.dynamic_output_shape in func.tags and (str(func) != "aten.index.Tensor" or masked):
        raise Unplannable(f"the shape of the result of {func} depends on values {step_line()}")


def refuse_result(func: OpOverload, out: object) -> None:
    """Raises `Unplannable` for a result that has no place in a buffer: a tensor that is not strided, several views at once.

    >>> refuse_result(torch.ops.aten.exp.default, torch.ones(2))
    """
    if any(t.layout != torch.strided for t in _tensors((out,))):
        raise Unplannable(f"the result of {func} is not a strided tensor {step_line()}")
    if is_view(str(func)) and not isinstance(out, Tensor):
        raise Unplannable(f"{func} makes several views at once {step_line()}")


def elsewhere(given: Sequence[Tensor]) -> Unplannable:
    """The refusal of a batch with tensors whose numbers lie in others, as those of a wrapper class: they have no address.

    >>> elsewhere([torch.ones(2)])
    Unplannable('tensors of the batch have no memory of their own: Tensor')
    """
    return Unplannable(f"tensors of the batch have no memory of their own: {', '.join(type(t).__name__ for t in given)}")


def step_line() -> str:
    """Where the step is: the innermost line outside torch and this room.

    >>> step_line()  # doctest: +ELLIPSIS
    'at ...'
    """
    outside = (os.path.dirname(torch.__file__), os.path.dirname(os.path.dirname(__file__)), sys.prefix + "/lib")
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith(outside):
            return f"at {frame.filename}:{frame.lineno}: {frame.line}"
    return ""


def _tensors(values: object) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from _tensors(value)
