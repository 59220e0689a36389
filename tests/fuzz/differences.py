"""Where two outcomes differ, in words."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import torch
from torch import Tensor

from .loop import Outcome, Ran

Bound = Tensor | float


def differences(got: Ran, expected: Ran, bounds: Sequence[Sequence[Bound]] | None = None, *, rtol: float = 1e-9) -> Iterator[str]:
    """What differs between an engine's folds and the loop's.

    bounds, one for the losses and one a leaf in each fold, are what values may differ by; by default rtol of the largest number of
    the leaf. NaN equals NaN, an infinity itself alone.
    """
    for i, (mine, theirs) in enumerate(zip_longest(got.outcomes, expected.outcomes)):
        where = f"fold {i}: " if len(expected.outcomes) > 1 else ""
        yield from (where + words for words in _outcome(mine, theirs, None if bounds is None else bounds[i], rtol))


def unlike(got: Tensor, expected: Tensor, bound: Bound) -> str:
    """How two tensors differ; nothing if they do not."""
    if (got.shape, got.dtype) != (expected.shape, expected.dtype):
        return f"{tuple(got.shape)} {got.dtype}, not {tuple(expected.shape)} {expected.dtype}"
    if not (got.is_floating_point() or got.is_complex()):
        return "" if torch.equal(got, expected) else f"{_brief(got)}, not {_brief(expected)}"
    mine, theirs = _wide(got), _wide(expected)
    equal = (mine == theirs) | (mine.isnan() & theirs.isnan())
    near = mine.isfinite() & theirs.isfinite() & ((mine - theirs).abs() <= bound)
    return "" if bool((equal | near).all()) else f"{_brief(got)}, not {_brief(expected)}"


def largest(t: Tensor) -> float:
    """The largest finite magnitude in a tensor."""
    magnitudes = _wide(t).abs()
    finite = magnitudes[magnitudes.isfinite()]
    return float(finite.max()) if finite.numel() else 0.0


def _outcome(got: Outcome, expected: Outcome, bounds: Sequence[Bound] | None, rtol: float) -> Iterator[str]:
    if got.error != expected.error:
        yield f"raised {got.error}, not {expected.error}"
    if _flat(got.state) != _flat(expected.state):
        yield f"left the outside as {_flat(got.state)}, not {_flat(expected.state)}"
    for i, (mine, theirs) in enumerate(zip(got.inputs, expected.inputs)):
        if unlike(mine, theirs, 0.0):
            yield f"left input {i} as {_brief(mine)}, not {_brief(theirs)}"
    if got.error or expected.error:
        return
    if got.classes != expected.classes:
        yield f"a carry of {got.classes}, not {expected.classes}"
    losses = expected.losses if expected.losses.numel() else got.losses  # of no steps nobody knows the dtype
    pairs = [("losses", got.losses, losses)] + [(path, mine, leaf) for (_, mine), (path, leaf) in zip(got.carry, expected.carry)]
    for i, (path, mine, theirs) in enumerate(pairs):
        words = unlike(mine, theirs, rtol * largest(theirs) if bounds is None else bounds[i])
        if words:
            yield f"{path or 'carry'}: {words}"


def _flat(state: object) -> object:
    if isinstance(state, list):
        return [_flat(part) for part in state]
    if isinstance(state, Tensor):  # that of a generator is 5,056 bytes
        return state.shape, state.dtype, str(state.tolist()) if state.numel() < 100 else zlib.crc32(str(state.tolist()).encode())
    return state


def _wide(t: Tensor) -> Tensor:
    return t if t.is_complex() else t.double()


def _brief(t: Tensor) -> str:
    numbers = t.flatten().tolist()
    return f"{numbers[:8]}{'..' if len(numbers) > 8 else ''}"
