from typing import Any

from torch import Tensor
from torch import device as _device

def from_dlpack(  # Any: the array of any library
    ext_tensor: Any, *, device: _device | str | None = None, copy: bool | None = None
) -> Tensor: ...
