"""Training that was saved goes on to the same bits; what is damaged, newer or of something else is refused in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Generator, Tensor, nn

from pure_mlp import (
    Layer,
    Linear,
    Optimizer,
    chain,
    clip_by_global_norm,
    fit,
    leaky_relu,
    linear,
    load,
    mlp,
    mse,
    record,
    relu,
    residual,
    rmsprop,
    save,
    serial,
    sgd,
    tanh,
    training_step,
    tree_items,
    tree_leaves,
    tree_map,
)
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.saving.packing import pack, unpack
from pure_mlp.saving.store import FORMAT

X = torch.randn(30, 3, generator=Generator().manual_seed(1))
Y = X.sum(1, keepdim=True).tanh()


@record
@attrs.frozen(eq=False)
class Pair:
    first: Tensor
    second: object


class Named(NamedTuple):
    a: Tensor
    b: Tensor


def same(a: object, b: object) -> bool:
    leaves = zip(tree_leaves(a), tree_leaves(b), strict=True)
    return all(s.dtype == t.dtype and s.shape == t.shape and s.equal(t) for s, t in leaves)


def zeros(tree: object) -> object:
    return tree_map(torch.zeros_like, tree)


@pytest.mark.parametrize(
    "tree",
    [
        torch.ones(2, 3),
        (),
        (Linear(torch.randn(2, 3), torch.randn(2)), (), [torch.tensor(7)]),
        Pair(torch.ones(0, 4), Named(torch.arange(3), torch.ones(2, dtype=torch.bool))),
        {"b": torch.randn(3).to(torch.bfloat16), "a": (torch.ones(1, dtype=torch.uint8), torch.randn((), dtype=torch.float64))},
        (torch.randn(4, 6).t(), torch.randn(5)[::2], torch.ones(1).expand(3, 2), torch.tensor([torch.nan, torch.inf, -0.0])),
        tuple(torch.ones(3).to(dtype) for dtype in (torch.float16, torch.int32, torch.int16, torch.int8)),
    ],
    ids=["tensor", "nothing", "params", "records", "dict", "layouts", "dtypes"],
)
def test_a_tree_comes_back_to_the_bit_in_its_classes(tree: object, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save(path, tree)
    found = load(path, zeros(tree)).tree
    assert type(found) is type(tree)
    assert [name for name, _ in tree_items(found)] == [name for name, _ in tree_items(tree)]
    bits = [[t.contiguous().view(torch.uint8).tolist() for t in tree_leaves(x) if t.dim()] for x in (found, tree)]
    assert bits[0] == bits[1]
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_other_programs_read_the_tensors_by_their_paths(tmp_path: Path) -> None:
    net, params = mlp((3, 4, 1), Generator().manual_seed(0))
    tree = (params, torch.ones(3, dtype=torch.bfloat16), torch.ones(0, 2), torch.tensor(True))
    save(tmp_path / "a.safetensors", tree, net=net, metadata={"lr": 0.1, "Länge": None})
    theirs = load_file(tmp_path / "a.safetensors")
    assert {name: (t.dtype, t.tolist()) for name, t in theirs.items()} == {n: (t.dtype, t.tolist()) for n, t in tree_items(tree)}
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["pure_mlp"])["metadata"] == {"lr": 0.1, "Länge": None}
    save(tmp_path / "b.safetensors", params)
    module = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 1)])
    module.load_state_dict(load_file(tmp_path / "b.safetensors"))


OPTIMIZERS: dict[str, Optimizer] = {
    **{name: row.make(row.rate) for name, row in OPTIMIZER_ROWS.items()},
    "momentum": sgd(0.05, momentum=0.9),
    "chain": chain(clip_by_global_norm(1.0), rmsprop(0.01)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    (net, params), optimizer, path = mlp((3, 4, 1), Generator().manual_seed(0)), OPTIMIZERS[name], tmp_path / "a.safetensors"
    step, start, g = training_step(net, mse, optimizer), (params, optimizer.init(params)), Generator().manual_seed(3)
    saved = [
        fit(step, start, (X, Y), epochs=5, batch=8, generator=g, callbacks=[
            lambda epoch: save(path, epoch.carry, net=net, generator=g, step=epoch.number) if epoch.number == 2 else None
        ])
    ]  # fmt: skip
    found = load(path, start, net=net)
    assert found.generator is not None
    assert (found.step, found.metadata) == (2, {})
    rest = fit(step, found.tree, (X, Y), epochs=5 - found.step, batch=8, generator=found.generator)
    assert same(rest[0], saved[0][0])
    assert [epoch.loss for epoch in rest[1]] == [epoch.loss for epoch in saved[0][1]][2:]
    assert found.generator.get_state().equal(g.get_state())


def test_loading_changes_and_shares_nothing(tmp_path: Path) -> None:
    params = Linear(torch.zeros(2, 3), torch.zeros(2))
    save(tmp_path / "a", tree_map(torch.ones_like, params))
    before = (tmp_path / "a").read_bytes()
    found = load(tmp_path / "a", params)
    found.tree.weight.zero_()
    assert load(tmp_path / "a", params).tree.weight.sum() == 6
    assert found.generator is None
    assert params.bias.sum() == 0
    assert (tmp_path / "a").read_bytes() == before


def test_what_is_not_the_same_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    net, params = serial(linear, leaky_relu(0.1)), (Linear(torch.ones(2, 3), torch.ones(2)), ())
    save(path, params, net=net)
    nets: list[tuple[Layer[Any, Any], str]] = [
        (serial(linear, leaky_relu(0.2)), "leaky_relu(0.1) where leaky_relu(0.2) is expected"),
        (serial(linear, tanh), "leaky_relu(0.1) where tanh is expected"),
        (serial(linear, leaky_relu(0.1), relu), "nothing where relu is expected"),
        (residual(net), "serial where residual is expected"),
    ]
    for other, said in nets:
        with pytest.raises(ValueError, match="of another net") as caught:
            load(path, params, net=other)
        assert str(caught.value) == f"{path}: of another net: {said}"
    trees: list[tuple[object, str]] = [
        ((Linear(torch.ones(2, 4), torch.ones(2)), ()), "0.weight is (2, 3) float32, expected (2, 4) float32"),
        (tree_map(torch.Tensor.double, params), "0.weight is (2, 3) float32, expected (2, 3) float64"),
        ((params[0], torch.ones(1)), "1 is not in it, expected (1,) float32"),
        ((Named(torch.ones(2), torch.ones(2)), ()), "0.a is not in it, expected (2,) float32"),
        (({"bias": torch.ones(2)}, ()), "0.weight is in it, expected no such tensor"),
    ]
    for tree, said in trees:
        with pytest.raises(ValueError, match="of another tree") as caught:
            load(path, tree)
        assert str(caught.value) == f"{path}: of another tree: {said}"
    save(path, params)
    with pytest.raises(ValueError, match=r"of another net: no net where serial is expected$"):
        load(path, params, net=net)
    assert same(load(path, params).tree, params)


@pytest.mark.parametrize("cut", [0, 4, 8, 9, 100, -200, -4, -1])
def test_a_file_that_is_cut_short_is_refused(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    save(path, torch.ones(100))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"not a file that pure_mlp wrote, or damaged since \(cut short\)$"):
        load(path, torch.ones(100))


def test_a_flipped_bit_is_noticed_or_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save(path, torch.ones(3))
    whole = path.read_bytes()
    noticed = 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            assert load(path, torch.zeros(3)).tree.tolist() == [1, 1, 1]
        except ValueError as error:
            noticed += "damaged since" in str(error)
    assert noticed > len(whole) - 20  # the blanks between the parts of the header mean nothing


def test_what_is_newer_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pack({"": torch.ones(1)}, json.dumps({"format": FORMAT + 1, "kind": "a checkpoint of pure_mlp.save"})))
    with pytest.raises(ValueError, match=f"a: format {FORMAT + 1}, this version reads {FORMAT}; a newer pure_mlp wrote it"):
        load(path, torch.ones(1))
    path.write_bytes(pack({}, "[]"))
    with pytest.raises(ValueError, match=r"a: not a file that pure_mlp wrote \(TypeError\)"):
        load(path, torch.ones(1))


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ((torch.ones(1), None), "save: a NoneType at 1: trees are tensors, and tuples, lists, dicts and records of trees"),
        ({"a": {"b": torch.ones(1)}, "a.b": torch.ones(1)}, "save: two tensors with the same path, expected a tree of tensors"),
        ((torch.ones(1, dtype=torch.complex64),), "tensor '0' of complex64, Tensor: a safetensors file cannot hold it"),
        ((torch.ones(2).to_sparse(),), "tensor '0' of float32, Tensor: a safetensors file cannot hold it"),
    ],
    ids=["none", "paths", "complex", "sparse"],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(tree: object, said: str, tmp_path: Path) -> None:
    save(tmp_path / "a", torch.ones(2))
    with pytest.raises(ValueError, match=r"trees? (of|are) tensors|cannot hold it") as caught:
        save(tmp_path / "a", tree)
    assert str(caught.value) == said
    with pytest.raises(ValueError, match="metadata that JSON cannot hold: Object of type"):
        save(tmp_path / "a", torch.ones(1), metadata={"x": torch.ones(1)})
    assert load(tmp_path / "a", torch.zeros(2)).tree.sum() == 2


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a", torch.ones(2))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        save(tmp_path / "a", torch.zeros(2))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert load(tmp_path / "a", torch.zeros(2)).tree.sum() == 2


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 of POSIX")
def test_killed_while_it_saves_the_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    writes = (
        "import itertools, torch; from pure_mlp import save\n"
        "for i in itertools.count(): save('a', (torch.full((100_000,), float(i)), torch.tensor(i))); i or print(flush=True)\n"
    )
    for wait in (0, 300_000):
        with subprocess.Popen([sys.executable, "-c", writes], cwd=tmp_path, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            sum(range(wait * 10))
            writer.kill()
        filled, i = load(tmp_path / "a", (torch.zeros(100_000), torch.tensor(0))).tree
        assert (filled == i).all()
    save(tmp_path / "a", torch.ones(1))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_the_widest_come_first_so_that_all_are_aligned() -> None:
    tensors = {"a": torch.ones(3, dtype=torch.bool), "b": torch.ones(2, dtype=torch.float64), "c": torch.ones(1)}
    content = pack(tensors, "")
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    assert start % 8 == 0
    assert [header[name]["data_offsets"][0] % t.itemsize for name, t in tensors.items()] == [0, 0, 0]
    assert same(unpack(content)[0], tensors)
