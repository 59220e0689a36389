"""What a file does, observed: run as a script by `python -I`, in an empty folder that holds `mlp.py` and `cases.pt`.

It knows no right answers, imports torch and the standard library only, and writes `observed.pt`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

PARAMETERS = ("W1", "b1", "W2", "b2")
Tensors = dict[str, Tensor]
Seen = dict[str, Any]
Net = tuple[int, str, str, tuple[int, int, int], Tensors]


def observe(path: str, nets: Sequence[Net], losses: Sequence[tuple[Tensor, Tensor]]) -> Seen:
    """Everything that the file at `path` computes for the cases: a dict of tensors, numbers and strings. What it raises is told.
    >>> observe("missing.py", [], [])["load"].split(":")[0]
    'FileNotFoundError'
    """
    with _watched() as used:
        try:
            module = _load(path)
        except BaseException as error:
            return {"load": _told(error, path)}
        observed: Seen = {"load": "", "nets": [], "losses": [], "unknown": _unknown(module)}
        for net in nets:
            observed["nets"].append(_attempt(partial(_run_net, module, net), path))
        for y, y_hat in losses:
            for name in ("mse", "bce"):
                observed["losses"].append(_attempt(partial(_run_loss, module, name, y, y_hat), path))
        observed["autograd"] = sorted(used)
    return observed


def _load(path: str) -> ModuleType:
    """The file as a module called `mlp`, not put into `sys.modules`."""
    spec = importlib.util.spec_from_file_location("mlp", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _attempt(run: Callable[[Seen], None], path: str) -> Seen:
    """What `run` saw, and where it stopped."""
    seen: Seen = {"stage": "start", "error": ""}
    try:
        run(seen)
    except BaseException as error:
        seen["error"] = _told(error, path)
    return seen


def _told(error: BaseException, path: str) -> str:
    """The exception in one line, and the last line of the file that it passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = lines[-1] if lines else getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    text = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")


def _unknown(module: ModuleType) -> str:
    """How the file meets an unknown activation: the name and the text of its exception."""
    try:
        module.MLP(2, 2, "tanh", 2, 2, "relu")
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _run_net(module: ModuleType, net_case: Net, seen: Seen) -> None:
    """Two passes, clearing, a pass with new parameters; and the second and third one again in nets of their own."""
    seed, f, g, (n, h, k), t = net_case

    def build(prefix: str = "") -> tuple[Any, Tensors]:
        vars(torch)["manual_seed"](seed)  # the file draws from the global generator, which the library itself never touches
        net = module.MLP(n, h, f, h, k, g)
        start = {name: net.parameters[name].clone() for name in PARAMETERS}
        put(net, prefix)
        return net, start

    def put(net: Any, prefix: str) -> None:
        for name in PARAMETERS:
            net.parameters[name] = t[prefix + name].clone()

    def step(net: Any, which: str, x_before: Tensor, dJ_before: Tensor) -> None:
        x, dJ = x_before.clone(), dJ_before.clone()
        seen["stage"] = "forward"
        y_hat = net.forward(x)
        seen["autograd"] = seen.get("autograd", False) or _requires_grad(y_hat)
        seen["y" + which] = y_hat.detach().clone()
        seen["stage"] = "backward"
        net.backward(dJ)
        for name in PARAMETERS:
            seen["dJd" + name + which] = net.grads["dJd" + name].detach().clone()
        seen["x changed"] = seen.get("x changed", False) or not torch.equal(x, x_before)
        seen["dJ changed"] = seen.get("dJ changed", False) or not torch.equal(dJ, dJ_before)

    net, seen["drawn"] = build()
    seen["attributes"] = [str(getattr(net, "f_function", "")), str(getattr(net, "g_function", ""))]
    seen["empty"] = net.cache == {} and isinstance(net.cache, dict)
    seen["zero"] = all(not net.grads["dJd" + name].any() for name in PARAMETERS)
    step(net, "", t["x"], t["dJ"])
    step(net, " twice", t["x'"], t["dJ'"])
    seen["stage"] = "clear_grad_and_cache"
    held, cache = [net.grads["dJd" + name] for name in PARAMETERS], net.cache
    net.clear_grad_and_cache()
    seen["grads cleared"] = all(not net.grads["dJd" + name].any() for name in PARAMETERS)
    seen["in place"] = all(a is net.grads["dJd" + name] for a, name in zip(held, PARAMETERS))
    seen["cache cleared"] = len(net.cache) == 0
    seen["new cache"] = net.cache is not cache
    put(net, "new ")
    step(net, " new", t["x"], t["dJ"])
    step(build()[0], " second", t["x'"], t["dJ'"])
    step(build("new ")[0], " fresh", t["x"], t["dJ"])
    seen["stage"] = ""


def _run_loss(module: ModuleType, name: str, y: Tensor, y_hat: Tensor, seen: Seen) -> None:
    """The value and the gradient of one loss, and whether it left its arguments alone."""
    seen["stage"] = "loss"
    label, prediction = y.clone(), y_hat.clone()
    J, gradient = getattr(module, name + "_loss")(label, prediction)
    J = J if isinstance(J, Tensor) else torch.tensor(J)
    seen["J"], seen["dJdy_hat"] = J.detach().clone(), gradient.detach().clone()
    seen["autograd"] = _requires_grad(J) or _requires_grad(gradient)
    seen["changed"] = not (torch.equal(label, y) and torch.equal(prediction, y_hat))
    seen["stage"] = ""


def _requires_grad(t: Tensor) -> bool:
    """Whether autograd has recorded how t was made."""
    return bool(getattr(t, "requires_grad", False))


@contextmanager
def _watched() -> Iterator[set[str]]:
    """The names of the entries of autograd that are called meanwhile."""
    used: set[str] = set()
    autograd, func = sys.modules["torch.autograd"], sys.modules.get("torch.func")
    places = [(autograd, name) for name in ("backward", "grad")]
    if func:
        places += [(func, name) for name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd")]
    originals = [(place, name, getattr(place, name)) for place, name in places]

    def counted(name: str, original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            used.add(name)
            return original(*args, **kwargs)

        return call

    for place, name, original in originals:
        setattr(place, name, counted(place.__name__ + "." + name, original))
    try:
        yield used
    finally:
        for place, name, original in originals:
            setattr(place, name, original)


def _refuse_processes(event: str, details: tuple[object, ...]) -> None:
    """An audit hook that lets nothing start a process. Raises `PermissionError`."""
    if event in ("os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "subprocess.Popen"):
        raise PermissionError(f"{event}: a graded file starts no processes")


def _limit(seconds: int, megabytes: int, written: int) -> None:
    """Bound this process from here on: seconds of processor, memory, size of a file, no core file, no children."""
    try:
        import resource
    except ImportError:  # not a POSIX system: the wall clock alone limits
        return
    bounds = [("CPU", seconds), ("AS", megabytes << 20), ("FSIZE", written << 20), ("CORE", 0), ("NPROC", 0)]
    for name, bound in bounds:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (bound, bound))


if __name__ == "__main__":
    me = os.getpid()
    cases = torch.load("cases.pt")
    _limit(*map(int, sys.argv[1:]))
    sys.addaudithook(_refuse_processes)
    found = observe(os.path.abspath("mlp.py"), *cases)
    if os.getpid() == me:
        torch.save(found, "observed.pt")
    os._exit(0)
