"""What a file's net computes for one case: two passes, clearing, new parameters."""

from __future__ import annotations

from contextlib import suppress
from difflib import get_close_matches
from types import ModuleType
from typing import Protocol, cast

import torch
from torch import Tensor

from .seen import Net, Pass, Tensors, Unexpected, kept

PARAMETERS = ("W1", "b1", "W2", "b2")
GRADS = tuple(f"dJd{name}" for name in PARAMETERS)


class Student(Protocol):
    """What is asked of a file's MLP."""

    parameters: Tensors
    grads: Tensors
    cache: dict[str, object]

    def forward(self, x: Tensor) -> object:
        """y_hat, if it is the homework."""

    def backward(self, dJdy_hat: Tensor) -> object:
        """Fill grads."""

    def clear_grad_and_cache(self) -> None:
        """Zero grads, empty cache."""


def kind(value: object) -> str:
    """The type of what came, for a person.

    >>> kind(None), kind((1, 2)), kind({}), kind(...)
    ('None', 'a tuple', 'a dict', '...')
    """
    if value is None or value is ...:
        return "None" if value is None else "..."
    name = type(value).__name__.replace("ndarray", "numpy array")
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def run_net(module: ModuleType, net_case: Net, seen: Pass) -> None:
    """Two passes, clearing, a pass with new parameters; the second and third one again in nets of their own; then forward alone.

    `seen` is filled as far as it comes; what the file raises goes through. Raises `Unexpected` for what is no homework.

    >>> run_net(ModuleType("empty"), (0, "relu", "relu", (1, 1, 1), {}), Pass(stage="start", error=""))
    Traceback (most recent call last):
    pure_mlp.homework.grade.probe.seen.Unexpected: the file has no MLP
    """
    seed, f, g, (n, h, k), t = net_case
    computed: Tensors = {}
    seen["computed"], seen["arguments"], seen["graph"], seen["odd"], seen["moved"] = computed, [], False, [], []
    if not hasattr(module, "MLP"):
        like = next((f", but {name}" for name in vars(module) if name.lower() == "mlp"), "")
        raise Unexpected(f"the file has no MLP{like}")

    def build(prefix: str = "") -> Student:
        torch.default_generator.manual_seed(seed)  # the file draws from it; the library itself never touches it
        net = cast(Student, module.MLP(n, h, f, h, k, g))
        if "drawn" not in seen:
            _look(net, seen)
        put(net, prefix)
        return net

    def put(net: Student, prefix: str) -> None:
        for name in PARAMETERS:
            net.parameters[name] = t[prefix + name].clone()

    def step(net: Student, which: str, x_name: str, dJ_name: str, prefix: str = "") -> None:
        x, dJ = t[x_name].clone(), t[dJ_name].clone()
        seen["stage"], held = "forward", not _is_clear(net)
        _has(net, "forward")
        y_hat = net.forward(x)
        if held and which == " twice":
            seen["forgets"] = _is_clear(net)
        odd = "" if isinstance(y_hat, Tensor) else f"forward returns {kind(y_hat)}, expected y_hat (batch, out2)"
        if isinstance(y_hat, Tensor):
            seen["graph"] |= y_hat.requires_grad
            computed["y" + which] = kept("y_hat of forward", y_hat)
            seen["stage"] = "backward"
        try:
            _has(net, "backward")
            returned = net.backward(dJ)
            computed.update({name + which: grad for name, grad in _grads(net).items()})
        except Exception as error:
            if odd:
                raise Unexpected(odd) from error
            raise
        seen["others"] = [str(name) for name in net.grads if name not in GRADS]
        if returned is not None:
            seen["returned"] = kind(returned)
        if odd:
            raise Unexpected(odd)
        seen["arguments"] += [(x_name, x.detach()), (dJ_name, dJ.detach())]
        if moved := changed(net, prefix):
            seen["moved"] += [name for name in moved if name not in seen["moved"]]
            put(net, prefix)

    def changed(net: Student, prefix: str = "") -> list[str]:
        ours = [net.parameters.get(name) for name in PARAMETERS]
        return [name for name, p in zip(PARAMETERS, ours) if p is None or not torch.equal(p.detach(), t[prefix + name])]

    net = build()
    seen["shared"] = _shared(net, build())
    step(net, "", "x", "dJ")
    step(net, " twice", "x'", "dJ'")
    seen["stage"] = "clear_grad_and_cache"
    held, cache = [net.grads[name] for name in GRADS], getattr(net, "cache", None)
    _has(net, "clear_grad_and_cache")
    net.clear_grad_and_cache()
    try:
        seen["cleared"] = _grads(net)
        seen["in_place"] = all(a is net.grads[name] for a, name in zip(held, GRADS))
    except Unexpected as error:
        seen["lost"] = f"{error}"
    after = getattr(net, "cache", None)
    seen["cache_cleared"], seen["new_cache"] = after is None or _is_empty(after), after is None or after is not cache
    seen["reset"] = changed(net)
    put(net, "new ")
    step(net, " new", "x", "dJ", "new ")
    step(build(), " second", "x'", "dJ'")
    step(build("new "), " fresh", "x", "dJ", "new ")
    seen["stage"] = ""
    with suppress(Exception):  # what it raises has been told
        net = build()
        for which, x in (("", t["x"]), (" again", t["x"]), (" alone", t["x"][:1]), (" beside", t["x"])):
            if which == " beside":
                module.MLP(n, h, g, h, k, f)
            computed["y" + which] = kept("y_hat of forward", cast(Tensor, net.forward(x.clone())))


def _has(net: Student, name: str) -> None:
    """Raise `Unexpected` where MLP has no method of this name, with the name that it may stand under."""
    if not hasattr(type(net), name) and not hasattr(net, name):
        own = [other for other in vars(type(net)) if other != "__init__"]
        like = get_close_matches(name, own, 1) or [other for other in own if (name, other) == ("forward", "__call__")]
        raise Unexpected(f"MLP has no {name}" + (f", but {like[0]}" if like else ""))


def _look(net: Student, seen: Pass) -> None:
    """The net as it is made."""
    parameters = cast(Tensors, getattr(net, "parameters", None))
    if not _is_mapping(parameters):
        raise Unexpected(f"parameters is {_held(net, 'parameters')}, expected a dict with W1, b1, W2, b2")
    missing = [name for name in PARAMETERS if name not in parameters]
    if missing:
        raise Unexpected(f"parameters has {_names(parameters)}, where W1, b1, W2, b2 are expected")
    wrong = next((name for name in PARAMETERS if not isinstance(parameters[name], Tensor)), "")
    if wrong:
        raise Unexpected(f"parameters[{wrong!r}] is {kind(parameters[wrong])}, expected a tensor")
    seen["drawn"] = {name: kept(f"parameters[{name!r}]", parameters[name]) for name in PARAMETERS}
    seen["records"] = any(parameters[name].requires_grad for name in PARAMETERS)
    seen["attributes"] = (_attribute(net, "f_function"), _attribute(net, "g_function"))
    seen["empty"] = _is_empty(getattr(net, "cache", None))
    try:
        seen["initial"] = _grads(net)
    except Unexpected as error:
        seen["odd"].append(f"{error}")


def _shared(net: Student, other: Student) -> list[str]:
    """What two nets have in common, of what each should have for itself."""
    pairs = [(name, getattr(net, name, None), getattr(other, name, None)) for name in ("parameters", "grads", "cache")]
    return [name for name, ours, theirs in pairs if isinstance(ours, dict) and ours is theirs]


def _is_clear(net: Student) -> bool:
    """Whether there is no gradient that is not 0."""
    grads = getattr(net, "grads", None)
    return not _is_mapping(grads) or not any(
        isinstance(g, Tensor) and bool(g.any()) for g in cast(dict[str, object], grads).values()
    )


def _held(net: Student, name: str) -> str:
    return kind(getattr(net, name)) if hasattr(net, name) else "missing"


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) or hasattr(value, "keys")


def _is_empty(cache: object) -> bool:
    return isinstance(cache, dict) and len(cache) == 0


def _attribute(net: Student, name: str) -> str:
    value = getattr(net, name, None)
    return value if isinstance(value, str) else "<missing>" if value is None else f"<{type(value).__name__}>"


def _names(tensors: object) -> str:
    return ", ".join(map(str, cast(Tensors, tensors))) or "no keys"


def _grads(net: Student) -> Tensors:
    grads = cast(Tensors, getattr(net, "grads", None))
    if not _is_mapping(grads):
        raise Unexpected(f"grads is {_held(net, 'grads')}, expected a dict with {', '.join(GRADS)}")
    missing = [name for name in GRADS if name not in grads]
    if missing:
        raise Unexpected(f"grads has {_names(grads)}, where {', '.join(GRADS)} are expected")
    wrong = next((name for name in GRADS if not isinstance(grads[name], Tensor | int | float)), "")
    if wrong:
        raise Unexpected(f"grads[{wrong!r}] is {kind(grads[wrong])}, expected a tensor")
    return {name: kept(f"grads[{name!r}]", torch.as_tensor(grads[name])) for name in GRADS}
