"""Correct files by people who write layers, and by one who writes whole Jacobians."""

# ruff: noqa: E501 - so that the files look as they do in other hands

from __future__ import annotations

COLUMNS = """
import torch
class Linear:
    def forward(self, W, b, x):
        self.x, self.W = x, W
        return torch.einsum("oi,ib->ob", W, x) + b.unsqueeze(1)
    def backward(self, d):
        return self.W.T @ d, torch.einsum("ob,ib->oi", d, self.x), d.sum(dim=1)
class ReLU:
    def forward(self, z):
        self.mask = z > 0
        return z.masked_fill(~self.mask, 0)
    def backward(self, d):
        return d * self.mask
class Sigmoid:
    def forward(self, z):
        self.a = 1 / (1 + torch.exp(-z))
        return self.a
    def backward(self, d):
        return d * self.a * (1 - self.a)
class Identity:
    def forward(self, z):
        return z
    def backward(self, d):
        return d
KINDS = {"relu": ReLU, "sigmoid": Sigmoid, "identity": Identity}
class MLP:
    def __init__(self, linear_1_in_features, linear_1_out_features, f_function, linear_2_in_features, linear_2_out_features, g_function):
        if not {f_function, g_function} <= set(KINDS):
            raise ValueError("only relu, sigmoid, identity")
        self.f_function = f_function
        self.g_function = g_function
        W1 = torch.randn(linear_1_out_features, linear_1_in_features)
        b1 = torch.randn(linear_1_out_features)
        W2 = torch.randn(linear_2_out_features, linear_2_in_features)
        b2 = torch.randn(linear_2_out_features)
        self.parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
        self.grads = {"dJdW1": W1 * 0, "dJdb1": b1 * 0, "dJdW2": W2 * 0, "dJdb2": b2 * 0}
        self.cache = {}
    def forward(self, x):
        P, chain = self.parameters, [Linear(), KINDS[self.f_function](), Linear(), KINDS[self.g_function]()]
        a = chain[1].forward(chain[0].forward(P["W1"], P["b1"], x.T))
        a = chain[3].forward(chain[2].forward(P["W2"], P["b2"], a))
        self.cache["chain"] = chain
        return a.T
    def backward(self, dJdy_hat):
        l1, f, l2, g = self.cache["chain"]
        d, W2, b2 = l2.backward(g.backward(dJdy_hat.T))
        _, W1, b1 = l1.backward(f.backward(d))
        for n, v in zip(self.grads, (W1, b1, W2, b2)):
            self.grads[n].add_(v)
    def clear_grad_and_cache(self):
        for n in self.grads:
            self.grads[n].fill_(0)
        self.cache = {}
def mse_loss(y, y_hat):
    d = y_hat - y
    return torch.mean(d.pow(2)), d.mul(2).div(d.nelement())
def bce_loss(y, y_hat):
    import torch.nn.functional as F
    N = y.shape[0] * y.shape[1]
    return F.binary_cross_entropy(y_hat, y), torch.true_divide(y_hat - y, torch.clamp(y_hat - y_hat * y_hat, min=1e-12)) / N
if __name__ == "__main__":
    w = torch.ones(1, requires_grad=True)
"""
"""Column vectors, classes, cached masks, einsum, and a check of itself by autograd that nobody runs."""

LAYERS = """
import math
from typing import Dict, List, Tuple
import torch
Tensor = torch.Tensor
class Layer:
    def forward(self, x: Tensor) -> Tensor: raise NotImplementedError
    def backward(self, grad: Tensor) -> Tensor: raise NotImplementedError
class Dense(Layer):
    def __init__(self, owner, i: int): self.owner, self.i = owner, i
    def forward(self, x):
        self.x = x
        return torch.einsum('bi,oi->bo', x, self.owner.parameters[f'W{self.i}']) + self.owner.parameters[f'b{self.i}'][None, :]
    def backward(self, grad):
        self.owner.grads[f'dJdW{self.i}'] += torch.einsum('bo,bi->oi', grad, self.x)
        self.owner.grads[f'dJdb{self.i}'] += torch.einsum('bo->o', grad)
        return torch.einsum('bo,oi->bi', grad, self.owner.parameters[f'W{self.i}'])
class Relu(Layer):
    def forward(self, x):
        self.out = x.clamp(min=0)
        return self.out
    def backward(self, grad):
        out = grad.clone()
        out[self.out <= 0] = 0
        return out
class Sigmoid(Layer):
    def forward(self, x):
        self.out = 0.5 * (torch.tanh(0.5 * x) + 1)
        return self.out
    def backward(self, grad): return (self.out - self.out.square()) * grad
class Identity(Layer):
    def forward(self, x): return x
    def backward(self, grad): return grad
class MLP:
    def __init__(self, in1: int, out1: int, f_function: str, in2: int, out2: int, g_function: str):
        kinds = {'relu': Relu, 'sigmoid': Sigmoid, 'identity': Identity}
        for name in (f_function, g_function):
            if name not in kinds: raise ValueError(f'{name} is not in {sorted(kinds)}')
        self.f_function, self.g_function = f_function, g_function
        self.parameters: Dict[str, Tensor] = {'W1': torch.randn((out1, in1)), 'b1': torch.randn((out1,)), 'W2': torch.randn((out2, in2)), 'b2': torch.randn((out2,))}
        self.grads: Dict[str, Tensor] = {'dJd' + k: torch.zeros_like(v) for k, v in self.parameters.items()}
        self.cache: Dict[str, Tensor] = {}
        self.layers: List[Layer] = [Dense(self, 1), kinds[f_function](), Dense(self, 2), kinds[g_function]()]
    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers: x = layer.forward(x)
        return x
    def backward(self, dJdy_hat: Tensor) -> None:
        for layer in reversed(self.layers): dJdy_hat = layer.backward(dJdy_hat)
    def clear_grad_and_cache(self) -> None:
        for g in self.grads.values(): g.copy_(torch.zeros_like(g))
        self.cache = {}
def mse_loss(y: Tensor, y_hat: Tensor) -> Tuple[Tensor, Tensor]:
    n = math.prod(y.shape)
    return torch.dist(y, y_hat) ** 2 / n, 2 / n * (y_hat - y)
def bce_loss(y: Tensor, y_hat: Tensor) -> Tuple[Tensor, Tensor]:
    lower = torch.full_like(y_hat, -100.)
    J = torch.neg(y * torch.maximum(y_hat.log(), lower) + (1 - y) * torch.maximum(torch.log1p(-y_hat), lower)).mean()
    slope = y_hat * (1 - y_hat)
    slope[slope < 1e-12] = 1e-12
    return J, (y_hat - y) / slope / y.numel()
"""
"""Layers that own their inputs and write into the net's grads; sigmoid by tanh; the cache dict not used at all."""

BATCHED = '''
import torch

class MLP:
    names = ("relu", "sigmoid", "identity")

    def __init__(self, a, b, f, c, d, g):
        if f not in MLP.names or g not in MLP.names:
            raise ValueError("f, g: relu | sigmoid | identity")
        self.f_function = f
        self.g_function = g
        self.parameters = {"W1": torch.randn(b, a), "b1": torch.randn(b), "W2": torch.randn(d, c), "b2": torch.randn(d)}
        self.grads = {"dJdW1": torch.zeros(b, a), "dJdb1": torch.zeros(b), "dJdW2": torch.zeros(d, c), "dJdb2": torch.zeros(d)}
        self.cache = {}

    def forward(self, x):
        W1, b1, W2, b2 = (self.parameters[k] for k in ("W1", "b1", "W2", "b2"))
        x = x.unsqueeze(2)                                       # (B, n, 1): column vectors
        z1 = torch.matmul(W1, x) + b1.view(-1, 1)
        z2, J1 = self._diag(self.f_function, z1)
        z3 = torch.matmul(W2, z2) + b2.view(-1, 1)
        y_hat, J2 = self._diag(self.g_function, z3)
        self.cache = {"x": x, "z2": z2, "J1": J1, "J2": J2, "W2": W2.clone()}
        return y_hat.squeeze(2)

    def _diag(self, name, z):
        """The value, and the whole Jacobian matrix of every sample."""
        if name == "relu":
            a, s = torch.relu(z), (z > 0).float()
        elif name == "sigmoid":
            a = torch.sigmoid(z)
            s = a * (1 - a)
        else:
            a, s = z, torch.ones_like(z)
        return a, torch.diag_embed(s.squeeze(2))

    def backward(self, dJdy_hat):
        row = dJdy_hat.unsqueeze(1)                              # (B, 1, k): numerator layout
        row3 = torch.bmm(row, self.cache["J2"])
        row1 = torch.matmul(row3, self.cache["W2"]).bmm(self.cache["J1"])
        self.grads["dJdW2"] += torch.bmm(row3.transpose(1, 2), self.cache["z2"].transpose(1, 2)).sum(0)
        self.grads["dJdb2"] += row3.sum((0, 1))
        self.grads["dJdW1"] += torch.bmm(row1.transpose(1, 2), self.cache["x"].transpose(1, 2)).sum(0)
        self.grads["dJdb1"] += row1.sum((0, 1))

    def clear_grad_and_cache(self):
        for grad in self.grads.values():
            grad[...] = 0
        self.cache = {}

def mse_loss(y, y_hat):
    diff = (y_hat - y).flatten()
    return diff.dot(diff) / diff.numel(), (2 * diff / diff.numel()).view_as(y)

def bce_loss(y, y_hat):
    p = torch.where(y_hat > 0, y_hat, torch.tensor(1.4e-45)).log().clamp(-100)
    q = torch.where(y_hat < 1, 1 - y_hat, torch.tensor(1.4e-45)).log().clamp(-100)
    return -(y * p + (1 - y) * q).mean(), (y_hat - y).div(((1 - y_hat) * y_hat).clamp(1e-12)).div(y.numel())
'''
"""Batches of column vectors in numerator layout, whole Jacobians."""
