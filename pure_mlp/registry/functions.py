"""What a flag's word means: the tables of activations, losses and optimizers."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from pure_mlp.layer import Activation
from pure_mlp.layers.gelu import gelu, gelu_tanh
from pure_mlp.layers.identity import identity
from pure_mlp.layers.leaky_relu import leaky_relu
from pure_mlp.layers.relu import relu
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.layers.silu import silu
from pure_mlp.layers.softmax import softmax
from pure_mlp.layers.softplus import softplus
from pure_mlp.layers.tanh import tanh
from pure_mlp.losses.bce import bce
from pure_mlp.losses.bce_with_logits import bce_with_logits
from pure_mlp.losses.cross_entropy import cross_entropy
from pure_mlp.losses.mse import mse, squared_norm
from pure_mlp.optim.adam import adam, adamw
from pure_mlp.optim.optimizer import Optimizer
from pure_mlp.optim.rmsprop import rmsprop
from pure_mlp.optim.sgd import sgd
from pure_mlp.signatures import Loss


def mean_squared_norm(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    """The handout's |y_hat_b - y_b|^2, averaged over the examples b, so that its size does not depend on that of the batch.

    >>> import torch
    >>> mean_squared_norm(torch.zeros(2, 3), torch.ones(2, 3))[0]
    tensor(3.)
    """
    return squared_norm(y, y_hat, "mean")


ACTIVATIONS: dict[str, Activation] = {
    "relu": relu,
    "sigmoid": sigmoid,
    "identity": identity,
    "tanh": tanh,
    "leaky_relu": leaky_relu(),
    "softplus": softplus(),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": silu,
    "softmax": softmax,
}
"""The values of --f and --g; softmax is for --g alone."""

LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "mse": mse,
    "squared_norm": mean_squared_norm,
    "bce": bce,
    "bce_with_logits": bce_with_logits,
}
"""The values of --loss, each a mean over the examples."""

OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {"adam": adam, "adamw": adamw, "sgd": sgd, "rmsprop": rmsprop}
"""The values of --optimizer, as functions of the learning rate."""

RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-1, "rmsprop": 1e-3}
"""The learning rate of each optimizer where --lr is not given."""
