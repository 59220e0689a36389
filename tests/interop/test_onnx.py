"""ONNX files computed by onnxruntime give what the nets give."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Activation,
    BatchNorm,
    Layer,
    LayerNorm,
    RMSNorm,
    Statistics,
    attention,
    batch_norm_by,
    dense,
    embedding,
    embedding_init,
    fan_sum,
    glu,
    layer_name,
    layer_norm,
    leaky_relu,
    linear,
    linear_init,
    mlp,
    parallel,
    relu,
    remat,
    residual,
    rms_norm,
    serial,
    sigmoid,
    silu,
    tanh,
    to_onnx,
    tree_map,
)
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.layers import LAYER_ROWS

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnx", reason="needs the extra onnx")

P = TypeVar("P")
C = TypeVar("C")


def ran(path: Path, x: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["y"], {"x": x.numpy()})[0])


def agree(net: Layer[P, C], params: P, x: Tensor, path: Path) -> None:
    to_onnx(net, params, path)
    y = net.fwd(params, x)[0]
    assert ran(path, x).dtype == y.dtype
    torch.testing.assert_close(ran(path, x), y, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("f", ACTIVATIONS)
@pytest.mark.parametrize("n", [0, 1, 7])
def test_every_activation_in_a_perceptron(f: str, n: int, tmp_path: Path) -> None:
    net, params = mlp((5, 4, 3), Generator().manual_seed(0), ACTIVATIONS[f])
    agree(net, params, 3 * torch.randn(n, 5, generator=Generator().manual_seed(1)), tmp_path / "a.onnx")


SAMPLES = [sample for row in LAYER_ROWS.values() for sample in row.samples()]


@pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row.name)
def test_every_layer_of_the_registry_agrees_or_is_refused_by_name(row: LayerRow, tmp_path: Path) -> None:
    params, x, _ = row.draw((7, 4), torch.float32)
    x = x[:, 0] if row.name == "embedding" else x
    if row.evaluated:
        with pytest.raises(ValueError, match=f"to_onnx: {layer_name(row.layer)} has no form in ONNX here"):
            to_onnx(row.layer, params, tmp_path / "a.onnx")
        assert [*tmp_path.iterdir()] == []
    else:
        agree(row.layer, params, x, tmp_path / "a.onnx")


def test_a_net_that_begins_with_an_embedding_takes_whole_numbers(tmp_path: Path) -> None:
    net = serial(embedding, linear, relu)
    params = (embedding_init(5, 4, Generator().manual_seed(0)), linear_init(4, 3, Generator().manual_seed(1)), ())
    agree(net, params, torch.tensor([0, 4, 2, 1, 1]), tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="to_onnx: params in bfloat16, expected float32, float64 or float16"):
        to_onnx(net, tree_map(torch.Tensor.bfloat16, params), tmp_path / "b.onnx")


def test_norms(tmp_path: Path) -> None:
    g = Generator().manual_seed(0)
    weight, bias = torch.rand(2, 5, generator=g)
    seen = Statistics(bias, weight)
    net = serial(layer_norm(0.1), rms_norm(0.2), batch_norm_by(seen))
    params = (LayerNorm(weight, bias), RMSNorm(bias), BatchNorm(weight, bias))
    agree(net, params, torch.randn(7, 5, generator=g), tmp_path / "a.onnx")


@pytest.mark.parametrize("gate", [sigmoid, silu, leaky_relu(0.1)])
def test_gated_units(gate: Activation, tmp_path: Path) -> None:
    agree(glu(gate), (), torch.randn(7, 6, generator=Generator().manual_seed(0)), tmp_path / "a.onnx")


@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal: bool, tmp_path: Path) -> None:
    g = Generator().manual_seed(0)
    net = serial(residual(serial(linear, attention(2, causal), linear)), tanh)
    params = ((linear_init(4, 12, g), (), linear_init(4, 4, g)), ())
    for lead in ((3, 7), (1, 1), (0, 7)):
        agree(net, params, 3 * torch.randn(*lead, 4, generator=g), tmp_path / "a.onnx")
    words = serial(embedding, net)
    agree(words, (embedding_init(5, 4, g), params), torch.tensor([[0, 4, 2], [1, 1, 3]]), tmp_path / "b.onnx")


def test_every_combinator(tmp_path: Path) -> None:
    inner = serial(fan_sum(linear, residual(tanh)), parallel(remat(dense(relu)), tanh))
    g = Generator().manual_seed(0)
    p = (linear_init(5, 5, g), ())
    params = (p, (linear_init(5, 3, g), ()))
    agree(inner, params, torch.randn(7, 5, generator=g), tmp_path / "a.onnx")


def test_a_net_in_float64_and_one_without_params(tmp_path: Path) -> None:
    net, params = mlp((5, 4, 3), Generator().manual_seed(0), tanh, dtype=torch.float64)
    x = torch.randn(7, 5, generator=Generator().manual_seed(1), dtype=torch.float64)
    to_onnx(net, params, tmp_path / "a.onnx")
    torch.testing.assert_close(ran(tmp_path / "a.onnx", x), net.fwd(params, x)[0], atol=1e-12, rtol=0)
    agree(serial(tanh), ((),), x.float(), tmp_path / "a.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_without_onnx_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"to_onnx needs onnx: pip install 'pure-mlp\[onnx\]'"):
        to_onnx(tanh, (), tmp_path / "a.onnx")
    assert [*tmp_path.iterdir()] == []
