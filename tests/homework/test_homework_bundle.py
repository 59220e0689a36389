"""The single file: self-contained, old enough for Python 3.7 and torch 1.7.1, written out, equal to torch and to the library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import torch
from torch_bits import check_losses

import mlp
from pure_mlp import layers, losses
from pure_mlp.homework import template
from pure_mlp.homework.bundle import MARK, bundle, write_bundle

TORCH_171 = {f"torch.{name}" for name in ("Tensor", "addmm", "log1p", "randn", "sigmoid", "zeros_like")}
"""Names of torch that the file may use; each is in torch 1.7.1. None of them is a loss or a layer."""
METHODS_171 = {"clamp", "items", "join", "log", "masked_fill", "mean", "numel", "shape", "sum", "t", "values", "zero_"}
"""Attributes of tensors, dicts and strings that the file may use; each is in torch 1.7.1 and Python 3.7."""
OWN = {"parameters", "grads", "cache", "f_function", "g_function"}

BLOCKED = """
import importlib.abc, sys
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("attrs", "attr", "pure_mlp", "mlp"):
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
"""

AGAINST_AUTOGRAD = """
import importlib.util, sys, torch
spec = importlib.util.spec_from_file_location("bundled", sys.argv[1])
mlp = importlib.util.module_from_spec(spec); spec.loader.exec_module(mlp)
modules = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "identity": torch.nn.Identity}
for n, hidden, k, batch in ((3, 5, 2, 7), (784, 256, 10, 64)):
    for f in modules:
        for g in modules:
            for loss in ("mse", "bce") if g == "sigmoid" else ("mse",):
                net = mlp.MLP(n, hidden, f, hidden, k, g)
                oracle = torch.nn.Sequential(torch.nn.Linear(n, hidden), modules[f](), torch.nn.Linear(hidden, k), modules[g]())
                for p, name in zip(oracle.parameters(), net.parameters):
                    p.data = net.parameters[name]
                x, y = torch.randn(batch, n), torch.randint(0, 2, (batch, k)).float()
                y_hat, expected = net.forward(x), oracle(x)
                assert torch.equal(y_hat, expected), (f, g)
                expected.retain_grad()
                J, dJdy_hat = getattr(mlp, loss + "_loss")(y, y_hat)
                J_expected = (torch.nn.MSELoss() if loss == "mse" else torch.nn.BCELoss())(expected, y)
                J_expected.backward()
                assert torch.equal(dJdy_hat, expected.grad), (f, g, loss)
                net.backward(dJdy_hat)
                assert abs(J - J_expected) <= 1e-6 * abs(J_expected), (f, g, loss)
                for p, grad in zip(oracle.parameters(), net.grads.values()):
                    assert (grad - p.grad).norm() <= 1e-5 * p.grad.norm(), (f, g, loss)
                net.clear_grad_and_cache()
saturated = 0
for seed in range(300):
    torch.manual_seed(seed)
    y, y_hat = torch.randint(0, 2, (seed % 17 + 1, 5)).float(), torch.sigmoid((seed % 4) * 15 * torch.randn(seed % 17 + 1, 5))
    expected = y_hat.clone().requires_grad_()
    torch.nn.BCELoss()(expected, y).backward()
    assert torch.equal(mlp.bce_loss(y, y_hat)[1], expected.grad), seed
    saturated += bool((y_hat == 1).any())
assert saturated > 100, saturated
try:
    mlp.MLP(1, 1, "tanh", 1, 1, "relu")
except ValueError as error:
    assert "relu, sigmoid, identity" in str(error)
print("equal", torch.__version__)
"""


@pytest.fixture(scope="module")
def tree() -> ast.Module:
    return ast.parse(bundle(), feature_version=(3, 7))


def test_imports_torch_and_the_standard_library_only(tree: ast.Module) -> None:
    imports = [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert imports == [
        "from __future__ import annotations",
        "from collections.abc import Callable",
        "import torch",
        "from torch import Tensor",
    ]


def test_only_names_that_torch_171_and_python_37_have_and_none_that_does_the_homework(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            assert name in TORCH_171 or node.attr in METHODS_171 | OWN, name


def test_every_definition_is_documented(tree: ast.Module) -> None:
    for top in tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            assert ast.get_docstring(top), top.name


def test_short() -> None:
    lines = bundle().splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 132


def equations(*texts: str) -> set[str]:
    """The numbers in parentheses that follow nothing, a blank or a parenthesis: (14), but not f(2) or (5,)."""
    return {number for text in texts for number in re.findall(r"(?<![\w)\]])\((\d+)\)", text)}


def test_names_the_equations_where_they_are_used_and_all_that_the_library_names() -> None:
    ours = equations(bundle())
    assert ours >= {"5", "9", "12", "14", "16", "17", "18", "19", "20", "21", "24", "25", "26"}
    parts = (layers.linear, layers.relu, layers.sigmoid, layers.identity, losses.mse, losses.bce)
    trees = [ast.parse(Path(str(part.__file__)).read_text("utf-8")) for part in (mlp, *parts)]
    documented = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)]
    named = equations(*((ast.get_docstring(node) or "").partition(">>>")[0] for node in documented))
    assert named >= {"5", "9", "12", "14", "16", "17", "20", "21", "24"}
    assert ours >= named


def test_says_why_mse_is_a_mean_and_gives_24() -> None:
    mse, bce = (" ".join(str(f.__doc__).split()) for f in (template.mse_loss, template.bce_loss))
    assert "The handout's loss of one example is the sum |y_hat - y|^2" in mse
    assert "mean over all batch x K elements, as in nn.MSELoss" in mse
    assert "(y_hat - y) / (y_hat (1 - y_hat)) / numel" in bce
    assert "(24)" in bce


def test_equals_torch_alone_in_a_process(tmp_path: Path) -> None:
    path = write_bundle(tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", BLOCKED + AGAINST_AUTOGRAD, str(path)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal")


def test_the_losses_equal_torch_to_the_bit() -> None:
    check_losses(template.mse_loss, template.bce_loss)


@pytest.mark.parametrize(("f", "g"), [*product(("relu", "sigmoid", "identity"), repeat=2)])
def test_computes_what_the_library_computes(f: str, g: str) -> None:
    """Both draw the same parameters; y_hat and every gradient are equal, units at the kink and infinite cotangents included."""
    for batch in (1, 0, 7):
        nets = []
        for module in (template, mlp):
            torch.manual_seed(batch)
            nets.append(module.MLP(6, 5, f, 5, 3, g))
        x, dJdy_hat = torch.randn(batch, 6), torch.randn(batch, 3)
        dJdy_hat[:1, 1] = torch.inf
        for net in nets:
            net.parameters["W1"][1] = 0.0
            net.parameters["b1"][1] = 0.0
        ours, theirs = (net.forward(x) for net in nets)
        assert torch.equal(ours, theirs)
        for net in nets:
            net.backward(dJdy_hat)
            net.backward(dJdy_hat)
        for name in nets[0].grads:
            torch.testing.assert_close(nets[0].grads[name], nets[1].grads[name], equal_nan=True)
        for loss in ("mse_loss", "bce_loss"):
            y, y_hat = torch.rand(2, batch, 3)
            for a, b in zip(getattr(template, loss)(y, y_hat), getattr(mlp, loss)(y, y_hat)):
                torch.testing.assert_close(a, b, equal_nan=True)


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="activation 'tanh', expected one of relu, sigmoid, identity"):
        template.MLP(2, 3, "relu", 3, 1, "tanh")
    with pytest.raises(RuntimeError, match="backward before forward"):
        template.MLP(2, 3, "relu", 3, 1, "relu").backward(torch.ones(1, 1))
    for loss in (template.mse_loss, template.bce_loss):
        with pytest.raises(ValueError, match=r"y \(4,\) and y_hat \(4, 1\), expected the same shape"):
            loss(torch.ones(4), torch.ones(4, 1))


def test_a_bundle_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    assert write_bundle(tmp_path) == write_bundle(tmp_path)
    path = tmp_path / "mlp.py"
    assert MARK in path.read_text()
    path.write_text("my own work")
    with pytest.raises(ValueError, match="not replaced"):
        write_bundle(tmp_path)
    assert path.read_text() == "my own work"
