"""Nets as ONNX models, which run in other programs."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor

from pure_mlp.combinators.dense import Dense
from pure_mlp.combinators.fan_sum import FanSum
from pure_mlp.combinators.parallel import Parallel
from pure_mlp.combinators.remat import Remat
from pure_mlp.combinators.residual import Residual
from pure_mlp.combinators.serial import Serial
from pure_mlp.installed import has
from pure_mlp.interop.constants import constants, function
from pure_mlp.layer import Activation, Layer, composition, layer_name
from pure_mlp.layers.attention import attention
from pure_mlp.layers.batch_norm import BatchNorm
from pure_mlp.layers.elu import elu
from pure_mlp.layers.embedding import Embedding, embedding_fwd
from pure_mlp.layers.gelu import gelu, gelu_tanh
from pure_mlp.layers.glu import glu
from pure_mlp.layers.identity import identity
from pure_mlp.layers.layer_norm import LayerNorm, layer_norm
from pure_mlp.layers.leaky_relu import leaky_relu
from pure_mlp.layers.linear import Linear, linear_fwd
from pure_mlp.layers.relu import relu
from pure_mlp.layers.rms_norm import RMSNorm, rms_norm
from pure_mlp.layers.running import Statistics, batch_norm_by
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.layers.silu import silu
from pure_mlp.layers.softmax import softmax
from pure_mlp.layers.softplus import softplus
from pure_mlp.layers.tanh import tanh
from pure_mlp.record import tree_leaves
from pure_mlp.saving.files import replace_file

__all__ = ["to_onnx"]

_OPSET = 20
"""The first in which there is Gelu."""


@attrs.define
class _Graph:
    """Nodes and constants so far; every value has a name of its own. onnx: the library, which may not be there."""

    onnx: Any
    nodes: list[Any] = attrs.field(factory=list)
    kept: list[Any] = attrs.field(factory=list)

    def op(self, kind: str, *inputs: str, **attributes: float | str | tuple[int, ...]) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, [*inputs], [name], **attributes))
        return name

    def split(self, x: str, count: int) -> list[str]:
        names = [f"v{len(self.nodes)}.{i}" for i in range(count)]
        self.nodes.append(self.onnx.helper.make_node("Split", [x], names, axis=-1, num_outputs=count))
        return names

    def constant(self, t: Tensor) -> str:
        name = f"c{len(self.kept)}"
        self.kept.append(self.onnx.numpy_helper.from_array(t.detach().cpu().contiguous().numpy(), name))
        return name


_Rule = Callable[..., str]
_RULES: dict[Callable[..., object], _Rule] = {
    function(identity): lambda g, like, x: g.op("Identity", x),
    function(relu): lambda g, like, x: g.op("Relu", x),
    function(sigmoid): lambda g, like, x: g.op("Sigmoid", x),
    function(tanh): lambda g, like, x: g.op("Tanh", x),
    function(silu): lambda g, like, x: g.op("Mul", x, g.op("Sigmoid", x)),
    function(gelu): lambda g, like, x: g.op("Gelu", x),
    function(gelu_tanh): lambda g, like, x: g.op("Gelu", x, approximate="tanh"),
    function(softmax): lambda g, like, x: g.op("Softmax", x, axis=-1),
    function(elu()): lambda g, like, x, a: g.op("Elu", x, alpha=a),
    function(leaky_relu()): lambda g, like, x, a: g.op("LeakyRelu", x, alpha=a),
    function(glu()): lambda g, like, x, gate: _glu(g, like, gate, *g.split(x, 2)),
    function(attention()): lambda g, like, x, heads, causal: _attention(g, like, g.split(x, 3 * heads), causal),
    function(softplus()): lambda g, like, x, b: _softplus(g, g.constant(like.new_full((), b)), x),
}
"""What each kind of layer without params is in ONNX: of the graph, a tensor of the dtype, the input, and the constants."""


def _softplus(g: _Graph, beta: str, x: str) -> str:
    return g.op("Div", g.op("Softplus", g.op("Mul", x, beta)), beta)


def _attention(g: _Graph, like: Tensor, parts: list[str], causal: bool) -> str:
    """Head by head: their queries, keys and values are the thirds of the parts."""
    heads, joined = len(parts) // 3, []
    for q, k, v in zip(parts, parts[heads:], parts[2 * heads :]):
        size = g.op("CastLike", g.op("Shape", q, start=-1), g.constant(like.new_zeros(0)))
        scores = g.op("MatMul", g.op("Div", q, g.op("Sqrt", size)), g.op("Transpose", k, perm=(0, 2, 1)))
        if causal:
            hidden = g.op("Expand", g.constant(like.new_full((), -inf)), g.op("Shape", scores, start=-2))
            scores = g.op("Add", scores, g.op("Trilu", hidden, g.constant(torch.tensor(1)), upper=1))
        joined.append(g.op("MatMul", g.op("Softmax", scores, axis=-1), v))
    return g.op("Concat", *joined, axis=-1)


def _glu(g: _Graph, like: Tensor, gate: Activation, a: str, b: str) -> str:
    return g.op("Mul", a, _RULES[function(gate)](g, like, b, *constants(gate)))


def _linear(g: _Graph, params: Linear, x: str) -> str:
    return g.op("Add", g.op("MatMul", x, g.constant(params.weight.t())), g.constant(params.bias))


def _embedding(g: _Graph, params: Embedding, x: str) -> str:
    return g.op("Gather", g.constant(params.weight), x)


def _layer_norm(g: _Graph, params: LayerNorm, x: str, eps: float) -> str:
    return g.op("LayerNormalization", x, g.constant(params.weight), g.constant(params.bias), axis=-1, epsilon=eps)


def _rms_norm(g: _Graph, params: RMSNorm, x: str, eps: float) -> str:
    mean = g.op("ReduceMean", g.op("Mul", x, x), g.constant(torch.tensor([-1])))
    root = g.op("Sqrt", g.op("Add", mean, g.constant(params.weight.new_full((), eps))))
    return g.op("Mul", g.op("Div", x, root), g.constant(params.weight))


def _batch_norm_by(g: _Graph, params: BatchNorm, x: str, eps: float, mean: Tensor, variance: Tensor) -> str:
    factor = params.weight * torch.rsqrt(variance + eps)
    return g.op("Add", g.op("Mul", x, g.constant(factor)), g.constant(params.bias - mean * factor))


_WITH_PARAMS: dict[Callable[..., object], _Rule] = {
    linear_fwd: _linear,
    embedding_fwd: _embedding,
    function(batch_norm_by(Statistics(torch.zeros(1), torch.ones(1)))): _batch_norm_by,
    function(layer_norm()): _layer_norm,
    function(rms_norm()): _rms_norm,
}
"""What each kind of layer with params is: of the graph, these, the input, and the constants."""


def to_onnx(net: Layer[Any, Any], params: Any, path: str | os.PathLike[str]) -> None:  # Any: any net
    """Write the forward pass as an ONNX model (opset 20) with the input `x` (batch, in) and the output `y` (batch, out).

    The sizes are left open. The dtype is that of the params; a net that begins with `embedding` takes int64 (batch,). With
    `attention` they are (batch, places, in) and (batch, places, out), or int64 (batch, places).
    Outputs of onnxruntime are equal to about 1e-6. `dropout` and `batch_norm` have forms once the net is `evaluated`.

    Args:
        net: layers of this library, under `serial`, `dense`, `residual`, `fan_sum`, `parallel` and `remat`.
        params: those of the net, in float32, float64 or float16.
        path: of the file, replaced whole or not at all.

    Raises:
        ImportError: the extra `onnx` is missing.
        ValueError: a layer that has no form in ONNX here, by name; params of another dtype.
        OSError: what the system refuses.

    >>> from pure_mlp import relu
    >>> to_onnx(Layer(lambda p, x: (x, ()), relu.bwd), (), "mine.onnx")
    Traceback (most recent call last):
    ValueError: to_onnx: <lambda> has no form in ONNX here
    """
    _refuse(net)
    if not has("onnx"):
        raise ImportError("to_onnx needs onnx: pip install 'pure-mlp[onnx]'")
    onnx: Any = import_module("onnx")
    graph, helper, example = _Graph(onnx), onnx.helper, next(iter(tree_leaves(params)), torch.empty(0))
    if example.dtype not in (torch.float32, torch.float64, torch.float16):
        raise ValueError(f"to_onnx: params in {str(example.dtype)[6:]}, expected float32, float64 or float16")
    dtype = onnx.numpy_helper.from_array(example.detach().cpu().numpy()).data_type
    graph.nodes.append(helper.make_node("Identity", [_emit(graph, example, net, params, "x")], ["y"]))
    looked_up = any(node.op_type == "Gather" and "x" in node.input for node in graph.nodes)
    rows = ["batch", "places"] if any(node.op_type == "Transpose" for node in graph.nodes) else ["batch"]
    x = helper.make_tensor_value_info("x", onnx.TensorProto.INT64 if looked_up else dtype, rows if looked_up else [*rows, "in"])
    y = helper.make_tensor_value_info("y", dtype, [*rows, "out"])
    made = helper.make_graph(graph.nodes, "pure_mlp", [x], [y], graph.kept)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10, producer_name="pure_mlp")
    onnx.checker.check_model(model)
    replace_file(Path(path), model.SerializeToString())


def _refuse(net: Layer[Any, Any]) -> None:
    """Raise `ValueError` that names the first layer that has no form."""
    made = composition(net)
    if not isinstance(made, (Serial, Dense, Remat, Residual, FanSum, Parallel)) and function(net) not in {*_RULES, *_WITH_PARAMS}:
        raise ValueError(f"to_onnx: {layer_name(net)} has no form in ONNX here")
    for part in made.parts() if made else ():
        _refuse(part)


def _emit(g: _Graph, like: Tensor, net: Layer[Any, Any], params: Any, x: str) -> str:
    """The name of the output of the net for the input x."""
    made = composition(net)
    if made is None and function(net) in _WITH_PARAMS:
        return _WITH_PARAMS[function(net)](g, params, x, *constants(net))
    if made is None:
        return _RULES[function(net)](g, like, x, *constants(net))
    parts = [*zip(made.parts(), made.split(params))]
    if isinstance(made, (FanSum, Parallel)):
        both = [_emit(g, like, part, p, x) for part, p in parts]
        return g.op("Add", *both) if isinstance(made, FanSum) else g.op("Concat", *both, axis=-1)
    y = x
    for part, p in parts:
        y = _emit(g, like, part, p, y)
    return g.op("Add", x, y) if isinstance(made, Residual) else y
