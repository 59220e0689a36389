from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")

class GetAttrKey:
    name: str
    def __init__(self, name: str) -> None: ...

def register_pytree_node(  # Any is the context, of which torch knows nothing
    cls: type[_T],
    flatten_fn: Callable[[_T], tuple[list[object], Any]],
    unflatten_fn: Callable[[Iterable[object], Any], _T],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Callable[[Any], object] | None = None,
    from_dumpable_context: Callable[[object], Any] | None = None,
    flatten_with_keys_fn: Callable[[_T], tuple[list[tuple[GetAttrKey, object]], Any]] | None = None,
) -> None: ...
