"""Correct files by people who write functions."""

# ruff: noqa: E501 - so that the files look as they do in other hands

from __future__ import annotations

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
