"""`vmap` alone: the rest of torch.func is autograd."""

from collections.abc import Callable
from typing import TypeAlias

from typing_extensions import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Dims: TypeAlias = int | tuple[_Dims, ...] | None

def vmap(
    func: Callable[_P, _R],
    in_dims: _Dims = 0,
    out_dims: _Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[_P, _R]: ...
