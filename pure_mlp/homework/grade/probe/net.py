"""What a file's net computes for one case: two passes, clearing, new parameters."""

from __future__ import annotations

from types import ModuleType
from typing import Protocol, cast

import torch
from torch import Tensor

from .seen import Net, Pass, Tensors

PARAMETERS = ("W1", "b1", "W2", "b2")


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


def run_net(module: ModuleType, net_case: Net, seen: Pass) -> None:
    """Two passes, clearing, a pass with new parameters; and the second and third one again in nets of their own.

    `seen` is filled as far as it comes; what the file raises goes through.

    >>> run_net(ModuleType("empty"), (0, "relu", "relu", (1, 1, 1), {}), Pass(stage="start", error=""))
    Traceback (most recent call last):
    AttributeError: module 'empty' has no attribute 'MLP'
    """
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
        seen["graph"] |= bool(getattr(y_hat, "requires_grad", False))
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
