from collections.abc import Mapping
from types import TracebackType

from torch._ops import OpOverload

class TorchDispatchMode:
    def __init__(self, _dispatch_key=None): ...  # type: ignore[no-untyped-def]  # as in torch
    @classmethod
    def _should_skip_dynamo(cls) -> bool: ...
    def __enter__(self) -> TorchDispatchMode: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[object, ...] = (), kwargs: Mapping[str, object] | None = None
    ) -> object: ...
