"""What holds for the processes of a mesh; run by `test_mesh.py` as a program, which forks them and prints a line for each law."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import started
from torch import Generator
from torch import distributed as dist
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

import pure_mlp.train.parallel
from pure_mlp import (
    Activation,
    Batch,
    Engine,
    Epoch,
    Loss,
    Mesh,
    Optimizer,
    adam,
    bce,
    bce_with_logits,
    chain,
    clip_by_global_norm,
    cross_entropy,
    fit,
    identity,
    init,
    layer_norm,
    linear,
    linear_bottom,
    mlp,
    mse,
    read_table,
    relu,
    residual,
    serial,
    sgd,
    sigmoid,
    squared_norm,
    tanh,
    training_step,
    tree_items,
    tree_leaves,
    tree_map,
    value_and_grad,
)
from pure_mlp.__main__ import main
from pure_mlp.cli import scores as scoring
from pure_mlp.cli.begin import begin
from pure_mlp.cli.model import Model
from pure_mlp.cli.params import load_model
from pure_mlp.cli.parser import parser
from pure_mlp.cli.prepared import Prepared
from pure_mlp.cli.request import setup_of
from pure_mlp.cli.scores import Tally, scores, tally
from pure_mlp.data.load import load
from pure_mlp.distributed.pairs import roles
from pure_mlp.distributed.world import everyones
from pure_mlp.installed import has
from pure_mlp.table.feed import Feed, Shares

ROWS, BATCH = 11, 5  # batches of 2 and 3 rows for two processes, and at the end of an epoch of none and one
MESHES = {"replicated": Mesh(dp=2), "sharded": Mesh(dp=2, sharded=True), "paired": Mesh(tp=2)}
LOSSES: dict[str, tuple[Loss, Activation]] = {
    "mse": (mse, identity),
    "sum": (partial(mse, reduction="sum"), identity),
    "bce": (bce, sigmoid),
    "cross_entropy": (partial(cross_entropy, ignore_index=1), identity),
}
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": sgd(0.1),
    "momentum": sgd(0.1, momentum=0.9),
    "adam": adam(0.01),
    "clipped": chain(clip_by_global_norm(0.05), sgd(1.0)),
}
Case = tuple[str, str, torch.dtype]
CASES: list[Case] = [(loss, optimizer, torch.float64) for loss in LOSSES for optimizer in OPTIMIZERS]
CASES += [("cross_entropy", "clipped", torch.float32), ("mse", "adam", torch.float32)]


def fitted(case: Case, mesh: Mesh | None = None, engine: Engine | None = "pure", rows: int = ROWS) -> tuple[Any, list[Epoch[Any]]]:
    (loss, last), optimizer, dtype = LOSSES[case[0]], OPTIMIZERS[case[1]], case[2]
    g = Generator().manual_seed(1)
    net, params = mlp((4, 5, 7, 3), g, tanh, last, dtype=dtype)
    x = torch.randn(rows, 4, generator=g, dtype=dtype)
    y = torch.randint(3, (rows,), generator=g) if case[0] == "cross_entropy" else torch.rand(rows, 3, generator=g, dtype=dtype)
    start = params, optimizer.init(params)
    return fit(training_step(net, loss, optimizer), start, (x, y), epochs=2, batch=BATCH, generator=g, engine=engine, mesh=mesh)


alone = cache(fitted)


def same(case: Case, mesh: Mesh | None, engine: Engine | None) -> None:
    carry, history = fitted(case, mesh, engine)
    expected, told = alone(case)
    limit = 1e-12 if case[2] == torch.float64 else 1e-6
    for a, b in zip(tree_leaves(carry), tree_leaves(expected), strict=True):
        torch.testing.assert_close(a, b, rtol=limit, atol=limit, msg=lambda said: f"{case} {engine}: {said}")
    for epoch, other in zip(history, told, strict=True):
        assert epoch.loss == pytest.approx(other.loss, rel=limit), (case, engine)


@contextmanager
def together() -> Iterator[None]:
    dist.init_process_group("gloo")
    yield
    dist.destroy_process_group()


def equal_to_one_process(mesh: Mesh, rank: int) -> None:
    with together():
        for i, case in enumerate(CASES):
            same(case, mesh, ("pure", None)[(i + i // len(OPTIMIZERS)) % 2])  # each loss and each optimizer with both


def equal_for_four_processes(rank: int) -> None:
    with together():
        for mesh in (Mesh(dp=2, tp=2), Mesh(dp=4, sharded=True)):
            same(("cross_entropy", "clipped", torch.float64), mesh, None)
            same(("sum", "adam", torch.float64), mesh, None)


def equal_for_layers_between(rank: int) -> None:
    """A pair inside of a residual layer, linear layers in no pair, params of other layers; and half precision."""
    g = Generator().manual_seed(0)
    block = residual(serial(linear, tanh, linear))
    for dtype, limit in ((torch.float64, 1e-12), (torch.bfloat16, 0.05)):
        net, params = init(serial(linear_bottom, layer_norm(), block, linear), (4, 6, 5, 6, 3), g, dtype=dtype)
        assert roles(net) == ["", "", "rows", "", "columns", ""]
        x, y = torch.randn(ROWS, 4, generator=g, dtype=dtype), torch.randn(ROWS, 3, generator=g, dtype=dtype)
        start = params, OPTIMIZERS["clipped"].init(params)
        step, data = training_step(net, mse, OPTIMIZERS["clipped"]), [(x[:8], y[:8]), (x[8:], y[8:])]
        expected, _ = fit(step, start, data, epochs=2, engine="pure")
        with together():
            for mesh in MESHES.values():
                carry, _ = fit(step, start, data, epochs=2, mesh=mesh)
                for a, b in zip(tree_leaves(carry), tree_leaves(expected), strict=True):
                    torch.testing.assert_close(a, b, rtol=limit, atol=limit)


def equal_where_no_row_counts(rank: int) -> None:
    """A process whose rows are all ignored, a batch in which every process's are, and a batch without rows."""
    net, params = mlp((4, 5, 3), Generator().manual_seed(0), dtype=torch.float64)
    x, optimizer = torch.randn(4, 4, generator=Generator().manual_seed(1), dtype=torch.float64), adam(0.1)
    data = [(x, torch.tensor(y)) for y in ([1, 1, 0, 2], [1, 1, 1, 1], [0, 2, 1, 1])] + [(x[:0], torch.tensor([0])[:0])]
    step, start = training_step(net, partial(cross_entropy, ignore_index=1), optimizer), (params, optimizer.init(params))
    expected, told = fit(step, start, data, epochs=2, engine="pure")
    with together():
        for mesh in MESHES.values():
            carry, history = fit(step, start, data, epochs=2, engine="pure", mesh=mesh)
            for a, b in zip(tree_leaves(carry), tree_leaves(expected), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
            assert [epoch.loss for epoch in history] == pytest.approx([epoch.loss for epoch in told], rel=1e-12)


def messages(mesh: Mesh, engine: Engine | None, case: Case = ("mse", "adam", torch.float64)) -> list[tuple[str, int]]:
    """What one process hands to `torch.distributed` in a step: calls, and numbers in each."""
    sent: list[tuple[str, int]] = []

    def noted(call: Callable[..., Any], *given: Any, **options: Any) -> Any:
        """The smaller of two tensors is this process's."""
        sent.append((call.__name__, min(t.numel() for t in given if isinstance(t, torch.Tensor))))
        return call(*given, **options)

    with pytest.MonkeyPatch.context() as patch:
        for call in (dist.all_reduce, dist.all_gather, dist.reduce_scatter):
            patch.setattr(dist, call.__name__, partial(noted, call))
        fitted(case, mesh, engine, rows=BATCH)
    return sent


def nothing_is_sent_twice(rank: int) -> None:
    """Calls and numbers are the least there can be: the gradients, J and the count once; of parts, a part for all."""
    params = 4 * 5 + 5 + 5 * 7 + 7 + 7 * 3 + 3
    part = 3 * 4 + 3 + 4 * 5 + 4 + 2 * 7 + 2  # of rows: 5, 7 and 3 in two parts
    begin = [("all_reduce", 2)]  # whether all begin with the same
    end = [("all_gather", part)] * 3  # params and both moments, once an epoch
    scattered = [("all_gather", part), ("reduce_scatter", 2 + part)]
    forward = [("all_reduce", BATCH * 7)]  # the first two layers are a pair; below it there is no dx
    norm = [("all_reduce", 2)]
    with together():
        for engine in ("pure", None):
            assert messages(MESHES["replicated"], engine) == begin + 2 * [("all_reduce", 2 + params)]
            assert messages(MESHES["sharded"], engine) == begin + 2 * (scattered + end)
        clipped = ("mse", "clipped", torch.float64)
        assert messages(MESHES["sharded"], None, clipped) == begin + 2 * (scattered + norm + end[:1])
        cut = 3 * 4 + 3 + 7 * 3
        assert messages(MESHES["paired"], None, clipped) == begin + 2 * (forward + norm + [("all_gather", cut)])


def buckets_leave_while_the_pass_goes_on(rank: int) -> None:
    with together(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(pure_mlp.train.parallel, "_BUCKET", 1)
        sizes = [2, 7 * 3 + 3, 5 * 7 + 7, 4 * 5 + 5]  # J and the count, then the layers from the last to the first
        assert messages(MESHES["replicated"], "pure") == [("all_reduce", 2)] + 2 * [("all_reduce", n) for n in sizes]
        same(("mse", "adam", torch.float64), MESHES["replicated"], "pure")


def other_beginnings_are_refused(rank: int) -> None:
    net, params = mlp((2, 1), Generator().manual_seed(rank))
    start, data = (params, sgd(0.1).init(params)), [(torch.ones(2, 2), torch.ones(2, 1))]
    with together():
        with pytest.raises(ValueError, match="mesh dp=2: the processes begin with different params"):
            fit(training_step(net, mse, sgd(0.1)), start, data, epochs=1, mesh=Mesh(dp=2))
        with pytest.raises(ValueError, match="mesh dp=3 needs 3 processes, there are 2"):
            fit(training_step(net, mse, sgd(0.1)), start, data, epochs=1, mesh=Mesh(dp=3))
        with pytest.raises(ValueError, match="takes a step made by training_step apart, got function"):
            fit(lambda carry, batch: (carry, batch[0].sum()), start, data, epochs=1, mesh=Mesh(dp=2))


def rules_of_others_are_refused_on_parts(rank: int) -> None:
    """They may mix the numbers of a tensor, of which each process has some."""
    net, params = mlp((2, 4, 1), Generator().manual_seed(0))
    normed = Optimizer(0, 0, lambda leaves: leaves._replace(grads=[g / g.norm() for g in leaves.grads]))
    step, start = training_step(net, mse, chain(normed, sgd(0.1))), (params, chain(normed, sgd(0.1)).init(params))
    data = [(torch.ones(2, 2), torch.ones(2, 1))]
    with together():
        for name in ("sharded", "paired"):
            with pytest.raises(ValueError, match=r"an optimizer of \w+: on params in parts only those of pure_mlp are known"):
                fit(step, start, data, epochs=1, mesh=MESHES[name])
        carry, _ = fit(step, start, data, epochs=1, mesh=MESHES["replicated"])
        for a, b in zip(tree_leaves(carry), tree_leaves(fit(step, start, data, epochs=1)[0]), strict=True):
            torch.testing.assert_close(a, b)


def one_that_fails_ends_all(rank: int) -> None:
    """The others wait for it until it is gone."""
    net, params = mlp((2, 3), Generator().manual_seed(0))
    start, data = (params, sgd(0.1).init(params)), [(torch.ones(2, 2), torch.tensor([0, 7]))]
    with together():
        fit(training_step(net, cross_entropy, sgd(0.1)), start, data, epochs=1, mesh=Mesh(dp=2))


class Wide:
    """Batches in float64."""

    def __init__(self, batches: Shares | Feed) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Batch]:
        return ((x.double(), y.double()) for x, y in self.batches)

    def share(self, place: int, of: int) -> Wide:
        assert isinstance(self.batches, Shares)
        return Wide(self.batches.share(place, of))


def each_process_reads_its_own_rows(rank: int) -> None:
    """The result is that of one process with the batches of all, though some processes have fewer batches, or none."""
    if has("pyarrow"):
        with together():
            for rows in (1, 4, ROWS):
                reads_its_own_rows(rows)


def reads_its_own_rows(rows: int) -> None:
    columns = {"a": [*range(rows)], "b": [i * 7 % 5 for i in range(rows)], "c": [i * 3 % 4 / 4 for i in range(rows)]}
    shares = Wide(read_table(columns, "c", task="regression", test=0.0).shares(BATCH))
    net, params = mlp((2, 5, 4, 1), Generator().manual_seed(0), tanh, dtype=torch.float64)
    start = params, OPTIMIZERS["adam"].init(params)
    for name, loss in (("replicated", mse), ("sharded", mse), ("paired", mse), ("replicated", partial(mse, reduction="sum"))):
        mesh, step = MESHES[name], training_step(net, loss, OPTIMIZERS["adam"])
        own = [[*shares.share(place, mesh.dp)] for place in range(mesh.dp)]
        assert sum(len(x) for batches in own for x, _ in batches) == rows
        every = [[batch for batch in several if batch] for several in zip_longest(*own)]
        joined = [(torch.cat([x for x, _ in several]), torch.cat([y for _, y in several])) for several in every]
        expected, told = fit(step, start, joined, epochs=2, engine="pure")
        carry, history = fit(step, start, shares, epochs=2, mesh=mesh)
        for a, b in zip(tree_leaves(carry), tree_leaves(expected), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
        assert [epoch.loss for epoch in history] == pytest.approx([epoch.loss for epoch in told], rel=1e-12)


def every_row_is_scored_once(rank: int) -> None:
    """By one process or another, whatever the number of rows; and all get the scores that one alone would."""
    with together():
        for name in ("diabetes", "breast_cancer"):
            data = load(name)
            model, parts, _ = begin(setup_of(parser().parse_args(["train", name, "--hidden", "5"]), data), data)
            whole = parts["test"]
            assert isinstance(whole, Prepared)
            for rows in (whole.size, 7, 1):
                scored_once(model, whole.rows(slice(0, rows)))


def scored_once(model: Model, examples: Prepared) -> None:
    own: list[int] = []

    def noted(model: Model, piece: Prepared) -> Tally:
        own.append(piece.size)
        return tally(model, piece)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "tally", noted)
        shared = scores(model, examples, together=True)
    assert sum(everyones(own)) == examples.size
    alone = scores(model, examples)
    assert (shared.examples, shared.confusion, shared.accuracy) == (alone.examples, alone.confusion, alone.accuracy)
    for a, b in ((shared.loss, alone.loss), (shared.rmse, alone.rmse), (shared.r2, alone.r2)):
        assert a == b is None or a == pytest.approx(b, rel=1e-6)


def the_command_is_that_of_one_process(rank: int) -> None:
    """And the first of two processes alone prints and writes."""
    same_command(rank, "diabetes", [])


def the_command_on_a_table_is_that_of_one_process(rank: int) -> None:
    if has("pyarrow"):
        rows = [(i % 7, "ab"[i % 3 % 2], i * 5 % 11 / 2) for i in range(100)]
        with tempfile.TemporaryDirectory() as place:
            path, same = Path(place, "table.csv"), Path(place, "table.parquet")
            path.write_text("\n".join(["x,kind,y", *(f"{x},{kind},{y}" for x, kind, y in rows)]))
            columns = import_module("pyarrow").table(dict(zip(("x", "kind", "y"), map(list, zip(*rows)))))
            import_module("pyarrow.parquet").write_table(columns, same, row_group_size=30)
            same_command(rank, str(path), ["--target", "y", "--task", "regression", "--embed", "kind"], str(same))


def same_command(rank: int, data: str, more: list[str], of_all: str = "") -> None:
    """of_all: the data of the mesh, where they are in another file."""
    flags = [*more, "--hidden", "6", "--epochs", "2", "--val", "0.1", "--batch", "15"]
    with (
        tempfile.TemporaryDirectory() as place,
        redirect_stdout(io.StringIO()) as printed,
        redirect_stderr(io.StringIO()),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("pure_mlp.cli.train.draw_curves", lambda *_: False)
        out, other = Path(place, "mesh"), Path(place, "alone")
        assert main(["train", of_all or data, *flags, "--mesh", "dp=2", "--out", str(out)]) == 0
        assert bool(printed.getvalue()) == out.exists() == (rank == 0)
        if rank == 0:
            assert main(["train", data, *flags, "--out", str(other)]) == 0
            for a, b in zip(tree_leaves(load_model(out).params), tree_leaves(load_model(other).params), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
            told, alone = (json.loads((folder / "metrics.json").read_text())["metrics"] for folder in (out, other))
            assert {part: found["examples"] for part, found in told.items()} == {part: s["examples"] for part, s in alone.items()}
            assert [found["rmse"] for found in told.values()] == pytest.approx([s["rmse"] for s in alone.values()], rel=1e-5)


def one_that_ends_is_said_in_a_line(rank: int) -> None:
    def ended(*_: object) -> None:
        raise ZeroDivisionError

    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said, pytest.MonkeyPatch.context() as patch:
        flags = ["train", "diabetes", "--hidden", "6", "--epochs", "2", "--mesh", "dp=2"]
        if rank == 1:
            patch.setattr(pure_mlp.train.parallel.ParallelFolding, "_step", ended)
            with pytest.raises(ZeroDivisionError):
                main(flags)
        else:
            assert main(flags) == 2
            assert said.getvalue() == (
                "pure-mlp train: another process of the mesh dp=2 has ended; torchrun names it, with its exit code, below\n"
            )


def the_script_of_the_manual_runs(rank: int) -> None:
    text = (Path(pure_mlp.__file__).parent / "docs" / "distributed.md").read_text("utf-8")
    [script] = re.findall(r"^```py\n(import torch.*?)^```$", text, re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory() as place, redirect_stdout(io.StringIO()) as printed:
        os.chdir(place)
        exec(compile(script, "script", "exec"), {"__name__": "__main__"})
    assert bool(printed.getvalue()) == (rank == 0)


def placements_are_kept() -> None:
    """Of params and state that come as DTensors, whatever the mesh does with them."""
    net, params = mlp((4, 5, 3), Generator().manual_seed(0), dtype=torch.float64)
    x, y = torch.randn(6, 4, dtype=torch.float64, generator=Generator().manual_seed(1)), torch.ones(6, 3, dtype=torch.float64)
    step, optimizer = training_step(net, mse, adam(0.1)), adam(0.1)
    expected, _ = fit(step, (params, optimizer.init(params)), [(x, y)], epochs=3)
    place = init_device_mesh("cpu", (2,))
    cut = tree_map(lambda t: distribute_tensor(t, place, [Shard(0)]), params)
    for mesh in MESHES.values():
        carry, _ = fit(step, (cut, optimizer.init(cut)), [(x, y)], epochs=3, mesh=mesh)
        for a, b in zip(tree_leaves(carry), tree_leaves(expected), strict=True):
            assert not b.dim() or (isinstance(a, DTensor) and a.placements == (Shard(0),))
            torch.testing.assert_close(a.full_tensor() if isinstance(a, DTensor) else a, b, rtol=1e-12, atol=1e-12)
    if has("numpy"):
        parts_are_saved(carry)


def parts_are_saved(carry: Any) -> None:
    """By `torch.distributed.checkpoint`, which needs numpy, each process its own."""
    kept, empty = dict(tree_items(carry)), dict(tree_items(tree_map(torch.zeros_like, carry)))
    place = everyones([tempfile.mkdtemp()] if dist.get_rank() == 0 else [])[0]
    try:
        state_dict_saver.save(kept, checkpoint_id=place)
        state_dict_loader.load(empty, checkpoint_id=place)
        assert len([*Path(place).glob("*.distcp")]) == 2
        for name, t in kept.items():
            assert type(empty[name]) is type(t)
            assert (empty[name] == t).all()
    finally:
        dist.barrier()
        shutil.rmtree(place, ignore_errors=True)


def dtensors_are_tensors(rank: int) -> None:
    """Pure functions take tensors that are sharded over the batch, and `fit` params that are in any way."""
    g = Generator().manual_seed(0)
    net, params = mlp((6, 8, 4), g, relu, dtype=torch.float64)
    x, y = (torch.rand(10, n, generator=g, dtype=torch.float64) for n in (6, 4))
    with together():
        place = init_device_mesh("cpu", (2,))
        everywhere = tree_map(lambda t: distribute_tensor(t, place, [Replicate()]), params)
        xs, ys = (distribute_tensor(t, place, [Shard(0)]) for t in (x, y))
        probabilities = serial(net, sigmoid)
        of_logits = (mse, squared_norm, bce_with_logits, cross_entropy)
        cases: list[tuple[Any, Any, Any, Any]] = [(loss, net, params, everywhere) for loss in of_logits]
        for loss, f, p, q in [*cases, (bce, probabilities, (params, ()), (everywhere, ()))]:
            expected = tree_leaves(value_and_grad(f, loss)(p, x, y))
            for a, b in zip(tree_leaves(value_and_grad(f, loss)(q, xs, ys)), expected, strict=True):
                assert isinstance(a, DTensor)
                torch.testing.assert_close(a.full_tensor(), b, atol=1e-12, rtol=0)
        placements_are_kept()


LAWS: dict[str, tuple[int, Callable[[int], None]]] = {
    **{f"equal_to_one_process_{name}": (2, partial(equal_to_one_process, mesh)) for name, mesh in MESHES.items()},
    "equal_for_four_processes": (4, equal_for_four_processes),
    "equal_for_layers_between": (2, equal_for_layers_between),
    "equal_where_no_row_counts": (2, equal_where_no_row_counts),
    "nothing_is_sent_twice": (2, nothing_is_sent_twice),
    "buckets_leave_while_the_pass_goes_on": (2, buckets_leave_while_the_pass_goes_on),
    "other_beginnings_are_refused": (2, other_beginnings_are_refused),
    "rules_of_others_are_refused_on_parts": (2, rules_of_others_are_refused_on_parts),
    "one_that_fails_ends_all": (2, one_that_fails_ends_all),
    "the_command_is_that_of_one_process": (2, the_command_is_that_of_one_process),
    "the_command_on_a_table_is_that_of_one_process": (2, the_command_on_a_table_is_that_of_one_process),
    "one_that_ends_is_said_in_a_line": (2, one_that_ends_is_said_in_a_line),
    "the_script_of_the_manual_runs": (2, the_script_of_the_manual_runs),
    "each_process_reads_its_own_rows": (2, each_process_reads_its_own_rows),
    "every_row_is_scored_once": (2, every_row_is_scored_once),
    "dtensors_are_tensors": (2, dtensors_are_tensors),
}


def prepared() -> None:
    """What every process would do anew, done for those that inherit it."""
    for case in CASES:
        alone(case)
    same(CASES[0], None, None)


if __name__ == "__main__":
    prepared()
    print(json.dumps({name: started(processes, work) for name, (processes, work) in LAWS.items()}))
