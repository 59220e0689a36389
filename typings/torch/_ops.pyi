"""Kernels of torch that have no public binding. Those that are called have types of their own."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeAlias, type_check_only

from torch import _C, Tag, Tensor
from typing_extensions import ParamSpec, TypeVar

_Tensor: TypeAlias = Tensor
_P = ParamSpec("_P", default=...)
_T = TypeVar("_T", default=Any)  # as in torch: an overload found by its name

class OpOverload(Generic[_P, _T]):
    __name__: str
    _schema: _C.FunctionSchema
    _op: Callable[_P, _T]
    _overloadpacket: OpOverloadPacket
    def __init__(
        self,
        overloadpacket: OpOverloadPacket,
        op: Callable[_P, _T],
        op_dk: Callable[..., _T],
        schema: _C.FunctionSchema,
        tags: list[Tag],
    ) -> None: ...
    @property
    def tags(self) -> list[Tag]: ...
    def __call__(self, /, *args: _P.args, **kwargs: _P.kwargs) -> _T: ...

class OpOverloadPacket:
    def __init__(self, qualified_op_name: str, op_name: str, op: object, overload_names: list[str]) -> None: ...
    def overloads(self) -> list[str]: ...

@type_check_only
class _ThresholdBackward(OpOverloadPacket):
    default: OpOverload[[Tensor, Tensor, float], Tensor]

@type_check_only
class _ActivationBackward(OpOverloadPacket):
    default: OpOverload[[Tensor, Tensor], Tensor]

@type_check_only
class _LossBackward(OpOverloadPacket):
    default: OpOverload[[Tensor, Tensor, Tensor, int], Tensor]

@type_check_only
class _LogSigmoid(OpOverloadPacket):
    output: OpOverload[..., tuple[Tensor, Tensor]]

@type_check_only
class _ForeachScaled(OpOverloadPacket):
    Tensor: OpOverload[[list[_Tensor], _Tensor], list[_Tensor]]

@type_check_only
class _ForeachInPlace(OpOverloadPacket):
    Tensor: OpOverload[[list[_Tensor], _Tensor], None]

@type_check_only
class _Aten(Protocol):
    threshold_backward: _ThresholdBackward
    sigmoid_backward: _ActivationBackward
    tanh_backward: _ActivationBackward
    mse_loss_backward: _LossBackward
    log_sigmoid_forward: _LogSigmoid
    _foreach_add: _ForeachScaled
    _foreach_mul: _ForeachScaled
    _foreach_add_: _ForeachInPlace
    _foreach_mul_: _ForeachInPlace

@type_check_only
class _LinearPointwise(OpOverloadPacket):
    default: OpOverload[[Tensor, Tensor, Tensor | None, str, list[float | None], str | None], Tensor]

@type_check_only
class _OneDNN(Protocol):
    _linear_pointwise: _LinearPointwise

@type_check_only
class _Operators(Protocol):
    aten: _Aten
    mkldnn: _OneDNN

ops: _Operators
