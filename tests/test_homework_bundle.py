"""The single file: self-contained, old enough for Python 3.7 and torch 1.7.1, equal to mlp.py; and the zip around it."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch

from pure_mlp import kernels
from pure_mlp.homework import formulas
from pure_mlp.homework.bundle import MARK, bundle, write_bundle
from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.submit import submit

TORCH_171 = {
    *("torch.relu", "torch.sigmoid", "torch.mm", "torch.matmul", "torch.randn", "torch.zeros_like", "torch.tensor"),
    *("torch.float32", "torch.nn", "torch.nn.functional", "torch.nn.functional.linear", "torch.nn.functional.binary_cross_entropy"),
}
"""Names of torch that the file may use; each is in torch 1.7.1."""
METHODS_171 = {
    *("shape", "dtype", "device", "type", "dim", "numel", "reshape", "t", "sum", "mean", "min", "max", "clamp", "masked_fill"),
    *("pow", "zero_", "item"),
}
"""Attributes of tensors that the file may use; each is in torch 1.7.1."""
PYTHON_37 = {"items", "keys", "values", "join"}
OWN = {"fwd", "bwd", "weight", "bias", "parameters", "grads", "cache", "f", "g", "f_function", "g_function", "_linear"}

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
worst = 0.0
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
                J, dJdy_hat = getattr(mlp, loss + "_loss")(y, y_hat)
                expected = (torch.nn.MSELoss() if loss == "mse" else torch.nn.BCELoss())(expected, y)
                expected.backward()
                net.backward(dJdy_hat)
                assert abs(J - expected) <= 1e-5 * abs(expected), (f, g, loss)
                for p, grad in zip(oracle.parameters(), net.grads.values()):
                    assert (grad - p.grad).norm() <= 1e-5 * p.grad.norm(), (f, g, loss)
                net.clear_grad_and_cache()
try:
    mlp.MLP(1, 1, "tanh", 1, 1, "relu")
except ValueError as error:
    assert "relu, sigmoid, identity" in str(error)
try:
    net.forward(torch.ones(7, 4))
except ValueError as error:
    assert "Linear_1: input (7, 4) float32" in str(error), error
print("equal", torch.__version__)
"""


@pytest.fixture(scope="module")
def tree() -> ast.Module:
    return ast.parse(bundle(), feature_version=(3, 7))


def test_imports_torch_and_the_standard_library_only(tree: ast.Module) -> None:
    imported = {
        n.names[0].name if isinstance(n, ast.Import) else str(n.module)
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"torch", "math", "collections"}


def test_only_names_that_torch_171_and_python_37_have(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name.startswith("torch.") and "(" not in name:
                assert name in TORCH_171
            else:
                assert node.attr in METHODS_171 | PYTHON_37 | OWN, name


def test_no_annotations_and_every_definition_documented(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AnnAssign)
        assert getattr(node, "annotation", None) is None
        assert getattr(node, "returns", None) is None
    for top in tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            assert ast.get_docstring(top), top.name


def test_short_and_readable() -> None:
    lines = bundle().splitlines()
    assert len(lines) <= 180
    assert max(map(len, lines)) <= 132
    assert "Any" not in bundle()


def test_equals_torch_alone_in_a_process(tmp_path: Path) -> None:
    path = write_bundle(tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-c", BLOCKED + AGAINST_AUTOGRAD, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("equal")


def test_every_kernel_has_its_formula() -> None:
    public = [name for name in vars(kernels) if getattr(vars(kernels)[name], "__module__", "") == kernels.__name__]
    assert {name for name in public if not name.startswith("_")} == {
        name for name in vars(formulas) if getattr(vars(formulas)[name], "__module__", "") == formulas.__name__
    }
    edges = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, -1.0, 1e-40])
    dy, y = (t.reshape(-1) for t in torch.meshgrid(edges, edges, indexing="ij"))
    assert torch.equal(kernels.threshold_backward(dy, y).nan_to_num(7), formulas.threshold_backward(dy, y).nan_to_num(7))
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 9, 9, generator=generator)
    torch.testing.assert_close(kernels.sigmoid_backward(a, b), formulas.sigmoid_backward(a, b), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(kernels.tanh_backward(a, b), formulas.tanh_backward(a, b), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(kernels.squared_error(a, b), formulas.squared_error(a, b), rtol=1e-6, atol=0)
    torch.testing.assert_close(kernels.mse_backward(a, b), formulas.mse_backward(a, b), rtol=1e-6, atol=0)
    assert torch.equal(kernels.addmm_relu(b[0], a, b), formulas.addmm_relu(b[0], a, b))


def test_a_bundle_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    assert write_bundle(tmp_path) == write_bundle(tmp_path)
    path = tmp_path / "mlp.py"
    assert MARK in path.read_text()
    path.write_text("my own work")
    with pytest.raises(ValueError, match="not replaced"):
        write_bundle(tmp_path)
    assert path.read_text() == "my own work"


def run(*argv: str) -> int:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["homework", *argv])
    code = args.run(args)
    assert isinstance(code, int)
    return code


PDF = b"%PDF-1.5\nbody\n%%EOF\n"


def test_submit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theory = tmp_path / "theory.pdf"
    theory.write_bytes(PDF)
    assert run("submit", "ab1234", "--theory", str(theory), "--out", str(tmp_path)) == 0
    path = tmp_path / "ab1234.zip"
    assert capsys.readouterr().out.strip() == str(path)
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["mlp.py", "theory.pdf"]
        assert archive.read("theory.pdf") == PDF
        assert archive.read("mlp.py").decode() == bundle()
    first = path.read_bytes()
    assert run("submit", "ab1234", "--theory", str(theory), "--out", str(tmp_path)) == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("netid", "name", "content", "program", "complaint"),
    [
        ("ab/1234", "theory.pdf", PDF, b"", "net id"),
        ("", "theory.pdf", PDF, b"", "net id"),
        ("ab1234", "Theory.pdf", PDF, b"", "has to be called"),
        ("ab1234", "theory.pdf", b"", b"", "not a whole PDF"),
        ("ab1234", "theory.pdf", PDF[:-6], b"", "not a whole PDF"),
        ("ab1234", "theory.pdf", PDF, b"class MLP", "not Python"),
        ("ab1234", "theory.pdf", PDF, b"\0", "not Python"),
        ("ab1234", "theory.pdf", PDF, b"class MLP: ...\ndef mse_loss(): ...", "does not define bce_loss"),
    ],
)
def test_submit_refuses(tmp_path: Path, netid: str, name: str, content: bytes, program: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        submit(netid, tmp_path / name, program, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_submit_refuses_what_is_missing_or_misnamed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run("submit", "ab1234", "--theory", str(tmp_path / "theory.pdf"), "--out", str(tmp_path))
    (tmp_path / "theory.pdf").write_bytes(PDF)
    with pytest.raises(ValueError, match=r"has to be called mlp\.py"):
        run("submit", "ab1234", "--theory", str(tmp_path / "theory.pdf"), "--mlp", str(tmp_path / "MLP.py"))
