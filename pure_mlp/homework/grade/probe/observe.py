"""What a file computes for the cases, and what it raises, with no opinion about it."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor

from .seen import Attempt, Net, Observed, Pass, Score, Tensors
from .watch import watched

T = TypeVar("T", bound=Attempt)

PARAMETERS = ("W1", "b1", "W2", "b2")
Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Student(Protocol):
    """What is asked of a file's MLP."""

    parameters: Tensors
    grads: Tensors
    cache: dict[str, object]

    def forward(self, x: Tensor) -> Tensor:
        """y_hat."""

    def backward(self, dJdy_hat: Tensor) -> None:
        """Fill grads."""

    def clear_grad_and_cache(self) -> None:
        """Zero grads, empty cache."""


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
            "nets": [_attempt(partial(_run_net, module, net), Pass(stage="start", error=""), path) for net in nets],
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


def _run_net(module: ModuleType, net_case: Net, seen: Pass) -> None:
    """Two passes, clearing, a pass with new parameters; and the second and third one again in nets of their own."""
    seed, f, g, (n, h, k), t = net_case
    computed: Tensors = {}
    seen["computed"], seen["arguments"], seen["graph"] = computed, [], False

    def build(prefix: str = "") -> Student:
        vars(torch)["manual_seed"](seed)  # the file draws from the global generator, which the library itself never touches
        net = cast(Student, module.MLP(n, h, f, h, k, g))
        seen.setdefault("drawn", {name: net.parameters[name].detach().clone() for name in PARAMETERS})
        seen.setdefault("initial", _grads(net))
        seen.setdefault("attributes", (str(getattr(net, "f_function", "")), str(getattr(net, "g_function", ""))))
        seen.setdefault("empty", isinstance(net.cache, dict) and len(net.cache) == 0)
        put(net, prefix)
        return net

    def put(net: Student, prefix: str) -> None:
        for name in PARAMETERS:
            net.parameters[name] = t[prefix + name].clone()

    def step(net: Student, which: str, x_name: str, dJ_name: str) -> None:
        x, dJ = t[x_name].clone(), t[dJ_name].clone()
        seen["stage"] = "forward"
        y_hat = net.forward(x)
        seen["graph"] |= _requires_grad(y_hat)
        computed["y" + which] = y_hat.detach().clone()
        seen["stage"] = "backward"
        net.backward(dJ)
        computed.update({name + which: grad for name, grad in _grads(net).items()})
        seen["arguments"] += [(x_name, x.detach()), (dJ_name, dJ.detach())]

    net = build()
    step(net, "", "x", "dJ")
    step(net, " twice", "x'", "dJ'")
    seen["stage"] = "clear_grad_and_cache"
    held, cache = [net.grads["dJd" + name] for name in PARAMETERS], net.cache
    net.clear_grad_and_cache()
    seen["cleared"] = _grads(net)
    seen["in_place"] = all(a is net.grads["dJd" + name] for a, name in zip(held, PARAMETERS))
    seen["cache_cleared"], seen["new_cache"] = len(net.cache) == 0, net.cache is not cache
    put(net, "new ")
    step(net, " new", "x", "dJ")
    step(build(), " second", "x'", "dJ'")
    step(build("new "), " fresh", "x", "dJ")
    seen["stage"] = ""


def _grads(net: Student) -> Tensors:
    return {"dJd" + name: torch.as_tensor(net.grads["dJd" + name]).detach().clone() for name in PARAMETERS}


def _run_loss(module: ModuleType, y: Tensor, y_hat: Tensor, name: str, seen: Score) -> None:
    """The value and the gradient of one loss, and its arguments afterwards."""
    label, prediction = y.clone(), y_hat.clone()
    J, gradient = cast(Loss, getattr(module, name + "_loss"))(label, prediction)
    if not isinstance(J, Tensor):
        raise TypeError(f"J is a {type(J).__name__}, not a 0-dim tensor")
    seen["J"], seen["dJdy_hat"] = J.detach().clone(), gradient.detach().clone()
    seen["label"], seen["prediction"] = label.detach(), prediction.detach()
    seen["graph"] = _requires_grad(J) or _requires_grad(gradient)
    seen["stage"] = ""


def _requires_grad(t: Tensor) -> bool:
    """Whether autograd has recorded how t was made."""
    return bool(getattr(t, "requires_grad", False))
