"""Whole numbers into a net: what is refused, what the engines make of it, and its cousin in torch.nn."""

from __future__ import annotations

import pytest
import torch
from examples import CASES
from nets import bits
from planned import stepped
from torch import Tensor, nn

import pure_mlp as pm
from pure_mlp import Embedding, Engine, embedding, from_torch, to_torch, tree_leaves

NET, PARAMS, X, Y, _ = CASES["words, several an example"]


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.tensor([4, 5]), "input from 4 to 5, the weight of this embedding has the rows 0 to 4"),
        (torch.tensor([-1]), "input from -1 to -1, the weight"),
        (torch.tensor([1.0]), r"input \(1,\) float32, expected whole numbers to look up in an embedding: int64"),
        (torch.tensor([True]), r"input \(1,\) bool, expected whole numbers"),
    ],
)
def test_what_has_no_row_is_refused_with_the_place_of_the_layer(x: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=r"layer 0 \(embedding\): " + said):
        NET.fwd(PARAMS, x)


def test_int32_and_no_numbers_at_all() -> None:
    y = NET.fwd(PARAMS, X)[0]
    assert bits(NET.fwd(PARAMS, X.int())[0]) == bits(y)
    assert bits(embedding.bwd(PARAMS[0], X.int(), torch.ones(2, 3, 4).double())[1]) == bits(
        embedding.bwd(PARAMS[0], X, torch.ones(2, 3, 4).double())[1]
    )
    assert NET.fwd(PARAMS, X[:0])[0].shape == (0, 3, 2)


def test_there_and_back_to_torch_to_the_bit() -> None:
    module = to_torch(NET, PARAMS)
    y = NET.fwd(PARAMS, X)[0]
    assert bits(module(X).detach()) == bits(y) == bits(from_torch(module)[0].fwd(from_torch(module)[1], X)[0])
    assert next(iter(module.state_dict())) == "0.weight"
    with pytest.raises(ValueError, match=r"the module is Embedding\(3, 2, padding_idx=0\), which has no layer here"):
        from_torch(nn.Embedding(3, 2, padding_idx=0))


@pytest.mark.parametrize("engine", ["plan", "native"])
def test_every_engine_makes_the_same_steps_and_the_same_refusal(engine: Engine) -> None:
    optimizer = pm.sgd(0.5, momentum=0.9)
    step, start = pm.training_step(NET, pm.mse, optimizer), (PARAMS, optimizer.init(PARAMS))
    batches = [(X, Y), (X.flip(0), Y), (X.mT.contiguous().mT, Y)]
    planned = stepped(step, start, batches, engine)
    before = tree_leaves(planned.carry())
    with pytest.raises(ValueError, match="input from 0 to 7, the weight of this embedding has the rows 0 to 4"):
        planned.step((X + torch.tensor([0, 0, 3]), Y))
    assert all(map(torch.equal, tree_leaves(planned.carry()), before))


def test_drawn_weights_are_those_of_torch() -> None:
    g = torch.Generator().manual_seed(0)
    weight = pm.embedding_init(5, 4, torch.Generator().manual_seed(0)).weight
    assert torch.equal(weight, torch.randn(5, 4, generator=g))
    assert isinstance(PARAMS[0], Embedding)
    with pytest.raises(ValueError, match=r"init gives \(\) to embedding, which has params of its own"):
        pm.init(NET, (X, 2), g)


def test_a_number_without_a_row_in_an_ensemble() -> None:
    with pytest.raises(ValueError, match=r"no row of the weight \(5, 3\) float32"):
        pm.ensemble(pm.embedding).fwd(Embedding(torch.ones(2, 5, 3)), torch.full((2, 4), 7))
