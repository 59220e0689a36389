"""The homework's network, Linear_1 -> f -> Linear_2 -> g, trained by derivatives written by hand; no autograd.

A face with state over the pure functions of `pure_mlp`: it keeps what they take and return in three dicts.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from pure_mlp.layer import Activation, serial
from pure_mlp.layers.identity import identity
from pure_mlp.layers.linear import Linear, linear, linear_bottom
from pure_mlp.layers.relu import relu
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.losses.bce import bce
from pure_mlp.losses.mse import mse

ACTIVATIONS: dict[str, Activation] = {"relu": relu, "sigmoid": sigmoid, "identity": identity}

Run: TypeAlias = tuple[tuple[Linear, tuple[()], Linear, tuple[()]], tuple[Tensor, Tensor, Tensor, Tensor]]


class MLP:
    """Linear_1 -> f -> Linear_2 -> g (handout 1.1); f and g are each `relu`, `sigmoid` or `identity`.

    `parameters` holds W1 (out1, in1), b1 (out1,), W2 (out2, in2), b2 (out2,), standard normal, read anew by each `forward`: entries
    may be replaced, shared, or changed in place. `grads` holds dJdW1, dJdb1, dJdW2, dJdb2 of the same shapes, zero at first.
    `cache` holds what the last `forward` left for `backward`. Raises `ValueError` for an unknown activation.

    >>> net = MLP(2, 10, "relu", 10, 3, "identity")
    >>> J, dJdy_hat = mse_loss(torch.zeros(5, 3), net.forward(torch.ones(5, 2)))
    >>> net.backward(dJdy_hat)
    >>> net.grads["dJdW1"].shape
    torch.Size([10, 2])
    """

    def __init__(
        self,
        linear_1_in_features: int,
        linear_1_out_features: int,
        f_function: str,
        linear_2_in_features: int,
        linear_2_out_features: int,
        g_function: str,
    ) -> None:
        for name in (f_function, g_function):
            if name not in ACTIVATIONS:
                raise ValueError(f"activation {name!r}, expected one of {', '.join(ACTIVATIONS)}")
        self.f_function = f_function
        self.g_function = g_function
        self.layers = serial(linear_bottom, ACTIVATIONS[f_function], linear, ACTIVATIONS[g_function])
        self.parameters: dict[str, Tensor] = {
            "W1": torch.randn(linear_1_out_features, linear_1_in_features),
            "b1": torch.randn(linear_1_out_features),
            "W2": torch.randn(linear_2_out_features, linear_2_in_features),
            "b2": torch.randn(linear_2_out_features),
        }
        self.grads: dict[str, Tensor] = {f"dJd{name}": torch.zeros_like(p) for name, p in self.parameters.items()}
        self.cache: dict[str, Run] = {}

    def forward(self, x: Tensor) -> Tensor:
        """y_hat = g(W2 f(W1 x + b1) + b2) for every row of x: (batch, in1) -> (batch, out2).

        >>> MLP(2, 10, "relu", 10, 3, "sigmoid").forward(torch.ones(5, 2)).shape
        torch.Size([5, 3])
        """
        p = self.parameters
        params = (Linear(p["W1"], p["b1"]), (), Linear(p["W2"], p["b2"]), ())
        y_hat, cache = self.layers.fwd(params, x)
        self.cache["forward"] = params, cache
        return y_hat

    def backward(self, dJdy_hat: Tensor) -> None:
        """Add to `grads` the gradients of J at the last `forward` (handout (9), (12), (14), (16)), given dJ/dy_hat (batch, out2).

        They are sums over the batch: a mean belongs to the loss. Raises `RuntimeError` before the first `forward`.

        >>> MLP(2, 10, "relu", 10, 3, "sigmoid").backward(torch.ones(5, 3))
        Traceback (most recent call last):
        RuntimeError: backward before forward: the cache is empty
        """
        if not self.cache:
            raise RuntimeError("backward before forward: the cache is empty")
        params, cache = self.cache["forward"]
        _, (linear_1, _, linear_2, _) = self.layers.bwd(params, cache, dJdy_hat)
        self.grads["dJdW1"] += linear_1.weight
        self.grads["dJdb1"] += linear_1.bias
        self.grads["dJdW2"] += linear_2.weight
        self.grads["dJdb2"] += linear_2.bias

    def clear_grad_and_cache(self) -> None:
        """Zero every tensor of `grads` in place, and start with a new, empty `cache`.

        >>> MLP(2, 10, "relu", 10, 3, "sigmoid").clear_grad_and_cache()
        """
        for grad in self.grads.values():
            grad.zero_()
        self.cache = {}


def mse_loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    """J = mean over all elements of (y_hat - y)^2, label first, and dJ/dy_hat = 2 (y_hat - y) / numel.

    >>> mse_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]]))
    (tensor(2.5000), tensor([[1., 2.]]))
    """
    return mse(y, y_hat)


def bce_loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    """J = mean over all elements of -[y log y_hat + (1 - y) log(1 - y_hat)], label first, and dJ/dy_hat; clamped as in torch.

    >>> bce_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]))
    (tensor(0.6931), tensor([[-1.,  1.]]))
    """
    return bce(y, y_hat)
