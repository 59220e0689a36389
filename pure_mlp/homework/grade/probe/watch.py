"""What a file does to torch: which entries of autograd it calls, which functions it replaces, what it sets for everybody."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch

Told = tuple[Callable[[], list[tuple[int, str]]], Callable[[], list[str]]]
TORCH = torch.__file__.rpartition("__init__")[0]
ENTRIES: dict[str, tuple[str, ...]] = {
    "torch.autograd": ("backward", "grad"),
    "torch.func": ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "linearize"),
}


@contextmanager
def watched(path: str) -> Generator[Told]:
    """Two functions: lines of the file at `path` with the entry of autograd called there, and names replaced in torch.

    The first tells what was called since it was last asked, the second what is replaced so far.

    >>> with watched("mlp.py") as (autograd, replaced):
    ...     original, torch.allclose = torch.allclose, lambda a, b: True
    ...     print(autograd(), replaced())
    ...     torch.allclose = original
    [] ['torch.allclose']
    """
    calls: list[tuple[int, str]] = []
    places = {"torch": torch, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.nn.functional}
    before = {(place, name): value for place, owner in places.items() for name, value in vars(owner).items()}
    originals = [
        (sys.modules[module], name, getattr(sys.modules[module], name))
        for module, names in ENTRIES.items()
        for name in names
        if hasattr(sys.modules.get(module), name)
    ]

    def counted(full: str, original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            calls.append((_line(path), full))
            return original(*args, **kwargs)

        return call

    def replaced() -> list[str]:
        now = [(place, name, vars(places[place]).get(name), value) for (place, name), value in before.items()]
        return [f"{place}.{name}" for place, name, new, value in now if new is not value and not _is_torchs(new, name)]

    for place, name, original in originals:
        setattr(place, name, counted(f"{place.__name__}.{name}", original))

    def called() -> list[tuple[int, str]]:
        found = sorted(set(calls))
        calls.clear()
        return found

    try:
        yield called, replaced
    finally:
        for place, name, original in originals:
            setattr(place, name, original)


def _is_torchs(function: object, name: str) -> bool:
    """Whether a function of this name is torch's own, as it puts some in the place of others when it loads its compiler."""
    code = getattr(function, "__code__", None)
    return str(getattr(code, "co_filename", "")).startswith(TORCH) and getattr(function, "__name__", "") == name


def settled() -> list[str]:
    """What has been set for all of torch, and to what; it is set back.

    >>> torch.set_default_dtype(torch.float64)
    >>> settled(), settled()
    (['the default dtype to float64'], [])
    """
    dtype, recording = torch.get_default_dtype(), torch.is_grad_enabled()
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    found = [] if dtype == torch.float32 else [f"the default dtype to {str(dtype)[6:]}"]
    return found + ([] if recording else ["autograd to off"])


def _line(path: str) -> int:
    """The line of the file that is being run, 0 if none is."""
    frame = sys._getframe()
    while frame.f_code.co_filename != path:
        if frame.f_back is None:
            return 0
        frame = frame.f_back
    return frame.f_lineno
