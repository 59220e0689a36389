"""Host numbers: what the step computes from counts (schedules, bias corrections) is arithmetic on Python
floats, once a step.

Each row says how Python and how C compute what torch computes of 0-dim float64 tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from pure_mlp._compile.graph import Graph, Node
from pure_mlp._compile.schema import name_of, overload

Number = float | Node
"""A number known when the program is made, or a node without spec: one known at each step."""


def _torch(name: str) -> Callable[..., float]:
    """The function of 0-dim float64 tensors, for arguments where Python raises (1 / 0, sqrt(-1)) and torch
    gives inf or NaN.
    """

    def f(*args: float) -> float:
        return float(getattr(torch, name)(*(torch.tensor(a, dtype=torch.float64) for a in args)))

    return f


_divide, _power, _exp, _expm1, _log = map(_torch, ("div", "pow", "exp", "expm1", "log"))


def _clamp(a: float, low: float | None = None, high: float | None = None) -> float:
    a = low if low is not None and a < low else a
    return high if high is not None and a > high else a


class Arithmetic(NamedTuple):
    """A function of numbers in Python and in C, where {0} and {1} stand for its arguments; infix is its Python
    operator.
    """

    python: Callable[..., float]
    c: str
    infix: str = ""


ARITHMETIC: dict[str, Arithmetic] = {
    "add": Arithmetic(lambda a, b: a + b, "{0} + {1}", "+"),
    "sub": Arithmetic(lambda a, b: a - b, "{0} - {1}", "-"),
    "mul": Arithmetic(lambda a, b: a * b, "{0} * {1}", "*"),
    "div": Arithmetic(lambda a, b: a / b if b else _divide(a, b), "{0} / {1}"),
    "pow": Arithmetic(lambda a, b: a**b if 0 < a <= 1 and b >= 0 else _power(a, b), "pow({0}, {1})"),
    "minimum": Arithmetic(lambda a, b: b if b < a or b != b else a, "{1} < {0} || {1} != {1} ? {1} : {0}"),
    "maximum": Arithmetic(lambda a, b: b if b > a or b != b else a, "{1} > {0} || {1} != {1} ? {1} : {0}"),
    "clamp": Arithmetic(_clamp, ""),
    "sqrt": Arithmetic(lambda a: math.sqrt(a) if a >= 0 else math.nan, "sqrt({0})"),
    "floor": Arithmetic(lambda a: float(math.floor(a)) if math.isfinite(a) else a, "floor({0})"),
    "ceil": Arithmetic(_torch("ceil"), "ceil({0})"),
    "exp": Arithmetic(lambda a: math.exp(a) if not a > 709 else _exp(a), "exp({0})"),
    "expm1": Arithmetic(lambda a: math.expm1(a) if not a > 709 else _expm1(a), "expm1({0})"),
    "log": Arithmetic(lambda a: math.log(a) if a > 0 else _log(a), "log({0})"),
    "cos": Arithmetic(lambda a: math.cos(a) if math.isfinite(a) else math.nan, "cos({0})"),
    "sin": Arithmetic(lambda a: math.sin(a) if math.isfinite(a) else math.nan, "sin({0})"),
    "tanh": Arithmetic(math.tanh, "tanh({0})"),
    "abs": Arithmetic(math.fabs, "fabs({0})"),
    "sigmoid": Arithmetic(_torch("sigmoid"), "1 / (1 + exp(-{0}))"),
}


def number(graph: Graph, name: str, *args: Number | None) -> Number:
    """The function of this name of numbers: computed now if all are known, else a node of the graph."""
    known = [a for a in args if not isinstance(a, Node)]
    if len(known) == len(args):
        return ARITHMETIC[name].python(*known)
    if name == "mul" and 1 in known:
        return next(a for a in args if isinstance(a, Node))
    return graph.add(f"host.{name}", args)


def number_form(op: str, args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[str, tuple[object, ...], object] | None:
    """An operation on 0-dim tensors as (name, arguments, alpha) of a row, or None where there is none."""
    name = name_of(op) if overload(op) is not None else ""
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
    if kwargs.get("rounding_mode") is not None:
        return None
    return (name, args, alpha) if name in ARITHMETIC else None
