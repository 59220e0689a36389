"""The layers: one row each. The order is that of the command line's choices."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.attention import attention
from pure_mlp.layers.batch_norm import BatchNorm, batch_norm
from pure_mlp.layers.dropout import dropout
from pure_mlp.layers.elu import elu
from pure_mlp.layers.embedding import Embedding, embedding
from pure_mlp.layers.gelu import gelu, gelu_tanh
from pure_mlp.layers.glu import glu
from pure_mlp.layers.identity import identity
from pure_mlp.layers.layer_norm import LayerNorm, layer_norm
from pure_mlp.layers.leaky_relu import leaky_relu
from pure_mlp.layers.linear import linear, linear_bottom
from pure_mlp.layers.relu import relu
from pure_mlp.layers.rms_norm import RMSNorm, rms_norm
from pure_mlp.layers.running import batch_norm_by
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.layers.silu import silu
from pure_mlp.layers.softmax import softmax
from pure_mlp.layers.softplus import softplus
from pure_mlp.layers.tanh import tanh
from pure_mlp.registry.equations import Equation
from pure_mlp.registry.layer_row import LayerRow
from pure_mlp.registry.samples import lattice, lattice_linear

__all__ = ["LAYER_ROWS", "row_of"]


def _of_x(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of x as one of params and x."""
    return lambda params, x, *hyperparameters: f(x, *hyperparameters)


def _standardized(params: BatchNorm, x: Tensor, eps: float = 1e-5) -> Tensor:
    """torch's own refuses a batch of one row."""
    rows = x.reshape(-1, x.shape[-1])
    d = x - rows.mean(0)
    return params.weight * d / ((rows - rows.mean(0)) ** 2).mean(0).add(eps).sqrt() + params.bias


def _attended(params: tuple[()], x: Tensor, heads: int = 1) -> Tensor:
    """torch's own has no second derivatives."""
    parts = x.reshape(*x.shape[:-1], 3, heads, x.shape[-1] // 3 // heads)
    q, k, v = (parts[..., i, :, :] for i in range(3))
    weights = torch.softmax(torch.einsum("...thd,...shd->...hts", q, k) / q.shape[-1] ** 0.5, -1)
    return torch.einsum("...hts,...shd->...thd", weights, v).flatten(-2)


def _times(factor: str) -> str:
    return f"{factor} " if factor else ""


_ROWS = (
    LayerRow("linear", linear, lambda p, x: F.linear(x, p.weight, p.bias), params=lattice_linear, shared={"cache is x"}),
    LayerRow(
        "linear_bottom",
        linear_bottom,
        lambda p, x: F.linear(x, p.weight, p.bias),
        params=lattice_linear,
        shared={"cache is x"},
        has_dx=False,
    ),
    LayerRow(
        "embedding",
        embedding,
        lambda p, x: F.embedding(x, p.weight),
        inputs=lambda g, shape: torch.randint(5, shape, generator=g),
        params=lambda g, dtype: Embedding(lattice(g, 5, 3, dtype=dtype)),
        shared={"cache is x"},
        has_dx=False,
    ),
    LayerRow(
        "layer_norm",
        layer_norm(),
        lambda p, x, eps=1e-5: F.layer_norm(x, x.shape[-1:], p.weight, p.bias, eps),
        make=layer_norm,
        hyperparameters=((0.5,),),
        init=lambda n: LayerNorm(torch.ones(n), torch.zeros(n)),
        to_the_bit=False,
    ),
    LayerRow(
        "rms_norm",
        rms_norm(),
        lambda p, x, eps=1e-5: F.rms_norm(x, x.shape[-1:], p.weight, eps),
        make=rms_norm,
        init=lambda n: RMSNorm(torch.ones(n)),
        to_the_bit=False,
    ),
    LayerRow(
        "batch_norm",
        batch_norm(),
        _standardized,
        make=batch_norm,
        init=lambda n: BatchNorm(torch.ones(n), torch.zeros(n)),
        independent=False,
        to_the_bit=False,
        evaluated=lambda layer, statistics: batch_norm_by(next(statistics), *getattr(layer.fwd, "args", ())),
    ),
    LayerRow(
        "dropout",
        dropout(0.5, 0),
        lambda p, x, rate=0.5: x * dropout(rate, 0).fwd((), torch.ones_like(x))[0],
        make=lambda rate=0.5: dropout(rate, 0),
        scalars=True,
        independent=False,
        evaluated=lambda layer, statistics: identity,
    ),
    LayerRow("glu", glu(), _of_x(F.glu), shared={"cache.0 is x"}, to_the_bit=False),
    LayerRow(
        "attention",
        attention(),
        _attended,
        make=attention,
        example=(3, 6),
        shared={"cache is x"},
        to_the_bit=False,
    ),
    LayerRow(
        "relu",
        relu,
        _of_x(torch.relu),
        scalars=True,
        kinks=(0.0,),
        ends=(0, 1, 0, inf),
        word="relu",
        equation=lambda: Equation(
            r"\operatorname{ReLU}",
            r"\max(0, z)",
            r"\begin{cases} 1 & \text{where } z > 0 \\ 0 & \text{else} \end{cases}",
            low=0,
            by_output=r"\mathbf{1}_{y > 0}",
        ),
    ),
    LayerRow(
        "sigmoid",
        sigmoid,
        _of_x(torch.sigmoid),
        scalars=True,
        ends=(0, 0, 0, 1),
        word="sigmoid",
        equation=lambda: Equation(r"\sigma", r"\frac{1}{1 + e^{-z}}", r"f(z) (1 - f(z))", 0, 1, "y (1 - y)"),
    ),
    LayerRow(
        "identity",
        identity,
        _of_x(torch.clone),
        shared={"y is x", "cache is x", "dx is dy"},
        scalars=True,
        ends=(1, 1, -inf, inf),
        word="identity",
        equation=lambda: Equation("", "z", "1", by_output="1"),
    ),
    LayerRow(
        "tanh",
        tanh,
        _of_x(torch.tanh),
        scalars=True,
        ends=(0, 0, -1, 1),
        word="tanh",
        equation=lambda: Equation(r"\operatorname{tanh}", r"\tanh(z)", r"1 - f(z)^2 = 1 - \tanh(z)^2", -1, 1, "1 - y^2"),
    ),
    LayerRow(
        "leaky_relu",
        leaky_relu(),
        _of_x(F.leaky_relu),
        make=leaky_relu,
        hyperparameters=((0.3,), (0.0,)),
        scalars=True,
        kinks=(0.0,),
        ends=(0.01, 1, -inf, inf),
        word="leaky_relu",
        equation=lambda a="0.01": Equation(
            r"\operatorname{LeakyReLU}",
            rf"\begin{{cases}} z & \text{{where }} z > 0 \\ {a} z & \text{{else}} \end{{cases}}",
            rf"\begin{{cases}} 1 & \text{{where }} z > 0 \\ {a} & \text{{else}} \end{{cases}}",
        ),
    ),
    LayerRow(
        "elu",
        elu(),
        _of_x(F.elu),
        make=elu,
        hyperparameters=((0.5,),),
        scalars=True,
        to_the_bit=False,
        kinks=(0.0,),
        ends=(0, 1, -1, inf),
        word="elu",
        equation=lambda a="": Equation(
            r"\operatorname{ELU}",
            rf"\begin{{cases}} z & \text{{where }} z > 0 \\ {a} (e^z - 1) & \text{{else}} \end{{cases}}",
            rf"\begin{{cases}} 1 & \text{{where }} z > 0 \\ {_times(a)}e^z & \text{{else}} \end{{cases}}",
            low=-1,
        ),
    ),
    LayerRow(
        "softplus",
        softplus(),
        _of_x(F.softplus),
        make=softplus,
        hyperparameters=((2.5,),),
        scalars=True,
        to_the_bit=False,
        ends=(0, 1, 0, inf),
        word="softplus",
        equation=lambda b="": Equation(
            r"\operatorname{Softplus}",
            rf"\log(1 + e^{{{_times(b)}z}})" + f" / {b}" * bool(b),
            rf"1 - e^{{-{_times(b)}f(z)}} = \sigma({_times(b)}z)",
            low=0,
            by_output=f"1 - e^{{-{_times(b)}y}}",
        ),
    ),
    LayerRow(
        "gelu",
        gelu,
        _of_x(F.gelu),
        shared={"cache is x"},
        scalars=True,
        ends=(0, 1, nan, inf),
        word="gelu",
        equation=lambda: Equation(r"\operatorname{GELU}", r"z \Phi(z)", r"\Phi(z) + z \varphi(z)", low=-0.16997120747990369),
    ),
    LayerRow(
        "gelu_tanh",
        gelu_tanh,
        _of_x(lambda x: F.gelu(x, approximate="tanh")),
        shared={"cache is x"},
        scalars=True,
        ends=(0, 1, nan, inf),
        word="gelu_tanh",
        equation=lambda: Equation(
            r"\operatorname{GELU}_{\tanh}",
            r"\frac{z}{2} (1 + \tanh(u(z)))",
            r"\frac{1}{2} (1 + \tanh(u(z))) + \frac{z}{2} (1 - \tanh(u(z))^2) v(z)",
            low=-0.17097120747990369,
        ),
    ),
    LayerRow(
        "silu",
        silu,
        _of_x(F.silu),
        shared={"cache is x"},
        scalars=True,
        ends=(0, 1, nan, inf),
        word="silu",
        equation=lambda: Equation(
            r"\operatorname{SiLU}", r"z \sigma(z)", r"\sigma(z) (1 + z (1 - \sigma(z)))", low=-0.27846454276107374
        ),
    ),
    LayerRow(
        "softmax",
        softmax,
        _of_x(lambda x: torch.softmax(x, -1)),
        word="softmax",
        equation=lambda: Equation(
            r"\operatorname{softmax}",
            r"\frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}",
            r"s_i (\delta_{ij} - s_j)",
            0,
            1,
            elementwise=False,
        ),
    ),
)
LAYER_ROWS: dict[str, LayerRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""


def row_of(layer: Layer[Any, Any]) -> LayerRow | None:
    """The row of a layer, whatever its hyperparameters; None where it has none.

    >>> row_of(leaky_relu(0.3)).name
    'leaky_relu'
    """
    return next((row for row in LAYER_ROWS.values() if _rule(row.layer) is _rule(layer)), None)


def _rule(layer: Layer[Any, Any]) -> Callable[..., Any]:
    return getattr(layer.fwd, "func", layer.fwd)
