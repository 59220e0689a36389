"""Records inside torch: compiled, vectorised, exported, saved; params and the state of every optimizer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from optimizers import OPTIMIZERS
from torch import Generator, Tensor
from torch.func import vmap
from tracing import traces_records

from pure_mlp import (
    Linear,
    Optimizer,
    adam,
    adamw,
    chain,
    clip_by_global_norm,
    clip_by_value,
    cosine,
    cross_entropy,
    linear,
    linear_bottom,
    linear_init,
    mlp,
    mse,
    parallel,
    relu,
    remat,
    residual,
    serial,
    sgd,
    sigmoid,
    training_step,
    tree_items,
    tree_leaves,
    tree_like,
    tree_map,
    warmup,
)
from pure_mlp.record import children

MEMORIES: dict[str, Optimizer] = {name: row.make(0.05) for name, row in OPTIMIZERS.items()} | {
    "scheduled": sgd(warmup(cosine(0.1, 10), 3), 0.9),
    "chain": chain(clip_by_global_norm(0.1), clip_by_value(0.05), adamw(cosine(0.1, 10))),
}
BACKENDS = ["eager", "aot_eager"]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    torch.compiler.reset()


def affine(n_in: int, n_out: int, seed: int = 0) -> Linear:
    return linear_init(n_in, n_out, Generator().manual_seed(seed), torch.float64)


NET = serial(linear_bottom, relu, remat(residual(serial(linear, sigmoid))), parallel(linear, linear))
PARAMS = (affine(3, 4), (), (affine(4, 4, 1), ()), (affine(4, 2, 2), affine(4, 1, 3)))
X = torch.randn(6, 3, generator=Generator().manual_seed(4), dtype=torch.float64)


def stepper(optimizer: Optimizer) -> tuple[Callable[..., Any], Any]:
    """A training step of a deep net whose params nest, and a carry whose state is no longer zero."""
    step = training_step(NET, mse, optimizer)
    return step, step((PARAMS, optimizer.init(PARAMS)), (X, X))[0]


def kinds(tree: object) -> list[type]:
    """The types of a tree's nodes, in order."""
    return [type(tree)] + [kind for _, child in children(tree) or [] for kind in kinds(child)]


def same(a: object, b: object) -> bool:
    leaves = zip(tree_leaves(a), tree_leaves(b), strict=True)
    return kinds(a) == kinds(b) and all(x.dtype == y.dtype and torch.equal(x, y) for x, y in leaves)


@traces_records
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_graph_constructs_params(backend: str) -> None:
    def build(w: Tensor, b: Tensor) -> tuple[Linear, tuple[()], tuple[Linear, tuple[Linear]]]:
        layer = Linear(w + 1, bias=b)
        return layer, (), (attrs.evolve(layer, bias=b + 1), (tree_map(torch.neg, layer),))

    w, b = torch.ones(2, 3), torch.zeros(2)
    assert same(torch.compile(build, fullgraph=True, backend=backend)(w, b), build(w, b))


@traces_records
@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("name", MEMORIES)
def test_a_graph_constructs_the_state_and_runs_the_step(name: str, backend: str) -> None:
    step, carry = stepper(MEMORIES[name])

    def two(carry: Any, x: Tensor) -> Any:
        started = step((carry[0], MEMORIES[name].init(carry[0])), (x, x))
        return started, step(carry, (x, x))

    compiled = torch.compile(two, fullgraph=True, backend=backend)(carry, X)
    expected = two(carry, X)
    assert kinds(compiled) == kinds(expected)
    torch.testing.assert_close(tree_leaves(compiled), tree_leaves(expected), atol=1e-12, rtol=0)


@traces_records
def test_five_compiled_steps_compile_once() -> None:
    step, carry = stepper(adam(0.05))
    counter = torch._dynamo.testing.CompileCounter()
    compiled = torch.compile(step, fullgraph=True, backend=counter)
    for _ in range(5):
        carry, _ = compiled(carry, (X, X))
    assert counter.frame_count == 1


@pytest.mark.parametrize("name", MEMORIES)
def test_vmap_of_the_training_step_trains_every_member(name: str) -> None:
    step, carry = stepper(MEMORIES[name])
    first = (carry, (X, X))
    members = [first, tree_map(lambda t: 1.125 * t, first), tree_map(lambda t: 1.25 * t, first)]
    stacked = tree_map(lambda *ts: torch.stack(ts), *members)
    together = vmap(step)(*stacked)
    for i, (one, batch) in enumerate(members):
        alone = step(one, batch)
        assert kinds(together) == kinds(alone)
        torch.testing.assert_close([t[i] for t in tree_leaves(together)], tree_leaves(alone), atol=1e-12, rtol=0)


def test_vmap_of_a_perceptron_with_cross_entropy() -> None:
    drawn = [mlp((3, 8, 4), Generator().manual_seed(seed), dtype=torch.float64) for seed in range(3)]
    step, labels = training_step(drawn[0][0], cross_entropy, adam(0.05)), torch.tensor([0, 1, 2, 3, 0, 1])
    members = [(params, adam(0.05).init(params)) for _, params in drawn]
    stacked = tree_map(lambda *ts: torch.stack(ts), *members)
    together = vmap(step, in_dims=(0, None))(stacked, (X, labels))
    for i, one in enumerate(members):
        torch.testing.assert_close([t[i] for t in tree_leaves(together)], tree_leaves(step(one, (X, labels))), atol=1e-12, rtol=0)


class Program(torch.nn.Module):
    """What torch.export takes: a module without parameters around a pure step."""

    def __init__(self, step: Callable[..., Any]) -> None:
        super().__init__()
        self.step = step

    def forward(self, carry: Any, x: Tensor) -> Any:
        return self.step(carry, (x, x))


@traces_records
@pytest.mark.parametrize("name", ["sgd", "adam", "chain"])
def test_an_exported_step_is_saved_loaded_and_run(name: str, tmp_path: Path) -> None:
    step, carry = stepper(MEMORIES[name])
    torch.export.save(torch.export.export(Program(step), (carry, X)), tmp_path / "step.pt2")
    loaded = torch.export.load(tmp_path / "step.pt2").module()(carry, X)
    expected = step(carry, (X, X))
    assert kinds(loaded) == kinds(expected)
    torch.testing.assert_close(tree_leaves(loaded), tree_leaves(expected), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", MEMORIES)
def test_every_record_survives_saving_pickling_and_copying(name: str, tmp_path: Path) -> None:
    _, carry = stepper(MEMORIES[name])
    torch.save(carry, tmp_path / "carry.pt")
    assert same(torch.load(tmp_path / "carry.pt"), carry)
    assert same(pickle.loads(pickle.dumps(carry)), carry)
    copied = copy.deepcopy(carry)
    assert same(copied, carry)
    assert not {t.data_ptr() for t in tree_leaves(copied)} & {t.data_ptr() for t in tree_leaves(carry)}


@pytest.mark.parametrize("name", MEMORIES)
def test_safetensors_round_trip_by_the_names_of_the_leaves(name: str, tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="safetensors uses numpy")
    safetensors = pytest.importorskip("safetensors.torch")
    _, carry = stepper(MEMORIES[name])
    safetensors.save_file(dict(tree_items(carry)), tmp_path / "carry.safetensors")
    loaded = safetensors.load_file(tmp_path / "carry.safetensors")
    assert same(tree_like(carry, [loaded[key] for key, _ in tree_items(carry)]), carry)


def test_a_round_tripped_carry_trains_on_as_if_never_saved(tmp_path: Path) -> None:
    step, carry = stepper(adam(0.05))
    torch.save(carry, tmp_path / "carry.pt")
    assert same(step(torch.load(tmp_path / "carry.pt"), (X, X)), step(carry, (X, X)))
