"""Nets from `torch.nn.Sequential`, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pure_mlp.combinators.dense import Dense
from pure_mlp.combinators.serial import Serial, serial
from pure_mlp.interop.constants import constants, function
from pure_mlp.interop.self_attention import SelfAttention
from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.layers.attention import attention
from pure_mlp.layers.batch_norm import BatchNorm, batch_norm
from pure_mlp.layers.dropout import dropout
from pure_mlp.layers.elu import elu
from pure_mlp.layers.embedding import Embedding, embedding, embedding_fwd
from pure_mlp.layers.gelu import gelu, gelu_tanh
from pure_mlp.layers.glu import glu
from pure_mlp.layers.identity import identity
from pure_mlp.layers.layer_norm import LayerNorm, layer_norm
from pure_mlp.layers.leaky_relu import leaky_relu
from pure_mlp.layers.linear import Linear, linear, linear_fwd
from pure_mlp.layers.relu import relu
from pure_mlp.layers.rms_norm import RMSNorm, rms_norm
from pure_mlp.layers.running import Statistics, batch_norm_by
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.layers.silu import silu
from pure_mlp.layers.softmax import softmax
from pure_mlp.layers.softplus import softplus
from pure_mlp.layers.tanh import tanh
from pure_mlp.record import tree_items

__all__ = ["from_torch", "to_torch"]

_THEIRS: dict[Callable[..., object], Callable[..., nn.Module]] = {
    function(identity): nn.Identity,
    function(relu): nn.ReLU,
    function(sigmoid): nn.Sigmoid,
    function(tanh): nn.Tanh,
    function(silu): nn.SiLU,
    function(gelu): nn.GELU,
    function(gelu_tanh): lambda: nn.GELU("tanh"),
    function(softmax): lambda: nn.Softmax(-1),
    function(attention()): SelfAttention,
    function(dropout()): lambda rate, seed: nn.Dropout(rate),
    function(elu()): nn.ELU,
    function(leaky_relu()): nn.LeakyReLU,
    function(softplus()): nn.Softplus,
}
"""The module of each kind of layer without params, of its constants."""


def _batch_norm(p: BatchNorm, eps: float, mean: Tensor | None = None, variance: Tensor | None = None) -> nn.Module:
    """In training without statistics; with them in evaluation."""
    module = nn.BatchNorm1d(len(p.weight), eps, dtype=p.weight.dtype)
    if mean is None or variance is None:
        return module
    module.load_state_dict({"running_mean": mean.clone(), "running_var": variance.clone()}, strict=False, assign=True)
    return module.eval()


_WITH_PARAMS: dict[Callable[..., object], Callable[..., nn.Module]] = {
    linear_fwd: lambda p: nn.Linear(p.weight.shape[1], p.weight.shape[0], device="meta"),
    function(batch_norm()): _batch_norm,
    function(batch_norm_by(Statistics(torch.zeros(1), torch.ones(1)))): _batch_norm,
    embedding_fwd: lambda p: nn.Embedding(p.weight.shape[0], p.weight.shape[1], _weight=p.weight),
    function(layer_norm()): lambda p, eps: nn.LayerNorm(len(p.weight), eps, device="meta"),
    function(rms_norm()): lambda p, eps: nn.RMSNorm(len(p.weight), eps, device="meta"),
}
"""The module of each kind of layer with params, of these and of its constants. Made so that it draws nothing."""

_PLAIN = {nn.Identity: identity, nn.ReLU: relu, nn.Sigmoid: sigmoid, nn.Tanh: tanh, nn.SiLU: silu}


def from_torch(module: nn.Module) -> tuple[Layer[Any, Any], Any]:  # Any: a net that is known at run time only
    """The net and params that compute what a module computes: (serial, a tuple of params), nested as the module is.

    The outputs are equal to the bit, but for `ELU`, `GLU`, attention and the norms, which round otherwise, and `Softplus`, which
    torch computes with an error of up to 2.1e-9 / beta. The paths of the params (`tree_items`) are the names of the state dict,
    where the module has no names of its own.

    Args:
        module: `nn.Sequential` of `Linear`, `Identity`, `ReLU`, `Sigmoid`, `Tanh`, `SiLU`, `GELU`, `ELU`, `LeakyReLU`, `Softplus`,
            `Softmax(-1)`, `GLU`, `Embedding`, `LayerNorm(n)`, `RMSNorm(n)`, `Dropout`, `BatchNorm1d` (of matrices) and of the like;
            or one of these alone. In training `Dropout` is `dropout` without a seed, and `BatchNorm1d` is `batch_norm`; in
            evaluation they are `identity` and `batch_norm_by` its statistics; to the others it makes no difference.
            `MultiheadAttention`, batch first and with biases, is taken as that of x with itself, `module(x, x, x)[0]`, and becomes
            `serial(linear, attention(heads), linear)`.

    Returns:
        The net, and params in memory of their own.

    Raises:
        ValueError: a module, or an option of one, that has no layer here, with its place.

    >>> import torch
    >>> net, params = from_torch(nn.Sequential(nn.Linear(3, 2), nn.ReLU()))
    >>> print(net)
    serial
      linear
      relu
    """
    return _ours(module, "")


def _ours(module: nn.Module, path: str) -> tuple[Layer[Any, Any], Any]:
    kind = type(module)
    if isinstance(module, nn.Sequential):
        parts = [_ours(part, f"{path}.{name}".lstrip(".")) for name, part in module.named_children()]
        return serial(*[net for net, _ in parts]), tuple(params for _, params in parts)
    if isinstance(module, nn.Linear) and kind is nn.Linear and module.bias is not None:
        return linear, Linear(module.weight.detach().clone(), module.bias.detach().clone())
    if isinstance(module, nn.BatchNorm1d) and module.affine and module.bias is not None:
        params = BatchNorm(module.weight.detach().clone(), module.bias.detach().clone())
        if module.training or module.running_mean is None or module.running_var is None:
            return batch_norm(module.eps), params
        return batch_norm_by(Statistics(module.running_mean.clone(), module.running_var.clone()), module.eps), params
    if isinstance(module, nn.Embedding) and (module.padding_idx, module.max_norm, module.scale_grad_by_freq) == (None, None, False):
        return embedding, Embedding(module.weight.detach().clone())
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1 and module.bias is not None:
        return layer_norm(module.eps), LayerNorm(module.weight.detach().clone(), module.bias.detach().clone())
    if isinstance(module, nn.RMSNorm) and len(module.normalized_shape) == 1 and module.weight is not None:
        eps = torch.finfo(module.weight.dtype).eps if module.eps is None else module.eps
        return rms_norm(eps), RMSNorm(module.weight.detach().clone())
    if isinstance(module, SelfAttention):
        return attention(module.heads, module.causal), ()
    if isinstance(module, nn.MultiheadAttention) and (found := _with_itself(module)):
        return found
    if kind in _PLAIN:
        return _PLAIN[kind], ()
    if isinstance(module, nn.GELU) and module.approximate in ("none", "tanh"):
        return gelu if module.approximate == "none" else gelu_tanh, ()
    if kind is nn.Dropout and isinstance(module, nn.Dropout):
        return dropout(module.p) if module.training else identity, ()
    if isinstance(module, nn.GLU) and module.dim == -1:
        return glu(), ()
    if isinstance(module, nn.ELU) and module.alpha > 0:
        return elu(module.alpha), ()
    if isinstance(module, nn.LeakyReLU) and module.negative_slope >= 0:
        return leaky_relu(module.negative_slope), ()
    if isinstance(module, nn.Softplus) and module.threshold == 20:
        return softplus(module.beta), ()
    if isinstance(module, nn.Softmax) and module.dim == -1:
        return softmax, ()
    raise ValueError(f"from_torch: {path or 'the module'} is {' '.join(repr(module).split())}, which has no layer here")


def _with_itself(module: nn.MultiheadAttention) -> tuple[Layer[Any, Any], Any] | None:
    """The net of x attending to itself, the batch first; None where the module has more than that, or drops."""
    weight, bias, out = module.in_proj_weight, module.in_proj_bias, module.out_proj
    more = module.bias_k is not None or module.add_zero_attn or not module.batch_first or (module.training and module.dropout)
    if weight is None or bias is None or more:
        return None
    below, above = (Linear(w.detach().clone(), b.detach().clone()) for w, b in ((weight, bias), (out.weight, out.bias)))
    return serial(linear, attention(module.num_heads), linear), (below, (), above)


def to_torch(net: Layer[Any, Any], params: Any) -> nn.Sequential:
    """The `nn.Sequential` that computes what the net computes, equal to the bit, but for what `from_torch` names, and masks.

    The names of its state dict are the places of the layers: `0.weight`, as `nn.Sequential` gives them. A `dense` layer becomes
    `Linear` and its activation, as people write it, and `dense(identity)` a `Linear` alone. Only the forward functions count: torch
    differentiates the module by itself.

    Args:
        net: a layer, or `serial` of `linear`, `dense`, norms, `attention`, activations and `serial`.
        params: those of the net.

    Returns:
        A module with parameters in memory of their own.

    Raises:
        ValueError: a layer that torch has no module for, with its place; or params that do not fit the net.

    >>> import torch
    >>> from pure_mlp import mlp
    >>> to_torch(*mlp((3, 4, 2), torch.Generator()))
    Sequential(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=2, bias=True)
    )
    """
    return nn.Sequential(*_theirs(net, params, ""))


def _theirs(net: Layer[Any, Any], params: Any, path: str) -> Iterator[nn.Module]:
    """What the net is in a sequence of modules."""
    made = composition(net)
    if isinstance(made, Serial):
        parts = made.parts()
        if len(parts) != len(params):
            raise ValueError(f"to_torch: {path or 'the net'}: {len(parts)} layers, {len(params)} params")
        for i, (part, p) in enumerate(zip(parts, params)):
            place = f"{path}.{i}".lstrip(".")
            inner = [*_theirs(part, p, place)]
            yield from [nn.Sequential(*inner)] if isinstance(composition(part), Serial) else inner
    elif isinstance(made, Dense):
        affine, f = made.parts()
        yield from _theirs(affine, params, path)
        yield from () if f is identity else _theirs(f, (), path)
    elif function(net) in _WITH_PARAMS:
        module = _WITH_PARAMS[function(net)](params, *constants(net))
        module.load_state_dict({name: t.clone() for name, t in tree_items(params)}, strict=False, assign=True)
        yield module
    elif function(net) is function(glu()) and constants(net) == (sigmoid,):
        yield nn.GLU()
    elif function(net) in _THEIRS:
        yield _THEIRS[function(net)](*constants(net))
    else:
        raise ValueError(f"to_torch: {path or 'the net'} is {layer_name(net)}, which torch.nn has no module for")
