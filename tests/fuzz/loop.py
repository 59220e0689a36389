"""The plain Python loop over a pure step, which is what every engine must equal, and what came out of either."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple

import attrs
import torch
from torch import Tensor

from pure_mlp import Engine, fold

Batches = Iterable[Any]


class Case(NamedTuple):
    """A step with what it is folded over.

    - step, carry: as `fold` takes them.
    - batches: a list, or a function that makes the iterable anew.
    - state: what the world outside is afterwards: states of generators, captured tensors, counters.
    - between: called after the first fold; then the same function is folded over the batches once more.
    """

    step: Callable[[Any, Any], tuple[Any, Tensor]]
    carry: Any
    batches: list[Any] | Callable[[], Batches]
    state: Callable[[], object] = lambda: ()
    between: Callable[[], object] | None = None

    def supply(self) -> Batches:
        """The batches of one fold."""
        return self.batches if isinstance(self.batches, list) else self.batches()


class Outcome(NamedTuple):
    """What came of a fold: everything in it is a copy."""

    carry: list[tuple[str, Tensor]]
    classes: object
    losses: Tensor
    error: tuple[type[BaseException], str] | None
    state: object
    inputs: list[Tensor]


class Ran(NamedTuple):
    """The folds of a case by one engine, and what it warned of."""

    outcomes: list[Outcome]
    warned: list[str]


def loop(case: Case) -> Ran:
    """The case by the plain loop. What the step warns of is the step's own business."""

    def folded(carry: Any, batches: Batches) -> tuple[Any, Tensor]:
        losses = []
        for batch in batches:
            carry, loss = case.step(carry, batch)
            losses.append(loss.detach().clone())
        return carry, torch.stack(losses) if losses else torch.zeros(0)

    return Ran([*_calls(case, folded)], [])


def by(case: Case, engine: Engine) -> Ran:
    """The case by `fold` on an engine."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcomes = [*_calls(case, fold(case.step, engine=engine))]
    return Ran(outcomes, [str(warning.message) for warning in caught if warning.category is RuntimeWarning])


def children(tree: object) -> list[tuple[str, object]] | None:
    """The named parts of a tuple, list, dict or record; None for a leaf."""
    if isinstance(tree, (tuple, list)):
        return [(str(i), child) for i, child in enumerate(tree)]
    if isinstance(tree, dict):
        return [(str(key), child) for key, child in tree.items()]
    kind: Any = type(tree)
    if attrs.has(kind):
        return [(name, getattr(tree, name)) for name in attrs.fields_dict(kind)]
    return None


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Copies of the tensors and numbers of a tree, these as tensors, with their paths."""
    for name, part in children(tree) or ():
        yield from leaves(part, f"{path}.{name}".lstrip("."))
    if isinstance(tree, Tensor):
        yield path, tree.detach().clone()
    elif isinstance(tree, (int, float)):
        yield path, torch.tensor(tree)


def classes(tree: object) -> object:
    """The classes of a tree's nodes."""
    parts = children(tree)
    return type(tree) if parts is None else (type(tree), [(name, classes(part)) for name, part in parts])


def _calls(case: Case, folded: Callable[[Any, Batches], tuple[Any, Tensor]]) -> Iterator[Outcome]:
    for call in count():
        supplied = case.supply()
        try:
            carry, losses = folded(case.carry, supplied)
            error = None
        except Exception as raised:
            carry, losses, error = (), torch.zeros(0), (type(raised), str(raised))
        inputs = [leaf for _, leaf in leaves((case.carry, supplied if isinstance(supplied, list) else ()))]
        yield Outcome([*leaves(carry)], classes(carry), losses, error, _copied(case.state()), inputs)
        if case.between is None or call:
            return
        case.between()


def _copied(state: object) -> object:
    if isinstance(state, (tuple, list)):
        return [_copied(part) for part in state]
    return state.detach().clone() if isinstance(state, Tensor) else state
