"""The laws of an init, tried on several widths and dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt

import torch
from torch import Generator

from pure_mlp.check.laws import tried
from pure_mlp.check.report import Report
from pure_mlp.check.trials import far
from pure_mlp.layers.linear import Linear
from pure_mlp.record import tree_leaves
from pure_mlp.registry.rows import InitRow
from pure_mlp.shapes import spec

__all__ = ["INIT_LAWS", "init_laws"]

WIDTHS = ((1, 1), (5, 3), (3, 5), (20, 30))
MANY = (500, 300)
"""The widths at which moments are measured."""
WIDE, NARROW = (torch.float32, torch.float64), (torch.bfloat16, torch.float16, torch.float8_e4m3fn)


def init_laws(row: InitRow) -> Iterator[Report]:
    """The report of the init.

    >>> from pure_mlp.registry.inits import INIT_ROWS
    >>> [str(report) for report in init_laws(INIT_ROWS["zeros"])]
    ['zeros: 6 of 6 laws hold']
    """
    yield tried(row.name, {law: partial(f, row) for law, f in INIT_LAWS.items()})


def _drawn(row: InitRow, n_in: int, n_out: int, dtype: torch.dtype) -> Linear:
    return row.init(n_in, n_out, Generator().manual_seed(7), dtype)


def _structure(row: InitRow) -> str:
    """The weight is (n_out, n_in) and contiguous, the bias (n_out,), both of the dtype."""
    for n_in, n_out in WIDTHS:
        for dtype in WIDE:
            params = row.init(n_in, n_out, Generator().manual_seed(0), dtype, "cpu")
            for what, t, shape in (("weight", params.weight, (n_out, n_in)), ("bias", params.bias, (n_out,))):
                if t.shape != shape or t.dtype != dtype or not t.is_contiguous():
                    gaps = "" if t.is_contiguous() else ", not contiguous"
                    return f"{what} of n_in {n_in}, n_out {n_out} is {spec(t)}{gaps}; expected {shape} {dtype}"
    return ""


def _values(row: InitRow) -> str:
    """The weight is that of the reference, where there is one: to the bit in float32, to rounding in float64."""
    for n_in, n_out in WIDTHS if row.reference else ():
        for dtype, limit in zip(WIDE, (0.0, 1e-15)):
            assert row.reference is not None
            wanted = row.reference(torch.empty(n_out, n_in, dtype=dtype), Generator().manual_seed(7))
            if why := far(f"the weight in {dtype}", _drawn(row, n_in, n_out, dtype).weight, wanted, limit):
                return why
    return ""


def _moments(row: InitRow) -> str:
    """The weight has mean 0 and the variance of the row, within five standard errors; the bias that variance too, or is 0."""
    params, variance, count = _drawn(row, *MANY, torch.float64), row.variance(*MANY), MANY[0] * MANY[1]
    mean, found, bias = params.weight.mean().item(), params.weight.var().item(), params.bias.var().item()
    if abs(mean) > 5 * sqrt(variance / count):
        return f"the mean of the weight is {mean:.3g}, expected 0"
    if abs(found - variance) > 5 * sqrt(2 / count) * variance:
        return f"the variance of the weight is {found:.5g} for n_in {MANY[0]}, n_out {MANY[1]}, expected {variance:.5g}"
    wanted = variance if row.bias else 0.0
    return "" if abs(bias - wanted) <= 0.4 * wanted else f"the variance of the bias is {bias:.3g}, expected {wanted:.3g}"


def _generator(row: InitRow) -> str:
    """The generator is the only source of numbers, and moves on."""
    before, g = torch.default_generator.get_state(), Generator().manual_seed(3)
    first, second, again = (row.init(4, 3, source, torch.float64) for source in (g, g, Generator().manual_seed(3)))
    if not _same(first, again):
        return "the same seed gives other params"
    if row.variance(4, 3) and torch.equal(first.weight, second.weight):
        return "the next draw from a generator gives the same params"
    return "" if torch.equal(before, torch.default_generator.get_state()) else "it moves torch's global generator"


def _dtypes(row: InitRow) -> str:
    """Narrower dtypes are drawn in float32 and converted."""
    for dtype in NARROW:
        for n_in, n_out in WIDTHS:
            narrow, wide = _drawn(row, n_in, n_out, dtype), _drawn(row, n_in, n_out, torch.float32)
            if any(t.dtype != dtype for t in tree_leaves(narrow)):
                return f"params of {dtype} are {narrow.weight.dtype}, {narrow.bias.dtype}"
            converted = Linear(wide.weight.to(dtype).float(), wide.bias.to(dtype).float())
            if not _same(Linear(narrow.weight.float(), narrow.bias.float()), converted):
                return f"{dtype} is not what float32 rounds to"
    return ""


def _refusals(row: InitRow) -> str:
    """A width below 1 is a ValueError that names both."""
    for n_in, n_out in ((0, 3), (3, 0), (-1, 2)):
        wanted = f"n_in {n_in}, n_out {n_out}, expected at least 1"
        try:
            row.init(n_in, n_out, Generator())
        except ValueError as error:
            if wanted not in str(error):
                return f"it says {str(error)!r}, expected {wanted!r} in it"
        else:
            return f"it takes n_in {n_in}, n_out {n_out}; expected a ValueError"
    return ""


def _same(a: Linear, b: Linear) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b)))


INIT_LAWS: dict[str, Callable[[InitRow], str]] = {
    "structure": _structure,
    "values": _values,
    "moments": _moments,
    "generator": _generator,
    "dtypes": _dtypes,
    "refusals": _refusals,
}
"""By name, what is wrong with an init: "" where the law holds."""
