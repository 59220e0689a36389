"""The command `check`: right over the library, wrong where a mistake is planted."""

from __future__ import annotations

import attrs
import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import mse
from pure_mlp.__main__ import main
from pure_mlp.check.differences import LIMIT, distance, five_point
from pure_mlp.registry.functions import ACTIVATIONS, LOSSES


def run(*arguments: str) -> int:
    return main(arguments)


def test_check_passes_over_the_library_and_over_nets(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in (*ACTIVATIONS, "linear", "linear_bottom", "mse (mean)", "cross_entropy (sum)"))
    for g, loss in [("identity", loss) for loss in LOSSES if loss != "bce"] + [("sigmoid", "bce"), ("softmax", "cross_entropy")]:
        assert run("check", "--hidden", "6", "5", "--f", "relu", "--g", g, "--loss", loss) == 0
    assert run("check", "--hidden") == 0


@pytest.mark.parametrize("factor", [-1.0, 1 + 1e-6, 0.0, float("nan")])
@pytest.mark.parametrize("name", ["relu", "gelu", "softmax"])
def test_check_finds_a_planted_wrong_layer(
    name: str, factor: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = ACTIVATIONS[name]

    def wrong(params: tuple[()], cache: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
        return factor * right.bwd(params, cache, dy)[0], ()

    monkeypatch.setitem(ACTIVATIONS, name, attrs.evolve(right, bwd=wrong))
    assert run("check") == 1
    found = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.endswith("WRONG")]
    assert found == [name]
    assert run("check", "--g", name, "--loss", "mse") == 1


def test_check_finds_a_planted_wrong_loss(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
        value, dy_hat = mse(y, y_hat)
        return value, dy_hat / 2

    monkeypatch.setitem(LOSSES, "mse", wrong)
    assert run("check", "--loss", "mse") == 1
    assert capsys.readouterr().out.splitlines()[4].split()[0] == "mse"


def test_distances_are_those_of_the_analytic_derivative() -> None:
    x = torch.linspace(0.5, 2, 7, dtype=torch.float64)
    assert torch.allclose(five_point(lambda t: t.log().sum(), x, torch.arange(7)), 1 / x, rtol=1e-10, atol=0.0)
    off = distance(lambda t: t.log().sum(), x, 1 / x + torch.eye(7, dtype=torch.float64)[3] * 1e-3, Generator())
    assert off.absolute == pytest.approx(1e-3, rel=1e-6)
    assert off.relative == pytest.approx(5e-4, rel=1e-6)
    assert off.relative > LIMIT
    assert not distance(lambda t: t.sum(), x, torch.ones(1, dtype=torch.float64), Generator()).right
