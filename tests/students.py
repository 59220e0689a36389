"""Files as people write them, right and wrong, none of them made by our own mutations."""

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


MODULE = '''
"""Homework 1. With autograd this would be loss.backward() and W1.requires_grad_(); here it is done by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

class MLP(nn.Module):
    ACT = {"relu": F.relu, "sigmoid": torch.sigmoid, "identity": lambda z: z}

    def __init__(self, in1, out1, f_function, in2, out2, g_function):
        super().__init__()
        if f_function not in self.ACT or g_function not in self.ACT:
            raise ValueError("f and g have to be one of " + str(list(self.ACT)))
        self.f_function = f_function
        self.g_function = g_function
        self.parameters = {}
        self.parameters["W1"] = torch.randn(out1, in1)
        self.parameters["b1"] = torch.randn(out1)
        self.parameters["W2"] = torch.randn(out2, in2)
        self.parameters["b2"] = torch.randn(out2)
        self.grads = {"dJd" + k: torch.zeros(v.size(), requires_grad=False) for k, v in self.parameters.items()}
        self.cache = {}

    def forward(self, x):
        with torch.no_grad():
            self.cache["x"] = x
            self.cache["s1"] = F.linear(x, self.parameters["W1"], self.parameters["b1"])
            self.cache["a1"] = self.ACT[self.f_function](self.cache["s1"])
            self.cache["s2"] = F.linear(self.cache["a1"], self.parameters["W2"], self.parameters["b2"])
            self.cache["a2"] = self.ACT[self.g_function](self.cache["s2"])
        return self.cache["a2"]

    def _delta(self, kind, s, a):
        # torch.autograd.grad(a, s) would be the same
        if kind == "relu":
            return torch.where(s > 0, torch.ones_like(s), torch.zeros_like(s))
        if kind == "sigmoid":
            return a.mul(a.neg().add(1))
        return torch.ones_like(s)

    @torch.no_grad()
    def backward(self, dJdy_hat):
        delta2 = torch.mul(dJdy_hat, self._delta(self.g_function, self.cache["s2"], self.cache["a2"]))
        delta1 = torch.matmul(delta2, self.parameters["W2"]) * self._delta(self.f_function, self.cache["s1"], self.cache["a1"])
        self.grads["dJdW2"] += torch.matmul(delta2.transpose(0, 1), self.cache["a1"])
        self.grads["dJdb2"] += torch.sum(delta2, dim=0)
        self.grads["dJdW1"] += torch.matmul(delta1.transpose(0, 1), self.cache["x"])
        self.grads["dJdb1"] += torch.sum(delta1, dim=0)

    def clear_grad_and_cache(self):
        for k in self.grads:
            self.grads[k].zero_()
        self.cache = dict()

def mse_loss(y, y_hat):
    return F.mse_loss(y_hat, y), 2.0 / y_hat.numel() * (y_hat - y)

def bce_loss(y, y_hat):
    loss = F.binary_cross_entropy(y_hat, y)
    grad = (y_hat - y) / torch.clamp(y_hat * (1.0 - y_hat), min=1e-12)
    return loss, grad / y_hat.shape[0] / y_hat.shape[1]

def compare_with_autograd():
    lin = nn.Linear(3, 2)
    loss = lin(torch.ones(4, 3)).sum()
    loss.backward()
    print(lin.weight.grad)

if __name__ == "__main__":
    compare_with_autograd()
'''
"""A module, functional forms, no_grad, words about autograd, and a comparison with it that importing does not reach."""

SAMPLES = """
import torch
class MLP:
    def __init__(self, n, h, f, h2, k, g):
        for s in [f, g]:
            if not (s == "relu" or s == "sigmoid" or s == "identity"):
                raise ValueError("unknown: %s (relu, sigmoid, identity)" % s)
        self.f_function, self.g_function = f, g
        self.parameters = {'W1': torch.randn(h, n), 'b1': torch.randn(h), 'W2': torch.randn(k, h2), 'b2': torch.randn(k)}
        self.grads = {'dJdW1': torch.zeros(h, n), 'dJdb1': torch.zeros(h), 'dJdW2': torch.zeros(k, h2), 'dJdb2': torch.zeros(k)}
        self.cache = {}
    def act(self, which, z):
        if which == "relu": return z * (z > 0)
        if which == "sigmoid": return torch.sigmoid(z)
        return z
    def slope(self, which, z):
        if which == "relu": return (z > 0) * 1.0
        if which == "sigmoid": return torch.sigmoid(z) * torch.sigmoid(-z)
        return 1.0
    def forward(self, x):
        self.cache['samples'] = []
        out = []
        for row in x:
            z1 = self.parameters['W1'].mv(row) + self.parameters['b1']
            z2 = self.act(self.f_function, z1)
            z3 = self.parameters['W2'].mv(z2) + self.parameters['b2']
            self.cache['samples'].append((row, z1, z2, z3))
            out.append(self.act(self.g_function, z3))
        return torch.stack(out)
    def backward(self, dJdy_hat):
        for d, (row, z1, z2, z3) in zip(dJdy_hat, self.cache['samples']):
            e3 = d * self.slope(self.g_function, z3)
            e1 = self.parameters['W2'].t().mv(e3) * self.slope(self.f_function, z1)
            self.grads['dJdW2'] += torch.ger(e3, z2)
            self.grads['dJdb2'] += e3
            self.grads['dJdW1'] += torch.ger(e1, row)
            self.grads['dJdb1'] += e1
    def clear_grad_and_cache(self):
        for key in self.grads.keys():
            self.grads[key] *= 0
        self.cache = {}
def mse_loss(y, y_hat):
    total = torch.zeros(())
    for a, b in zip(y.reshape(-1), y_hat.reshape(-1)):
        total = total + (a - b) * (a - b)
    n = y.size(0) * y.size(1)
    return total / n, -2 * (y - y_hat) / n
def bce_loss(y, y_hat):
    n = y.size(0) * y.size(1)
    log = lambda p: torch.max(torch.log(p), torch.tensor(-100.0))
    J = -torch.mean(y * log(y_hat) + (1 - y) * log(1 - y_hat))
    return J, (y_hat - y) / torch.max((1 - y_hat) * y_hat, torch.tensor(1e-12)) / n
"""
"""A sample at a time, outer products, slopes from the input."""

CLOSURES = """
import torch
from torch import nn
def linear(W, b, x):
    return torch.addmm(b, x, W.t()), lambda d: (d.mm(W), d.t().mm(x), d.sum(0))
def relu(z):
    mask = (z > 0).type_as(z)
    return z * mask, lambda d: d * mask
def sigmoid(z):
    a = nn.Sigmoid()(z)
    return a, lambda d: d * a * (1 - a)
def identity(z):
    return z.clone(), lambda d: d
activations = dict(relu=relu, sigmoid=sigmoid, identity=identity)
class MLP(object):
    def __init__(self, linear_1_in_features, linear_1_out_features, f_function, linear_2_in_features, linear_2_out_features, g_function):
        try:
            activations[f_function], activations[g_function]
        except KeyError as e:
            raise ValueError(f"{e}: use relu, sigmoid or identity")
        self.f_function, self.g_function = f_function, g_function
        shapes = [("W1", (linear_1_out_features, linear_1_in_features)), ("b1", (linear_1_out_features,)), ("W2", (linear_2_out_features, linear_2_in_features)), ("b2", (linear_2_out_features,))]
        self.parameters = {name: torch.randn(*shape) for name, shape in shapes}
        self.grads = {"dJd" + name: torch.zeros(*shape) for name, shape in shapes}
        self.cache = {}
    def forward(self, x):
        p = self.parameters
        z1, self.cache["back1"] = linear(p["W1"], p["b1"], x)
        z2, self.cache["backf"] = activations[self.f_function](z1)
        z3, self.cache["back2"] = linear(p["W2"], p["b2"], z2)
        y_hat, self.cache["backg"] = activations[self.g_function](z3)
        return y_hat
    def backward(self, dJdy_hat):
        d, dW2, db2 = self.cache["back2"](self.cache["backg"](dJdy_hat))
        _, dW1, db1 = self.cache["back1"](self.cache["backf"](d))
        for name, d in dict(W1=dW1, b1=db1, W2=dW2, b2=db2).items():
            self.grads["dJd" + name].add_(d)
    def clear_grad_and_cache(self):
        [g.fill_(0.0) for g in self.grads.values()]
        self.cache = {}
def mse_loss(y, y_hat):
    e = y_hat - y
    return (e * e).mean(), e * (2 / e.numel())
def bce_loss(y, y_hat):
    J = nn.BCELoss()(y_hat, y)
    return J, (y_hat - y) / (y_hat - y_hat ** 2).clamp_min(1e-12) / y_hat.nelement()
"""
"""Closures for derivatives, addmm, the losses of torch for the value."""

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

STYLES = {"columns": COLUMNS, "module": MODULE, "samples": SAMPLES, "closures": CLOSURES, "layers": LAYERS, "batched": BATCHED}


def instead(source: str, *changes: tuple[str, str]) -> str:
    """The file with some of its code in another student's hand. Raises `LookupError` where there is none to replace."""
    for old, new in changes:
        if old not in source:
            raise LookupError(old)
        source = source.replace(old, new)
    return source


OWN_BCE = MODULE[MODULE.index("    loss = F.binary") : MODULE.index("def compare")]
WRONG: dict[str, tuple[str, set[str]]] = {
    "the mask asks the output for >= 0": (instead(CLOSURES, ("mask = (z > 0).type_as(z)\n    return z * mask", "a = z.clamp(min=0)\n    mask = (a >= 0).type_as(z)\n    return a")), {"relu slope 1"}),
    "a helper that expects z is given a": (instead(MODULE, ("return a.mul(a.neg().add(1))", "s = torch.sigmoid(a)\n            return s * (1 - s)")), {"slope from output"}),
    "a helper that expects a is given z": (instead(SAMPLES, ("return torch.sigmoid(z) * torch.sigmoid(-z)", "return z * (1 - z)")), {"slope from input"}),
    "copy and paste of the activation's name": (instead(SAMPLES, ("self.slope(self.f_function, z1)", "self.slope(self.g_function, z1)")), {"f slope of g at z"}),
    "x first": (instead(MODULE, ("torch.matmul(delta1.transpose(0, 1), self.cache[\"x\"])", "torch.matmul(self.cache[\"x\"].t(), delta1)")), {"W1 transposed"}),
    "mean for the biases": (instead(MODULE, ("torch.sum(delta2, dim=0)", "torch.mean(delta2, dim=0)"), ("torch.sum(delta1, dim=0)", "delta1.mean(axis=0)")), {"mean of biases"}),
    "divided by m as in the lecture": (instead(CLOSURES, ("(d.mm(W), d.t().mm(x), d.sum(0))", "(d.mm(W), d.t().mm(x) / x.shape[0], d.sum(0) / x.shape[0])")), {"mean in backward"}),
    "the weights kept as attributes": (instead(LAYERS, ("self.owner, self.i = owner, i", "self.owner, self.i, self.W, self.b = owner, i, owner.parameters[f'W{i}'], owner.parameters[f'b{i}']"), ("self.owner.parameters[f'W{self.i}']", "self.W"), ("self.owner.parameters[f'b{self.i}']", "self.b")), {"parameters copied"}),
    "= in the place of +=": (instead(MODULE, ('"] += torch', '"] = torch')), {"overwriting"}),
    "no square's 2 and the batch only": (instead(CLOSURES, ("e * (2 / e.numel())", "e / e.shape[0]")), {"mse dJdy_hat per batch", "mse dJdy_hat half"}),
    "y_hat first": (instead(SAMPLES, ("def mse_loss(y, y_hat)", "def mse_loss(y_hat, y)")), {"mse dJdy_hat sign"}),
    "BCE as in the textbook": (instead(MODULE, (OWN_BCE, "    loss = -(y * torch.log(y_hat) + (1 - y) * torch.log(1 - y_hat)).mean()\n    grad = -(y / y_hat - (1 - y) / (1 - y_hat)) / y.numel()\n    return loss, grad\n\n")), {"bce J not clamped", "bce dJdy_hat not clamped"}),
    "BCE with an epsilon": (instead(MODULE, (OWN_BCE, "    eps = 1e-7\n    y_hat = torch.clamp(y_hat, eps, 1 - eps)\n    loss = -torch.mean(y * y_hat.log() + (1 - y) * (1 - y_hat).log())\n    return loss, ((1 - y) / (1 - y_hat) - y / y_hat) / y.numel()\n\n")), {"bce J epsilon clamped 1e-07", "bce dJdy_hat epsilon clamped 1e-07"}),
    "the table of the handout": (instead(BATCHED, ('["dJdb1"] += row1.sum((0, 1))', '["dJdb1"] += torch.bmm(row1, self.cache["J1"]).sum((0, 1))')), {"b1 of the handout"}),
    "the slope of g forgotten, and W2 the wrong way round": (instead(SAMPLES, ("e3 = d * self.slope(self.g_function, z3)", "e3 = d"), ("['W2'].t().mv(e3)", "['W2'].mv(e3)")), {"g slope missing", "W2 not transposed"}),
    "b1 forgotten, b2's gradient from y_hat": (instead(BATCHED, (" + b1.view(-1, 1)", ""), ("row3.sum((0, 1))", "dJdy_hat.sum(0)")), {"no b1", "b2 without g slope"}),
    "forward remembers its first batch": (instead(CLOSURES, ('        z1, self.cache["back1"] =', '        if "back1" in self.cache:\n            return activations[self.g_function](linear(p["W2"], p["b2"], activations[self.f_function](linear(p["W1"], p["b1"], x)[0])[0])[0])[0]\n        z1, self.cache["back1"] =')), {"stale cache"}),
}  # fmt: skip
"""What is wrong, in words; the file; what the grader is to name."""
