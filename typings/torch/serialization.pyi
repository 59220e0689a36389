from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

_File: TypeAlias = str | Path | BytesIO

def add_safe_globals(safe_globals: list[Callable[..., object] | tuple[Callable[..., object], str]]) -> None: ...
def save(
    obj: object,
    f: _File,
    pickle_module: object = ...,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None: ...
def load(  # Any is what the file holds
    f: _File,
    map_location: str | None = None,
    pickle_module: object = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: object,
) -> Any: ...
