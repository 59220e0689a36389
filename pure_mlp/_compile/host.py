"""Host numbers: what the step computes from counts (schedules, bias corrections) is Python arithmetic, once a step."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from pure_mlp._compile.graph import Graph, Node, overload

Number = float | Node
"""A number known at plan time, or a node without spec: one known at each step."""


def _torch(name: str) -> Callable[..., float]:
    """The function of 0-dim float64 tensors, for arguments where Python raises (1 / 0, sqrt(-1)) and torch gives inf or NaN."""

    def f(*args: float) -> float:
        return float(getattr(torch, name)(*(torch.tensor(a, dtype=torch.float64) for a in args)))

    return f


def div(a: float, b: float) -> float:
    """a / b as torch divides float64.

    >>> div(1.0, 4.0), div(1.0, 0.0)
    (0.25, inf)
    """
    return a / b if b else _torch("div")(a, b)


def power(a: float, b: float) -> float:
    """a to the b as in torch.

    >>> power(0.9, 2.0), power(0.0, -1.0)
    (0.81, inf)
    """
    return a**b if 0 < a <= 1 and b >= 0 else _torch("pow")(a, b)


def sqrt(a: float) -> float:
    """The square root, NaN below 0.

    >>> sqrt(4.0), sqrt(-1.0)
    (2.0, nan)
    """
    return math.sqrt(a) if a >= 0 else math.nan


def floor(a: float) -> float:
    """The largest integer not above a, as a float.

    >>> floor(-0.5), floor(math.inf)
    (-1.0, inf)
    """
    return float(math.floor(a)) if math.isfinite(a) else a


def exp(a: float) -> float:
    """e to the a; inf where that is too large for a float.

    >>> exp(0.0), exp(710.0)
    (1.0, inf)
    """
    return math.exp(a) if not a > 709 else _torch("exp")(a)


def expm1(a: float) -> float:
    """e to the a, less 1: exact where a is small.

    >>> expm1(1e-20), expm1(710.0)
    (1e-20, inf)
    """
    return math.expm1(a) if not a > 709 else _torch("expm1")(a)


def log(a: float) -> float:
    """The natural logarithm, -inf at 0, NaN below.

    >>> log(1.0), log(0.0)
    (0.0, -inf)
    """
    return math.log(a) if a > 0 else _torch("log")(a)


def cos(a: float) -> float:
    """The cosine; NaN of an infinity.

    >>> cos(0.0), cos(math.inf)
    (1.0, nan)
    """
    return math.cos(a) if math.isfinite(a) else math.nan


def sin(a: float) -> float:
    """The sine; NaN of an infinity.

    >>> sin(0.0), sin(math.inf)
    (0.0, nan)
    """
    return math.sin(a) if math.isfinite(a) else math.nan


def clamp(a: float, low: float | None = None, high: float | None = None) -> float:
    """a within the bounds; NaN stays.

    >>> clamp(3.0, None, 1.0), clamp(-3.0, 0.0)
    (1.0, 0.0)
    """
    a = low if low is not None and a < low else a
    return high if high is not None and a > high else a


INFIX = {"add": "+", "sub": "-", "mul": "*"}
HOST: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": div,
    "pow": power,
    "sqrt": sqrt,
    "floor": floor,
    "clamp": clamp,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "cos": cos,
    "sin": sin,
    "tanh": math.tanh,
    "abs": math.fabs,
    "minimum": lambda a, b: b if b < a or b != b else a,
    "maximum": lambda a, b: b if b > a or b != b else a,
    **{name: _torch(name) for name in ("ceil", "sigmoid")},
}


def host(graph: Graph, name: str, *args: Number | None) -> Number:
    """The function of this name of numbers: computed now if all are known, else a node of the graph.

    >>> host(Graph(), "mul", 2.0, 3.0)
    6.0
    """
    if not any(isinstance(a, Node) for a in args):
        return HOST[name](*args)
    if name == "mul" and 1 in args:
        return args[1] if args[0] == 1 else args[0]  # type: ignore[return-value]  # mul has no None among its arguments
    return graph.add(f"host.{name}", args)


def host_form(op: str, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[str, tuple[object, ...], object] | None:
    """An operation on 0-dim tensors as (name, arguments, alpha) of a host function, or None where there is none.

    >>> host_form("aten.rsub.Scalar", (5.0, 1), {})
    ('sub', (1, 5.0), 1)
    """
    func = overload(op)
    name = op.split(".")[1] if func is not None else ""
    alpha = kwargs.get("alpha", 1)
    if name == "rsub":
        return "sub", (args[1], args[0]), alpha if len(args) < 3 else args[2]
    if name == "neg":
        return "mul", (args[0], -1.0), 1
    if name == "reciprocal":
        return "div", (1.0, args[0]), 1
    if name in ("clamp_max", "clamp_min"):
        return "clamp", (args[0], None, args[1]) if name == "clamp_max" else (args[0], args[1]), 1
    if name in ("_to_copy", "clone"):
        return "mul", (args[0], 1.0), 1
    if name == "div" and kwargs.get("rounding_mode") is not None:
        return None
    return (name, args, alpha) if name in HOST else None
