"""What a file computes for the cases, and what it raises, with no opinion about it."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TypeVar

from torch import Tensor, ones

from .loss import run_loss
from .net import run_net
from .seen import Attempt, Net, Observed, Pass, Score, Unexpected
from .watch import settled, watched

T = TypeVar("T", bound=Attempt)


def observe(path: str, nets: Sequence[Net], losses: Sequence[tuple[Tensor, Tensor]]) -> Observed:
    """Everything that the file at `path` computes for the cases. What it raises is told.

    >>> observe("missing.py", [], [])["load"].split(":")[0]
    'FileNotFoundError'
    """
    with watched(path) as (autograd, replaced):
        try:
            module = load(path)
        except BaseException as error:
            settled()
            told = _told(error, path)
            return Observed(load=told, unknown="", nets=[], losses=[], imported=[], autograd=[], replaced=[], settings=[])
        pairs = [(y, y_hat, name) for y, y_hat in losses for name in ("mse_loss", "bce_loss")]
        settings = settled()
        return {
            "load": "",
            "imported": autograd(),
            "unknown": _unknown(module),
            "nets": [_attempt(partial(run_net, module, net), Pass(stage="start", error=""), path) for net in nets],
            "losses": [_attempt(partial(run_loss, module, *pair), Score(stage="loss", error=""), path) for pair in pairs],
            "autograd": autograd(),
            "replaced": replaced(),
            "settings": list(dict.fromkeys([*settings, *settled()])),
        }


def load(path: str) -> ModuleType:
    """The file as a module called `mlp`, not put into `sys.modules`. What it raises goes through.

    >>> load("missing.py")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: '...missing.py'
    """
    spec = importlib.util.spec_from_file_location("mlp", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _attempt(run: Callable[[T], None], seen: T, path: str) -> T:
    """`seen`, filled by `run`, and where it stopped."""
    try:
        run(seen)
    except BaseException as error:
        seen["error"] = _told(error, path)
    return seen


def _told(error: BaseException, path: str) -> str:
    """The exception in one line, and the last line of the file that it passed; of what is no homework the text alone."""
    if isinstance(error, Unexpected):
        return str(error)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == path]
    line = lines[-1] if lines else getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    text = error.msg if isinstance(error, SyntaxError) else (_text(error).splitlines() or [""])[0][:200]
    return type(error).__name__ + (f": {text}" if text else "") + (f" (line {line})" if line else "")


def _unknown(module: ModuleType) -> str:
    """How the file meets an unknown activation, when the net is made or at the latest in forward: its exception, name and text."""
    try:
        module.MLP(2, 2, "tanh", 2, 2, "relu").forward(ones(3, 2))
    except BaseException as error:
        return f"{type(error).__name__}: {_text(error)}"[:300]
    return ""


def _text(error: BaseException) -> str:
    """What an exception says; nothing where its own `__str__` fails."""
    try:
        return str(error)
    except Exception:  # whatever a stranger's `__str__` raises
        return ""
