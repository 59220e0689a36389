"""The homework's network, Linear_1 -> f -> Linear_2 -> g (1.1), with every derivative written by hand; no autograd.

Numbers in parentheses are the handout's equations. The handout writes one example as a column. Here a batch is the rows of x, as in
torch: W x becomes x W^T, and dz x^T of one example becomes dz^T x, which is the sum of dz x^T over the batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# a = f(z), and dJ/dz = da/dz dJ/da as a function of a and dJ/da. The matrix da/dz is diagonal: multiply element by element.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    # (17): 1 where a > 0, which is where z > 0; 0 elsewhere, at z = 0 too
    "relu": (lambda z: z.clamp(min=0), lambda a, dJda: dJda.masked_fill(a <= 0, 0)),
    # (20), (23), (27) as f, (21), (22) as g: a (1 - a). torch.sigmoid: 1 / (1 + exp(-z)) would round in another way
    "sigmoid": (torch.sigmoid, lambda a, dJda: dJda * (1 - a) * a),
    # (1), (2), (3), (18): the identity matrix
    "identity": (lambda z: z, lambda a, dJda: dJda),
}


class MLP:
    """The network. `parameters` holds W1 (out1, in1), b1 (out1,), W2 (out2, in2), b2 (out2,); `grads` the same as dJdW1, dJdb1, ..

    Every `forward` reads `parameters` anew and leaves in `cache` what `backward` needs.
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
        self.f_function: str = f_function
        self.g_function: str = g_function
        W1, b1 = torch.randn(linear_1_out_features, linear_1_in_features), torch.randn(linear_1_out_features)
        W2, b2 = torch.randn(linear_2_out_features, linear_2_in_features), torch.randn(linear_2_out_features)
        self.parameters: dict[str, Tensor] = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.grads: dict[str, Tensor] = {f"dJd{name}": torch.zeros_like(parameter) for name, parameter in self.parameters.items()}
        self.cache: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """Table 1.2(b) for every row of x: (batch, in1) -> y_hat (batch, out2)."""
        W1, b1, W2, b2 = (self.parameters[name] for name in ("W1", "b1", "W2", "b2"))
        z1 = torch.addmm(b1, x, W1.t())  # x W1^T + b1; the call that nn.Linear makes, so that both round alike
        z2 = ACTIVATIONS[self.f_function][0](z1)
        z3 = torch.addmm(b2, z2, W2.t())
        y_hat = ACTIVATIONS[self.g_function][0](z3)
        self.cache = {"x": x, "z2": z2, "W2": W2, "y_hat": y_hat}
        return y_hat

    def backward(self, dJdy_hat: Tensor) -> None:
        """Step 4 of 1.2(a): compute the gradients from dJ/dy_hat (batch, out2) and add them to `grads`.

        They are sums over the batch: the 1/numel of a mean is in dJ/dy_hat already.
        """
        if not self.cache:
            raise RuntimeError("backward before forward: the cache is empty")
        x, z2, W2, y_hat = (self.cache[name] for name in ("x", "z2", "W2", "y_hat"))
        dJdz3 = ACTIVATIONS[self.g_function][1](y_hat, dJdy_hat)  # (6), (25)
        dJdz2 = dJdz3 @ W2  # (W2)^T dJ/dz3 in (14)
        dJdz1 = ACTIVATIONS[self.f_function][1](z2, dJdz2)  # dz2/dz1 dJ/dz2 in (14)
        self.grads["dJdW1"] += dJdz1.t() @ x  # (13), (14)
        self.grads["dJdb1"] += dJdz1.sum(0)  # (16); the table of 1.2(c) has a factor dz2/dz1 too many
        self.grads["dJdW2"] += dJdz3.t() @ z2  # (7), (8), (9)
        self.grads["dJdb2"] += dJdz3.sum(0)  # (11), (12)

    def clear_grad_and_cache(self) -> None:
        """Step 3 of 1.2(a): zero every gradient in place, and forget the last `forward`."""
        for grad in self.grads.values():
            grad.zero_()
        self.cache = {}


def mse_loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    """J = mean of (y_hat - y)^2, label first, and dJ/dy_hat = 2 (y_hat - y) / numel.

    The handout's loss of one example is the sum |y_hat - y|^2, with the gradient 2 (y_hat - y) of (5), (19). For a batch J is the
    mean over all batch x K elements, as in nn.MSELoss, so that its size does not grow with them: hence the division by numel.

    >>> mse_loss(torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0, 4.0]]))
    (tensor(2.5000), tensor([[1., 2.]]))
    """
    if y.shape != y_hat.shape:
        raise ValueError(f"y {tuple(y.shape)} and y_hat {tuple(y_hat.shape)}, expected the same shape")
    d = y_hat - y
    return (d * d).mean(), d * (2 / max(d.numel(), 1))


def bce_loss(y: Tensor, y_hat: Tensor) -> tuple[Tensor, Tensor]:
    """J = mean of -[y log y_hat + (1 - y) log(1 - y_hat)], label first, and dJ/dy_hat = (y_hat - y) / (y_hat (1 - y_hat)) / numel.

    The solution of 1.3(b), whose question has y_hat in the place of y, and (24); times the slope of a sigmoid that is (26),
    (y_hat - y) / numel. (24) is singular at y_hat of 0 and 1, which a sigmoid in float32 reaches. There torch bounds each log
    at -100 and the denominator at 1e-12, and so does this, in torch's order of operations.

    >>> bce_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 0.5]]))
    (tensor(0.6931), tensor([[-1.,  1.]]))
    """
    if y.shape != y_hat.shape:
        raise ValueError(f"y {tuple(y.shape)} and y_hat {tuple(y_hat.shape)}, expected the same shape")
    log_y_hat, log_1_y_hat = y_hat.log().clamp(min=-100), torch.log1p(-y_hat).clamp(min=-100)
    J = ((y - 1) * log_1_y_hat - y * log_y_hat).mean()
    return J, (y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=1e-12) / y.numel()
