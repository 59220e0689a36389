"""How many tensor operations a step dispatches: those of `aten`, as marks of the profiler are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from .task import Peer


class Operations(TorchDispatchMode):
    """Collects the names of what is dispatched while it is on; views count, as they are calls."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func.namespace == "aten":
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def operations(peer: Peer) -> list[str]:
    """Those of a step, after one that makes whatever is made once."""
    step: Callable[[Any], object] = peer.step
    step(peer.batches[0])
    with Operations() as found:
        step(peer.batches[0])
    names: list[str] = found.names
    return names
