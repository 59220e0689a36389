from collections.abc import Callable, Mapping
from types import TracebackType

class TorchFunctionMode:
    def __init__(self) -> None: ...
    def __enter__(self) -> TorchFunctionMode: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object: ...

def _get_current_function_mode_stack() -> list[TorchFunctionMode]: ...
