"""What a file computes for the cases, and what it raises, with no opinion about it."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TypeVar, cast

from torch import Tensor

from .net import run_net
from .seen import Attempt, Net, Observed, Pass, Score
from .watch import watched

T = TypeVar("T", bound=Attempt)

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def observe(path: str, nets: Sequence[Net], losses: Sequence[tuple[Tensor, Tensor]]) -> Observed:
    """Everything that the file at `path` computes for the cases. What it raises is told.

    >>> observe("missing.py", [], [])["load"].split(":")[0]
    'FileNotFoundError'
    """
    with watched(path) as (autograd, replaced):
        try:
            module = _load(path)
        except BaseException as error:
            return Observed(load=_told(error, path), unknown="", nets=[], losses=[], autograd=[], replaced=[])
        pairs = [(y, y_hat, name) for y, y_hat in losses for name in ("mse", "bce")]
        return {
            "load": "",
            "unknown": _unknown(module),
            "nets": [_attempt(partial(run_net, module, net), Pass(stage="start", error=""), path) for net in nets],
            "losses": [_attempt(partial(_run_loss, module, *pair), Score(stage="loss", error=""), path) for pair in pairs],
            "autograd": autograd(),
            "replaced": replaced(),
        }


def _load(path: str) -> ModuleType:
    """The file as a module called `mlp`, not put into `sys.modules`."""
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
    """The exception in one line, and the last line of the file that it passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = lines[-1] if lines else getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    text = error.msg if isinstance(error, SyntaxError) else (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")


def _unknown(module: ModuleType) -> str:
    """How the file meets an unknown activation: the name and the text of its exception."""
    try:
        module.MLP(2, 2, "tanh", 2, 2, "relu")
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _run_loss(module: ModuleType, y: Tensor, y_hat: Tensor, name: str, seen: Score) -> None:
    """The value and the gradient of one loss, and its arguments afterwards."""
    label, prediction = y.clone(), y_hat.clone()
    J, gradient = cast(Loss, getattr(module, name + "_loss"))(label, prediction)
    if not isinstance(J, Tensor):
        raise TypeError(f"J is a {type(J).__name__}, not a 0-dim tensor")
    seen["J"], seen["dJdy_hat"] = J.detach().clone(), gradient.detach().clone()
    seen["label"], seen["prediction"] = label.detach(), prediction.detach()
    seen["graph"] = bool(J.requires_grad or gradient.requires_grad)
    seen["stage"] = ""
