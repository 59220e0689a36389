"""What `fold` keeps between calls, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import Engine, Plan, adam, fold, mlp, mse, tanh, training_step, tree_leaves

ENGINES: list[Engine] = ["pure", "plan"]
DATA = [
    (torch.randn(n, 3, generator=Generator().manual_seed(n)).double(), torch.zeros(n, 2, dtype=torch.float64)) for n in (4, 4, 3)
]


def start(sizes: tuple[int, ...] = (3, 5, 2), seed: int = 0) -> tuple[object, object]:
    net, params = mlp(sizes, Generator().manual_seed(seed), tanh, dtype=torch.float64)
    optimizer = adam(0.1)
    return training_step(net, mse, optimizer), (params, optimizer.init(params))


def equal(a: object, b: object) -> bool:
    return all(torch.equal(x, y) for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_calls_do_not_see_each_other(engine: Engine) -> None:
    step, carry = start()
    folded = fold(step, engine=engine)  # type: ignore[arg-type,var-annotated]  # start returns what fits together
    first = folded(carry, DATA)
    second = folded(carry, DATA)
    assert equal(first, second)
    third = folded(first[0], DATA)
    assert not equal(first[0], third[0])
    assert equal(first, second)
    whole = folded(carry, DATA * 2)
    assert equal(whole, (third[0], torch.cat((first[1], third[1]))))


def test_a_step_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    original = Plan.__init__

    def noted(self: Plan[object, object], *args: Any, **kwargs: Any) -> None:
        made.append(self)
        original(self, *args, **kwargs)

    monkeypatch.setattr(Plan, "__init__", noted)
    step, carry = start()
    folded = fold(step)  # type: ignore[arg-type,var-annotated]  # start returns what fits together
    folded(folded(carry, DATA)[0], DATA)
    assert len(made) == 1
    _, wider = start((3, 6, 2))
    folded(wider, DATA)
    assert len(made) == 2


def test_carries_of_other_structure_are_told_apart() -> None:
    def step(carry: tuple[Tensor, ...], x: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        return tuple(c + x for c in carry), x.sum()

    folded, one = fold(step), torch.ones(2)
    assert len(folded((one,), [one])[0]) == 1
    assert len(folded((one, one), [one])[0]) == 2
    assert folded((one.double(),), [one])[0][0].dtype == torch.float64
    assert folded((torch.ones(2, 2),), [one])[0][0].shape == (2, 2)


def test_a_call_inside_a_call() -> None:
    folded = fold(lambda w, x: (w + x, w.sum()))
    one = torch.ones(2)

    def supply() -> Iterator[Tensor]:
        yield one
        assert torch.equal(folded(torch.zeros(2), [one])[0], one)
        yield one

    assert torch.equal(folded(one, supply())[0], 3 * one)


def test_after_an_error_the_next_call_is_clean() -> None:
    folded = fold(lambda w, x: (w + x, w.sum()))
    one = torch.ones(2)

    def broken() -> Iterator[Tensor]:
        yield one
        raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        folded(one, broken())
    assert torch.equal(folded(one, [one])[0], 2 * one)
