"""What a flat program cannot repeat: values that Python reads from a tensor, and shapes that depend on values."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Generator, Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode

from pure_mlp._compile.graph import Unplannable
from pure_mlp._compile.schema import is_view

_NAMES = ("tolist", "numpy", "__array__", "__dlpack__", "__deepcopy__", "__reduce_ex__", "data_ptr", "untyped_storage")
_READS = {getattr(Tensor, name) for name in _NAMES}
"""Functions that hand the memory of a tensor to Python, which reads it without an operation of torch."""
_MAKES = {"tensor", "as_tensor", "asarray", "new_tensor"}
"""Names of functions that read the values of the tensors of a list."""


class Reads(TorchFunctionMode):
    """Notices when a tensor's memory goes to Python: the refusal names the function and the line.

    name is that of the function called last, generators are those given to functions so far, refusal is the
    first reason why the step has no program.
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.generators: list[Generator] = []
        self.refusal: Unplannable | None = None

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run the function, and note whether a program could."""
        self.name = name = getattr(func, "__name__", "")
        listed = name in _MAKES and any(isinstance(a, (list, tuple)) and any(True for _ in _tensors(a)) for a in args)
        if func in _READS or listed:
            with self.refusing():
                raise Unplannable(f"{name} reads the values of a tensor into Python {step_line()}")
        self.generators += [a for a in (*args, *(kwargs or {}).values()) if isinstance(a, Generator)]
        return func(*args, **(kwargs or {}))

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Inside, `Unplannable` is noted, not raised; the first one is kept."""
        try:
            yield
        except Unplannable as refusal:
            self.refusal = self.refusal or refusal


def refuse_reading(func: OpOverload, args: tuple[object, ...]) -> None:
    """Raises `Unplannable` for an operation whose result is a Python value, or has a shape that depends on values."""
    if torch.Tag.data_dependent_output in func.tags:
        raise Unplannable(f"a value of a tensor is read into Python (item, float, a branch) {step_line()}")
    masked = any(t.dtype in (torch.bool, torch.uint8) for t in _tensors(args[1:]))
    if torch.Tag.dynamic_output_shape in func.tags and (str(func) != "aten.index.Tensor" or masked):
        raise Unplannable(f"the shape of the result of {func} depends on values {step_line()}")


def refuse_another(func: OpOverload, name: str) -> None:
    """Raises `Unplannable` where torch calls another operation because this one is recorded: for eigenvalues or singular
    values alone it then computes vectors too, of which an error may be another.
    """
    if str(func) in ("aten._linalg_eigh.default", "aten._linalg_svd.default") and name not in ("linalg_eigh", "linalg_svd"):
        raise Unplannable(f"{name} computes vectors too while operations are recorded {step_line()}")


def refuse_result(func: OpOverload, out: object) -> None:
    """Raises `Unplannable` for a result that no buffer can hold: a tensor that is not strided, several
    views at once.
    """
    if any(t.layout != torch.strided for t in _tensors((out,))):
        raise Unplannable(f"the result of {func} is not a strided tensor {step_line()}")
    if is_view(str(func)) and not isinstance(out, Tensor):
        raise Unplannable(f"{func} makes several views at once {step_line()}")


def functional(func: OpOverload) -> OpOverload | None:
    """The overload without the trailing underscore that takes the same arguments: `relu_.default` ->
    `relu.default`.
    """
    packet = getattr(torch.ops.aten, func._schema.name.split("::")[1].removesuffix("_"), None)
    names = [a.name for a in func._schema.arguments]
    for name in packet.overloads() if packet is not None else ():
        candidate: OpOverload = getattr(packet, name)
        if not candidate._schema.is_mutable and [a.name for a in candidate._schema.arguments] == names:
            return candidate
    return None


def step_line() -> str:
    """The source line that the step has reached: the innermost one outside torch and the compiler."""
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
