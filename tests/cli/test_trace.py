"""`trace` comes to the bits of the run again, and names the first value that is not finite."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Layer,
    batches,
    dense,
    linear,
    linear_init,
    mse,
    relu,
    residual,
    serial,
    sgd,
    tanh,
    training_step,
    tree_leaves,
    tree_map,
)
from pure_mlp.__main__ import main
from pure_mlp.cli.begin import begin
from pure_mlp.cli.model import net_like
from pure_mlp.cli.params import NAME, read, save
from pure_mlp.cli.prepared import Prepared
from pure_mlp.data.load import load
from pure_mlp.train.nonfinite import first_nonfinite
from pure_mlp.train.step import TrainingStep

np = pytest.importorskip("numpy", reason="numpy reads .npz")
WILD = ["--optimizer", "sgd", "--lr", "1e4"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """60 examples in the working folder, and no curves."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)
    write()


def write(shift: float = 0.0) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    np.savez("d.npz", X=x + shift, y=x @ [1.0, -2.0, 0.5] + x[:, 0] ** 2)


def train(*flags: str) -> int:
    return main(["train", "d.npz", "--out", "run", "--hidden", "4", *flags])


def traced(capsys: pytest.CaptureFixture[str], run: str = "run") -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["trace", run])
    printed = capsys.readouterr()
    return code, printed.out.splitlines() if code != 2 else printed.err.splitlines()


def contents() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("run").iterdir()}


def kept() -> Any:
    return read(Path("run"), lambda model, tensors, training: (model, tensors, training))


@pytest.mark.parametrize(
    "flags", [["--engine", "pure"], ["--engine", "plan"], ["--patience", "2", "--lr", "0.1"], ["--val", "0.2"]], ids=" ".join
)
def test_a_run_that_stayed_finite_is_come_to_again_bit_for_bit(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--epochs", "4", *flags) == 0
    before, epochs = contents(), len(kept()[2]["rows"])
    code, lines = traced(capsys)
    losses = f"losses     those of {epochs} recorded epochs, to the bit"
    assert lines[1:] == [losses, f"values     finite in all of {epochs} epochs of 3 steps"]
    assert (code, contents()) == (0, before)


@pytest.mark.parametrize("engine", ["pure", "plan"])
def test_a_run_that_diverges_at_once_is_traced_to_the_step_and_the_layer(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*WILD, "--engine", engine) == 2
    assert "try a smaller --lr than 10000; pure-mlp trace run says where it began" in capsys.readouterr().err
    assert sorted(contents()) == [NAME]
    code, lines = traced(capsys)
    assert (code, len(lines)) == (1, 3)
    assert lines[0].endswith(f"engine {engine}; 0 epochs recorded")
    found = re.fullmatch(r"not finite epoch (\d), step (\d) of 3: the (.+) is not finite: \d+ of \d+ numbers .+", lines[2])
    assert found
    number = 3 * (int(found[1]) - 1) + int(found[2])
    assert len(lines[1].split(", ")) == number
    assert number == first_step_that_is_not_finite()


def first_step_that_is_not_finite() -> int:
    """By hand: the plain step over the same batches, until something that it returns is not finite."""
    model, _, _ = kept()
    _, prepared, run = begin(model.setup, load("d.npz"))
    step = training_step(net_like(model.setup), mse, sgd(model.setup.lr))
    carry, g = run.carry, Generator().set_state(run.generator)
    part, count = prepared["training"], 0
    assert isinstance(part, Prepared)
    while True:
        for batch in batches((part.x, part.y), model.setup.batch, g):
            carry, J = step(carry, batch)
            count += 1
            if not all(t.isfinite().all() for t in (J, *tree_leaves(carry))):
                return count


def test_a_run_that_diverges_later_has_its_recorded_losses_until_then(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--optimizer", "sgd", "--lr", "3", "--f", "identity", "--epochs", "200") == 2
    epochs = len(kept()[2]["rows"])
    assert epochs > 0
    code, lines = traced(capsys)
    assert (code, lines[1]) == (1, f"losses     those of {epochs} recorded epochs, to the bit")
    assert lines[3].startswith(f"not finite epoch {epochs + 1}, step ")


def test_a_loss_that_is_another_is_told_with_its_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--epochs", "3") == 0
    model, tensors, training = kept()
    recorded = training["rows"][1][1]
    training["rows"][1][1] = recorded * 1.5
    save(Path("run", NAME), model, tensors, training)
    code, lines = traced(capsys)
    assert code == 1
    assert lines[1].startswith(f"losses     differ from epoch 2 on: training {recorded!r}, test ")
    assert f"recorded are {recorded * 1.5!r} and" in lines[1]
    assert lines[2] == "values     finite in all of 3 epochs of 3 steps"


def test_what_cannot_be_replayed_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--epochs", "1", "--save-every", "1") == 0
    code, lines = traced(capsys, "run/epoch-1.safetensors")
    assert (code, len(lines)) == (2, 1)
    assert "run/epoch-1.safetensors holds params without the run that made them: name the folder that" in lines[0]
    write(shift=1e-3)
    assert traced(capsys) == (2, ["pure-mlp trace: the examples of d.npz are others than those of the run in run"])
    Path("d.npz").unlink()
    assert traced(capsys)[0] == traced(capsys, "nowhere")[0] == 2


def test_a_run_that_failed_at_once_can_be_gone_on_with_or_replaced() -> None:
    assert train(*WILD) == 2
    assert train(*WILD, "--resume") == 2
    assert train("--epochs", "1") == 2
    assert train("--epochs", "1", "--overwrite") == 0


def bent(layer: Layer[Any, Any], **bad: float) -> Layer[Any, Any]:
    """The layer with one of its results multiplied."""

    def fwd(params: Any, x: Tensor) -> tuple[Tensor, Any]:
        y, cache = layer.fwd(params, x)
        return y * bad.get("y", 1.0), cache

    def bwd(params: Any, cache: Any, dy: Tensor) -> tuple[Tensor, Any]:
        dx, grads = layer.bwd(params, cache, dy)
        return dx * bad.get("dx", 1.0), tree_map(lambda t: t * bad.get("grads", 1.0), grads)

    return Layer(fwd, bwd)


INF, NAN = float("inf"), float("nan")


def loss_of(J: float, dy: float) -> Any:
    def loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = mse(y, y_hat)
        return value * J, slope * dy

    return loss


@pytest.mark.parametrize(
    ("layer", "loss", "lr", "said"),
    [
        (bent(tanh, y=INF), mse, 0.1, "the activation of layer 1 (bent)"),
        (tanh, loss_of(NAN, NAN), 0.1, "the loss is not finite: 1 of 1 numbers (0 inf, 1 NaN)"),
        (tanh, loss_of(1, INF), 0.1, "the gradient of the loss by y_hat is not finite: 10 of 10 numbers (10 inf, 0 NaN)"),
        (bent(tanh, dx=NAN), mse, 0.1, "the cotangent below layer 1 (bent) is not finite: 10 of 10"),
        (bent(linear, grads=INF), mse, 0.1, "the gradient of layer 1 (bent) (weight) is not finite: 4 of 4"),
        (tanh, mse, 3e38, "the updated params (0.weight) is not finite"),
    ],
)
def test_the_first_value_that_is_not_finite_is_named(layer: Layer[Any, Any], loss: Any, lr: float, said: str) -> None:
    g = Generator().manual_seed(0)
    net, x = serial(linear, layer, residual(serial(linear))), torch.rand(5, 2, generator=g)
    square = [linear_init(2, 2, g) for _ in range(3)]
    params = square[0], square[1] if "weight" in said and "layer 1" in said else (), (square[2],)
    found = first_nonfinite(TrainingStep(net, loss, sgd(lr)), (params, sgd(lr).init(params)), (x, x + 1))
    assert found is not None
    assert found.startswith(said)


def test_layers_within_layers_are_named_from_within() -> None:
    g = Generator().manual_seed(0)
    net, params = serial(dense(relu), residual(serial(linear, tanh))), (linear_init(2, 2, g), (linear_init(2, 2, g), ()))
    huge = tree_map(lambda p: p * 1e38 * 10, params)
    found = first_nonfinite(TrainingStep(net, mse, sgd(0.1)), (huge, sgd(0.1).init(huge)), (torch.ones(5, 2), torch.ones(5, 2)))
    assert found is not None
    assert found.startswith("the activation of layer 0 (linear) of layer 0 (dense_relu) is not finite")
    assert first_nonfinite(TrainingStep(net, mse, sgd(0.1)), (params, sgd(0.1).init(params)), (torch.ones(5, 2),) * 2) is None
