"""`train --rule`: what learns, what is kept of it, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import pytest
import torch

import pure_mlp
from pure_mlp import tree_leaves, value_and_grad
from pure_mlp.__main__ import main
from pure_mlp.cli.model import example, net_like
from pure_mlp.cli.params import load_model, read
from pure_mlp.cli.rule import begun, own_params, ruled
from pure_mlp.cli.setup import EXPLAINING, RULES, setup_from
from pure_mlp.losses.mse import mse


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw them takes longer than to train."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def train(out: Path, *flags: str) -> int:
    return main(["train", "diabetes", "--out", str(out), "--hidden", "8", "4", "--engine", "pure", "--batch", "64", *flags])


@pytest.mark.parametrize("rule", RULES)
def test_a_run_under_each_rule_goes_on_to_the_same_bits(rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The feedback of a run that goes on is that of the run before it, drawn again or learnt; predict needs none."""
    flags = ["--rule", rule, "--val", "0.1"]
    assert train(tmp_path / "whole", *flags, "--epochs", "3") == 0
    assert train(tmp_path / "parts", *flags, "--epochs", "1") == 0
    assert train(tmp_path / "parts", *flags, "--epochs", "3", "--resume") == 0
    assert (", rule " in capsys.readouterr().out) == (rule != "backprop")
    kept = [read(tmp_path / name, lambda model, tensors, training: (model, tensors)) for name in ("whole", "parts")]
    assert kept[0][0].setup.rule == rule
    assert kept[0][1].keys() == kept[1][1].keys()
    assert all(torch.equal(t, kept[1][1][name]) for name, t in kept[0][1].items())
    assert any("carry.0.1.0" in name for name in kept[0][1]) == (rule == "kp")
    assert main(["predict", str(tmp_path / "whole"), "diabetes"]) == 0
    other = "fa" if rule == "kp" else "kp"
    assert train(tmp_path / "whole", "--rule", other, "--val", "0.1", "--resume") == 2
    assert f"has rule {rule}, this one {other}; say the same flags again" in capsys.readouterr().err


def test_rules_change_the_gradients_below_the_last_layer_alone() -> None:
    x, y = torch.ones(5, 10), torch.zeros(5, 1)
    for rule in RULES[1:]:
        setup = attrs.evolve(example().setup, rule=rule)
        params = example().params
        trained = begun(setup, params)
        assert own_params(setup, trained) is params
        found = own_params(setup, value_and_grad(ruled(setup), mse)(trained, x, y)[1])
        true = value_and_grad(net_like(setup), mse)(params, x, y)[1]
        alike = [torch.allclose(a, b, atol=1e-2) for a, b in zip(tree_leaves(found), tree_leaves(true), strict=True)]
        assert alike == [False, False, True, True]
        again = own_params(setup, value_and_grad(ruled(setup), mse)(begun(setup, params), x, y)[1])
        assert all(map(torch.equal, tree_leaves(found), tree_leaves(again)))


def test_models_of_before_there_were_rules_are_read() -> None:
    values = attrs.asdict(example().setup)
    del values["rule"]
    assert setup_from(values).rule == "backprop"
    with pytest.raises(ValueError, match="rule"):
        setup_from({**values, "rule": "hebb"})


def test_what_makes_no_sense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "diabetes", "--hidden", "--rule", "fa"]) == 2
    assert "rule fa changes dx of hidden layers, and there are none" in capsys.readouterr().err
    assert main(["train", "digits", "--g", "sigmoid", "--loss", "mse", "--rule", "dfa"]) == 2
    assert "rule dfa sends the error of the last linear layer to all others" in capsys.readouterr().err
    for rule, function in EXPLAINING.items():
        assert hasattr(pure_mlp, function)
        assert train(tmp_path / rule, "--rule", rule) == 2
        said = f"{rule!r} explains what a net has learnt and trains none: see {function} of the library\n"
        assert capsys.readouterr().err.endswith(said)
    assert train(tmp_path / "fa", "--rule", "fa", "--epochs", "1") == 0
    assert load_model(tmp_path / "fa").setup.rule == "fa"
