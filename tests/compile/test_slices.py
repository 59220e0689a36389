"""Slices give what a list of the same batches gives, on every engine."""

from __future__ import annotations

import pytest
import torch
from natively import identical, needs_compiler
from torch import Generator, Tensor

import pure_mlp as pm

ENGINES = ["pure", "plan", pytest.param("native", marks=needs_compiler)]
COUNT = 300


def stacks() -> dict[str, tuple[Tensor, Tensor]]:
    """Stacks of 300 batches in several layouts."""
    g = Generator().manual_seed(0)
    x, y = torch.randn(COUNT, 5, 3, generator=g), torch.randn(COUNT, 5, 2, generator=g)
    return {
        "contiguous": (x, y),
        "batches last": (x.permute(1, 2, 0).contiguous().permute(2, 0, 1), y),
        "every second": (x.repeat(2, 1, 1)[::2], y),
        "one again and again": (x[:1].expand(COUNT, 5, 3), y),
        "column-major": (x.mT.contiguous().mT, y),
    }


def folded(batches: pm.Slices[tuple[Tensor, Tensor]] | list[tuple[Tensor, Tensor]], engine: pm.Engine) -> object:
    net, params = pm.mlp((3, 4, 2), Generator().manual_seed(1))
    optimizer = pm.adam()
    fold = pm.fold(pm.training_step(net, pm.mse, optimizer), engine=engine)
    return fold((params, optimizer.init(params)), batches)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", stacks())
def test_slices_are_the_batches_of_a_list(name: str, engine: pm.Engine) -> None:
    stack = stacks()[name]
    slices = pm.Slices(stack)
    listed = [*slices]
    assert all(identical(batch, (stack[0][i], stack[1][i])) for i, batch in enumerate(listed))
    assert identical(folded(slices, engine), folded(listed, engine))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [0, 1, 2, 131, COUNT - 1])
def test_what_a_slice_raises_is_raised_there(engine: pm.Engine, bad: int) -> None:
    """The first steps are compared with the pure step; later ones are made many at once."""

    def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        loss, dw = pm.bce(batch[1], w * batch[0])
        return w - 0.01 * dw.sum(), loss

    p = torch.full((COUNT, 4), 0.5)
    p[bad, 2] = 2.0
    fold = pm.fold(step, engine=engine)
    with pytest.raises(ValueError, match=r"^bce: y from .* to 2, expected probabilities in \[0, 1\]$"):
        fold(torch.tensor(0.5), pm.Slices((torch.ones(COUNT, 4), p)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 129, 130, 131])
def test_any_number_of_slices(engine: pm.Engine, count: int) -> None:
    x, y = (t[:count] for t in stacks()["contiguous"])
    assert identical(folded(pm.Slices((x, y)), engine), folded([*zip(x, y)], engine))


def test_what_is_no_stack_of_tensors_is_refused() -> None:
    for tree, said in [
        ((torch.ones(3), torch.ones(2)), "of one length along the first dimension"),
        ((torch.ones(3), torch.tensor(1.0)), r"Slices: leaf 1 is .*, expected a tensor of at least one dimension"),
        ((torch.ones(3), 1.0), "Slices: leaf 1 is .*, expected a tensor"),
        ((), "of one length along the first dimension"),
    ]:
        with pytest.raises(ValueError, match=said):
            pm.Slices(tree)
