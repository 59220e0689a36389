"""The homework's network, Linear_1 -> f -> Linear_2 -> g, trained by derivatives written by hand; no autograd.

A face with state over the pure functions of `pure_mlp`: it keeps what they take and return in three dicts.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from pure_mlp.layer import Activation
from pure_mlp.layers.identity import identity
from pure_mlp.layers.linear import Linear, linear_fwd, weight_grads
from pure_mlp.layers.relu import relu
from pure_mlp.layers.sigmoid import sigmoid
from pure_mlp.losses.bce import bce
from pure_mlp.losses.mse import mse

ACTIVATIONS: dict[str, Activation] = {"relu": relu, "sigmoid": sigmoid, "identity": identity}

Run: TypeAlias = tuple[Linear, Tensor, Tensor, Linear, Tensor, Tensor]


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
        if not {f_function, g_function} <= ACTIVATIONS.keys():
            raise ValueError(f"activations {f_function!r} and {g_function!r}, expected each one of {', '.join(ACTIVATIONS)}")
        self.f_function, self.g_function = f_function, g_function
        self.f, self.g = ACTIVATIONS[f_function], ACTIVATIONS[g_function]
        W1, b1 = torch.randn(linear_1_out_features, linear_1_in_features), torch.randn(linear_1_out_features)
        W2, b2 = torch.randn(linear_2_out_features, linear_2_in_features), torch.randn(linear_2_out_features)
        self.parameters: dict[str, Tensor] = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.grads: dict[str, Tensor] = {f"dJd{name}": torch.zeros_like(p) for name, p in self.parameters.items()}
        self.cache: dict[str, Run] = {}

    def forward(self, x: Tensor) -> Tensor:
        """y_hat = g(W2 f(W1 x + b1) + b2) for every row of x: (batch, in1) -> (batch, out2).

        Raises `ValueError` with both shapes where the input of Linear_1 or of Linear_2 does not fit its weight.

        >>> MLP(2, 10, "relu", 10, 3, "sigmoid").forward(torch.ones(5, 2)).shape
        torch.Size([5, 3])
        """
        linear_1, z1 = self._linear(1, x)
        z2, f_cache = self.f.fwd((), z1)
        linear_2, z3 = self._linear(2, z2)
        y_hat, g_cache = self.g.fwd((), z3)
        self.cache["forward"] = linear_1, x, f_cache, linear_2, z2, g_cache
        return y_hat

    def _linear(self, n: int, x: Tensor) -> tuple[Linear, Tensor]:
        """The present parameters of Linear_n, and z = Wn x + bn for every row of x."""
        params = Linear(self.parameters[f"W{n}"], self.parameters[f"b{n}"])
        try:
            return params, linear_fwd(params, x)[0]
        except ValueError as error:
            raise ValueError(f"Linear_{n}: {error}") from error

    def backward(self, dJdy_hat: Tensor) -> None:
        """Add to `grads` the gradients of J at the last `forward`, handout (9), (12), (14), (16), given dJ/dy_hat (batch, out2).

        They are sums over the batch: a mean belongs to the loss. Raises `RuntimeError` before the first `forward`, `ValueError`
        where dJdy_hat has not the shape of y_hat.

        >>> MLP(2, 10, "relu", 10, 3, "sigmoid").backward(torch.ones(5, 3))
        Traceback (most recent call last):
        RuntimeError: backward before forward: the cache is empty
        """
        if not self.cache:
            raise RuntimeError("backward before forward: the cache is empty")
        linear_1, x, f_cache, linear_2, z2, g_cache = self.cache["forward"]
        dJdz3, _ = self.g.bwd((), g_cache, dJdy_hat)
        dJdz2 = torch.matmul(dJdz3, linear_2.weight)
        dJdz1, _ = self.f.bwd((), f_cache, dJdz2)
        for n, grads in ((1, weight_grads(linear_1, x, dJdz1)), (2, weight_grads(linear_2, z2, dJdz3))):
            self.grads[f"dJdW{n}"] += grads.weight
            self.grads[f"dJdb{n}"] += grads.bias

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
