"""What runs inside: the operations dispatched, and the bytes alive."""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves as arguments


class Ops(TorchDispatchMode):
    """The names of the operations dispatched inside, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


class Live(TorchDispatchMode):
    """The bytes of the tensors made inside that are alive, and the most there were since `peak` was last set."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[int] = set()
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for t in arguments((args, kwargs)):
            if isinstance(t, Tensor):
                self.note(t, made=False)
        out = func(*args, **(kwargs or {}))
        for t in arguments(out):
            if isinstance(t, Tensor):
                self.note(t, made=True)
        return out

    def note(self, t: Tensor, made: bool) -> None:
        storage = t.untyped_storage()
        if storage._cdata not in self.known:
            self.known.add(storage._cdata)
            self.add(storage.nbytes() * made)
            weakref.finalize(storage, self.forget, storage._cdata, storage.nbytes() * made)

    def forget(self, key: int, size: int) -> None:
        self.known.remove(key)
        self.add(-size)

    def add(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)
