"""A correct file in a student's hand, the ways to spoil it, and correct files in other hands."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

from pure_mlp.homework.grade.mistakes import NET

CORRECT = """
import torch

def act(name, z):
    return torch.relu(z) if name == "relu" else torch.sigmoid(z) if name == "sigmoid" else z

def slope_f(name, z, a):
    if name == "relu":
        return (z > 0).float()  # f
    return a * (1 - a) if name == "sigmoid" else torch.ones_like(z)  # f

def slope_g(name, z, a):
    if name == "relu":
        return (z > 0).float()  # g
    return a * (1 - a) if name == "sigmoid" else torch.ones_like(z)  # g

class MLP:
    def __init__(self, n1, h1, f_function, h2, k, g_function):
        for name in (f_function, g_function):
            if name not in ("relu", "sigmoid", "identity"):
                raise ValueError("expected relu, sigmoid or identity, got " + name)
        self.f_function, self.g_function = f_function, g_function
        self.parameters = dict(W1=torch.randn(h1, n1), b1=torch.randn(h1), W2=torch.randn(k, h2), b2=torch.randn(k))
        self.grads = {"dJd" + n: torch.zeros_like(p) for n, p in self.parameters.items()}
        self.cache = dict()

    def forward(self, x):
        p = self.parameters
        z1 = x @ p["W1"].t() + p["b1"]
        z2 = act(self.f_function, z1)
        z3 = z2 @ p["W2"].t() + p["b2"]
        y_hat = act(self.g_function, z3)
        self.cache.update(x=x, z1=z1, z2=z2, z3=z3, y_hat=y_hat)
        return y_hat

    def backward(self, dJdy_hat):
        p, c = self.parameters, self.cache
        d3 = dJdy_hat * slope_g(self.g_function, c["z3"], c["y_hat"])
        d2 = d3 @ p["W2"]
        sf = slope_f(self.f_function, c["z1"], c["z2"])
        d1 = d2 * sf
        new = dict(dJdW1=d1.t() @ c["x"], dJdb1=d1.sum(0), dJdW2=d3.t() @ c["z2"], dJdb2=d3.sum(0))
        for name in new:
            self.grads[name] += new[name]

    def clear_grad_and_cache(self):
        for g in self.grads.values():
            g.zero_()
        self.cache = dict()

def mse_loss(y, y_hat):
    J = ((y_hat - y) ** 2).mean()
    return J, 2 * (y_hat - y) / y_hat.numel()

def bce_loss(y, y_hat):
    J = -(y * y_hat.log().clamp(min=-100) + (1 - y) * (1 - y_hat).log().clamp(min=-100)).mean()
    return J, (y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=1e-12) / y_hat.numel()
"""

Spoil = tuple[tuple[str, str], ...]
S, R = "a * (1 - a) if name", "(z > 0)"
OUT = "torch.sigmoid(a) * (1 - torch.sigmoid(a)) if name"
NEW = "for name in new:"
NET_SPOILS: dict[str, Spoil] = {
    "f slope missing": (("d1 = d2 * sf", "d1 = d2"),),
    "g slope missing": (('* slope_g(self.g_function, c["z3"], c["y_hat"])', ""),),
    "g slope missing below": (("d2 = d3 @", "d2 = dJdy_hat @"),),
    "f slope from output": ((f'{S} == "sigmoid" else torch.ones_like(z)  # f', f'{OUT} == "sigmoid" else torch.ones_like(z)  # f'),),
    "g slope from output": ((f'{S} == "sigmoid" else torch.ones_like(z)  # g', f'{OUT} == "sigmoid" else torch.ones_like(z)  # g'),),
    "f slope from input": ((f'{S} == "sigmoid" else torch.ones_like(z)  # f', 'z * (1 - z) if name == "sigmoid" else torch.ones_like(z)  # f'),),
    "g slope from input": ((f'{S} == "sigmoid" else torch.ones_like(z)  # g', 'z * (1 - z) if name == "sigmoid" else torch.ones_like(z)  # g'),),
    "slopes swapped": (("slope_g(self.g_function", "slope_g(self.f_function"), ("slope_f(self.f_function", "slope_f(self.g_function")),
    "f slope 1 at 0": ((f"{R}.float()  # f", "(z >= 0).float()  # f"),),
    "g slope 1 at 0": ((f"{R}.float()  # g", "(z >= 0).float()  # g"),),
    "slope 1 at 0": ((R, "(z >= 0)"),),
    "b1 of the handout": (("dJdb1=d1.sum(0)", "dJdb1=(d1 * sf).sum(0)"),),
    "W1 transposed": (('dJdW1=d1.t() @ c["x"]', 'dJdW1=c["x"].t() @ d1'),),
    "W2 transposed": (('dJdW2=d3.t() @ c["z2"]', 'dJdW2=c["z2"].t() @ d3'),),
    "W2 not transposed": (('d3 @ p["W2"]', 'd3 @ p["W2"].t()'),),
    "W2 from z1": (('dJdW2=d3.t() @ c["z2"]', 'dJdW2=d3.t() @ c["z1"]'),),
    "mean in backward": ((NEW, f"{NEW}\n            new[name] = new[name] / len(dJdy_hat)"),),
    "mean of biases": (("dJdb1=d1.sum(0)", "dJdb1=d1.mean(0)"), ("dJdb2=d3.sum(0)", "dJdb2=d3.mean(0)")),
    "sign in backward": ((NEW, f"{NEW}\n            new[name] = -new[name]"),),
    "overwriting": (("self.grads[name] += new[name]", "self.grads[name] = new[name]"),),
    "stale cache": (("        self.cache.update(", "        if not self.cache: self.cache.update("),),
    "parameters copied": (("        self.cache = dict()\n\n    def f", "        self.cache = dict()\n        self.own = dict(self.parameters)\n\n    def f"), ("= self.parameters\n", "= self.own\n"), ("p, c = self.parameters,", "p, c = self.own,")),
    "no b1": ((' + p["b1"]', ""),),
    "no b2": ((' + p["b2"]', ""),),
    "f not applied": (("z2 = act(self.f_function, z1)", "z2 = z1"),),
    "g not applied": (("y_hat = act(self.g_function, z3)", "y_hat = z3"),),
}  # fmt: skip
assert NET_SPOILS.keys() == NET.keys()

MSE_J, MSE_D = "((y_hat - y) ** 2).mean()", "2 * (y_hat - y) / y_hat.numel()"
BCE_J = "-(y * y_hat.log().clamp(min=-100) + (1 - y) * (1 - y_hat).log().clamp(min=-100)).mean()"
BCE_D = "(y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=1e-12) / y_hat.numel()"
LOSS_SPOILS: dict[tuple[str, str, str], Spoil] = {
    ("mse", "J", "sum"): ((MSE_J, "((y_hat - y) ** 2).sum()"),),
    ("mse", "J", "per batch"): ((MSE_J, "((y_hat - y) ** 2).sum() / len(y)"),),
    ("mse", "J", "per features"): ((MSE_J, "((y_hat - y) ** 2).sum() / y.shape[1]"),),
    ("mse", "J", "double mean"): ((MSE_J, "((y_hat - y) ** 2).mean() / y.numel()"),),
    ("mse", "J", "half"): ((MSE_J, "((y_hat - y) ** 2).mean() / 2"),),
    ("mse", "J", "sign"): ((MSE_J, "-((y_hat - y) ** 2).mean()"),),
    ("mse", "dJdy_hat", "sum"): ((MSE_D, "2 * (y_hat - y)"),),
    ("mse", "dJdy_hat", "per batch"): ((MSE_D, "2 * (y_hat - y) / len(y)"),),
    ("mse", "dJdy_hat", "per features"): ((MSE_D, "2 * (y_hat - y) / y.shape[1]"),),
    ("mse", "dJdy_hat", "double mean"): ((MSE_D, "2 * (y_hat - y) / y.numel() ** 2"),),
    ("mse", "dJdy_hat", "half"): ((MSE_D, "(y_hat - y) / y_hat.numel()"),),
    ("mse", "dJdy_hat", "sign"): ((MSE_D, "2 * (y - y_hat) / y_hat.numel()"),),
    ("bce", "J", "sum"): ((BCE_J, BCE_J.replace("mean", "sum")),),
    ("bce", "J", "per batch"): ((BCE_J, BCE_J.replace("mean()", "sum() / len(y)")),),
    ("bce", "J", "per features"): ((BCE_J, BCE_J.replace("mean()", "sum() / y.shape[1]")),),
    ("bce", "J", "double mean"): ((BCE_J, BCE_J + " / y.numel()"),),
    ("bce", "J", "sign"): ((BCE_J, BCE_J[1:]),),
    ("bce", "J", "swap"): ((BCE_J, "-(y_hat * y.log().clamp(min=-100) + (1 - y_hat) * (1 - y).log().clamp(min=-100)).mean()"),),
    ("bce", "J", "handout"): ((BCE_J, BCE_J.replace("y * y_hat", "y_hat * y_hat").replace("(1 - y) *", "(1 - y_hat) *")),),
    ("bce", "J", "one term"): ((BCE_J, "-(y * y_hat.log().clamp(min=-100)).mean()"),),
    ("bce", "J", "not clamped"): ((BCE_J, BCE_J.replace(".clamp(min=-100)", "")),),
    ("bce", "J", "epsilon added 1e-08"): ((BCE_J, "-(y * (y_hat + 1e-8).log() + (1 - y) * (1 - y_hat + 1e-8).log()).mean()"),),
    ("bce", "J", "epsilon clamped 1e-07"): ((BCE_J, "-(y * y_hat.clamp(1e-7, 1 - 1e-7).log() + (1 - y) * (1 - y_hat.clamp(1e-7, 1 - 1e-7)).log()).mean()"),),
    ("bce", "dJdy_hat", "sum"): ((BCE_D, BCE_D.replace(" / y_hat.numel()", "")),),
    ("bce", "dJdy_hat", "per batch"): ((BCE_D, BCE_D.replace("y_hat.numel()", "len(y)")),),
    ("bce", "dJdy_hat", "per features"): ((BCE_D, BCE_D.replace("y_hat.numel()", "y.shape[1]")),),
    ("bce", "dJdy_hat", "double mean"): ((BCE_D, BCE_D + " / y.numel()"),),
    ("bce", "dJdy_hat", "sign"): ((BCE_D, "-" + BCE_D),),
    ("bce", "dJdy_hat", "swap"): ((BCE_D, "(y - y_hat) / ((1 - y) * y).clamp(min=1e-12) / y.numel()"),),
    ("bce", "dJdy_hat", "one term"): ((BCE_D, "-y / y_hat / y.numel()"),),
    ("bce", "dJdy_hat", "from logits"): ((BCE_D, "(y_hat - y) / y.numel()"),),
    ("bce", "dJdy_hat", "not clamped"): ((BCE_D, BCE_D.replace(".clamp(min=1e-12)", "")),),
    ("bce", "dJdy_hat", "epsilon added 1e-08"): ((BCE_D, "(-y / (y_hat + 1e-8) + (1 - y) / (1 - y_hat + 1e-8)) / y.numel()"),),
    ("bce", "dJdy_hat", "epsilon clamped 1e-07"): ((BCE_D, "(y_hat - y) / (y_hat.clamp(1e-7, 1 - 1e-7) * (1 - y_hat.clamp(1e-7, 1 - 1e-7))) / y.numel()"),),
}  # fmt: skip

STATE_SPOILS: dict[str, Spoil] = {
    "x, y, y_hat and dJdy_hat belong": (("d3 = dJdy_hat *", "d3 = dJdy_hat.mul_(1.5) / 1.5 *"),),
    "x, y, y_hat and dJdy_hat belong to": (('        self.cache = dict()\n        x', ''), ('        p = self.parameters\n', '        p = self.parameters\n        keep = x.clone()\n'), ("        return y_hat\n", "        x.mul_(2)\n        self.cache['x'] = keep\n        return y_hat\n")),
    "clear_grad_and_cache zeroes": (("            g.zero_()", "            pass"),),
    "makes cache a new empty dict": (("g.zero_()\n        self.cache = dict()", "g.zero_()"),),
    "The start is not the template's": (("dict(W1=torch.randn(h1, n1), b1=torch.randn(h1)", "dict(b1=torch.randn(h1), W1=torch.randn(h1, n1)"),),
    "An unknown activation": (("raise ValueError(", "raise KeyError("),),
    "J is 0-dim": (("((y_hat - y) ** 2).mean()", "((y_hat - y) ** 2).mean().reshape(1)"),),
    "Everything is float32": (("return J, 2 * (y_hat - y)", "return J, 2 * (y_hat - y).double()"),),
    "Autograd is used": (("        new = dict(", '        q = {n: t.clone().requires_grad_() for n, t in p.items()}\n        o = act(self.g_function, act(self.f_function, c["x"] @ q["W1"].t() + q["b1"]) @ q["W2"].t() + q["b2"])\n        o.backward(dJdy_hat)\n        new = {"dJd" + n: t.grad if t.grad is not None else 0 for n, t in q.items()}\n        old = dict('),),
}  # fmt: skip

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


def spoiled(*spoils: Spoil, source: str = CORRECT) -> str:
    """The file with mistakes in it."""
    for old, new in (change for spoil in spoils for change in spoil):
        source = source.replace(old, new)
    return source
