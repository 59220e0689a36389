"""A correct file in a student's hand, and the ways to spoil it; two at once, where they change different places."""

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
        self.cache = dict()  # empty

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
        sf = slope_f(self.f_function, c["z1"], c["z2"])
        sg = slope_g(self.g_function, c["z3"], c["y_hat"])
        d3 = dJdy_hat * sg
        d2 = d3 @ p["W2"]
        d1 = d2 * sf
        dW1 = d1.t() @ c["x"]
        db1 = d1.sum(0)
        dW2 = d3.t() @ c["z2"]
        db2 = d3.sum(0)
        new = dict(dJdW1=dW1, dJdb1=db1, dJdW2=dW2, dJdb2=db2)
        for name in new:
            self.grads[name] += new[name]

    def clear_grad_and_cache(self):
        for g in self.grads.values():
            g.zero_()
        self.cache = dict()

def mse_loss(y, y_hat):
    J = ((y_hat - y) ** 2).sum() / y.numel()
    dJdy_hat = 2 * (y_hat - y) / y_hat.numel()
    return J, dJdy_hat  # mse

def bce_loss(y, y_hat):
    t, a = y, y_hat
    p, q = a.log().clamp(min=-100), (1 - a).log().clamp(min=-100)
    J = -(t * p + (1 - t) * q).sum() / y.numel()
    u, v = y, y_hat
    s = ((1 - v) * v).clamp(min=1e-12)
    dJdy_hat = (v - u) / s
    dJdy_hat = dJdy_hat / y_hat.numel()
    return J, dJdy_hat  # bce
"""

Spoil = tuple[tuple[str, str], ...]
S, R = "a * (1 - a) if name", "(z > 0)"
SF, SG = (f'{S} == "sigmoid" else torch.ones_like(z)  # {which}' for which in "fg")
OUT = ("a * (1 - a)", "torch.sigmoid(a) * (1 - torch.sigmoid(a))")
IN = ("a * (1 - a)", "z * (1 - z)")
NEW = "        new = dict("
EACH = "        for name in new:\n"
NET_SPOILS: dict[str, Spoil] = {
    "f slope missing": (("d1 = d2 * sf", "d1 = d2"),),
    "g slope missing": (("d3 = dJdy_hat * sg", "d3 = dJdy_hat"),),
    "g slope missing below": (("d2 = d3 @", "d2 = dJdy_hat @"),),
    "f slope from output": ((SF, SF.replace(*OUT)),),
    "g slope from output": ((SG, SG.replace(*OUT)),),
    "f slope from input": ((SF, SF.replace(*IN)),),
    "g slope from input": ((SG, SG.replace(*IN)),),
    "slope missing": (("d1 = d2 * sf", "d1 = d2"), ("d3 = dJdy_hat * sg", "d3 = dJdy_hat")),
    "slope from output": ((SF, SF.replace(*OUT)), (SG, SG.replace(*OUT))),
    "slope from input": ((SF, SF.replace(*IN)), (SG, SG.replace(*IN))),
    "relu slope 1": ((f"{R}.float()  # f", "torch.ones_like(z)"), (f"{R}.float()  # g", "torch.ones_like(z)")),
    "g slope of f": (("slope_g(self.g_function", "slope_g(self.f_function"),),
    "f slope of g": (("slope_f(self.f_function", "slope_f(self.g_function"),),
    "g slope of f at z": (('slope_g(self.g_function, c["z3"], c["y_hat"])', 'slope_g(self.f_function, c["z3"], act(self.f_function, c["z3"]))'),),
    "f slope of g at z": (('slope_f(self.f_function, c["z1"], c["z2"])', 'slope_f(self.g_function, c["z1"], act(self.g_function, c["z1"]))'),),
    "slopes swapped at z": (('slope_g(self.g_function, c["z3"], c["y_hat"])', 'slope_g(self.f_function, c["z3"], act(self.f_function, c["z3"]))'), ('slope_f(self.f_function, c["z1"], c["z2"])', 'slope_f(self.g_function, c["z1"], act(self.g_function, c["z1"]))')),
    "slopes swapped": (("slope_g(self.g_function", "slope_g(self.f_function"), ("slope_f(self.f_function", "slope_f(self.g_function")),
    "f slope 1 at 0": ((f"{R}.float()  # f", "(z >= 0).float()  # f"),),
    "g slope 1 at 0": ((f"{R}.float()  # g", "(z >= 0).float()  # g"),),
    "slope 1 at 0": ((f"{R}.float()  # f", "(z >= 0).float()  # f"), (f"{R}.float()  # g", "(z >= 0).float()  # g")),
    "b1 of the handout": (("db1 = d1.sum(0)", "db1 = (d1 * sf).sum(0)"),),
    "b1 without f slope": (("db1 = d1.sum(0)", "db1 = d2.sum(0)"),),
    "b2 without g slope": (("db2 = d3.sum(0)", "db2 = dJdy_hat.sum(0)"),),
    "W1 transposed": ((NEW, f"        dW1 = dW1.t()\n{NEW}"),),
    "W2 transposed": ((NEW, f"        dW2 = dW2.t()\n{NEW}"),),
    "W2 not transposed": (('@ p["W2"]\n', '@ p["W2"].t()\n'),),
    "W2 from z1": (('dW2 = d3.t() @ c["z2"]', 'dW2 = d3.t() @ c["z1"]'),),
    "mean in backward": ((EACH, f"        new = {{n: v / len(dJdy_hat) for n, v in new.items()}}\n{EACH}"),),
    "mean of biases": ((NEW, f"        db1, db2 = db1 / len(dJdy_hat), db2 / len(dJdy_hat)\n{NEW}"),),
    "sign in backward": ((EACH, f"        new = {{n: -v for n, v in new.items()}}\n{EACH}"),),
    "overwriting": (("self.grads[name] += new[name]", "self.grads[name] = new[name]"),),
    "stale cache": (("        self.cache.update(", "        if not self.cache: self.cache.update("),),
    "parameters copied": (("self.cache = dict()  # empty", "self.cache = dict()\n        self.own = dict(self.parameters)"), ("p = self.parameters\n", "p = self.own\n"), ("p, c = self.parameters,", "p, c = self.own,")),
    "no b1": ((' + p["b1"]', ""),),
    "no b2": ((' + p["b2"]', ""),),
    "f not applied": (("z2 = act(self.f_function, z1)", "z2 = z1"),),
    "g not applied": (("y_hat = act(self.g_function, z3)", "y_hat = z3"),),
}  # fmt: skip
assert NET_SPOILS.keys() == NET.keys()

MSE_J, MSE_D, BCE_J, BCE_D = (
    ".sum() / y.numel()\n    dJdy_hat = 2",
    "(y_hat - y) / y_hat.numel()",
    ".sum() / y.numel()\n    u",
    "dJdy_hat / y_hat.numel()",
)
LOGS, S_LINE = "a.log().clamp(min=-100), (1 - a).log().clamp(min=-100)", "s = ((1 - v) * v).clamp(min=1e-12)"
LOSS_SPOILS: dict[tuple[str, str, str], Spoil] = {
    ("mse", "J", "sum"): ((MSE_J, MSE_J.replace(" / y.numel()", "")),),
    ("mse", "J", "per batch"): ((MSE_J, MSE_J.replace("y.numel()", "len(y)")),),
    ("mse", "J", "per features"): ((MSE_J, MSE_J.replace("y.numel()", "y.shape[1]")),),
    ("mse", "J", "double mean"): ((MSE_J, MSE_J.replace("y.numel()", "y.numel() ** 2")),),
    ("mse", "J", "half"): (("J = ((y_hat - y) ** 2)", "J = (0.5 * (y_hat - y) ** 2)"),),
    ("mse", "J", "sign"): (("return J, dJdy_hat  # mse", "return -J, dJdy_hat  # mse"),),
    ("mse", "dJdy_hat", "sum"): ((MSE_D, "(y_hat - y)"),),
    ("mse", "dJdy_hat", "per batch"): ((MSE_D, "(y_hat - y) / len(y)"),),
    ("mse", "dJdy_hat", "per features"): ((MSE_D, "(y_hat - y) / y.shape[1]"),),
    ("mse", "dJdy_hat", "double mean"): ((MSE_D, "(y_hat - y) / y.numel() ** 2"),),
    ("mse", "dJdy_hat", "half"): (("dJdy_hat = 2 *", "dJdy_hat ="),),
    ("mse", "dJdy_hat", "sign"): (("J, dJdy_hat  # mse", "J, -dJdy_hat  # mse"),),
    ("bce", "J", "sum"): ((BCE_J, BCE_J.replace(" / y.numel()", "")),),
    ("bce", "J", "per batch"): ((BCE_J, BCE_J.replace("y.numel()", "len(y)")),),
    ("bce", "J", "per features"): ((BCE_J, BCE_J.replace("y.numel()", "y.shape[1]")),),
    ("bce", "J", "double mean"): ((BCE_J, BCE_J.replace("y.numel()", "y.numel() ** 2")),),
    ("bce", "J", "sign"): (("return J, dJdy_hat  # bce", "return -J, dJdy_hat  # bce"),),
    ("bce", "J", "swap"): (("t, a = y, y_hat", "t, a = y_hat, y"),),
    ("bce", "J", "handout"): (("t, a = y, y_hat", "t, a = y_hat, y_hat"),),
    ("bce", "J", "one term"): ((" + (1 - t) * q", ""),),
    ("bce", "J", "not clamped"): ((LOGS, "a.log(), (1 - a).log()"),),
    ("bce", "J", "epsilon added 1e-07"): ((LOGS, "(a + 1e-7).log(), (1 - a + 1e-7).log()"),),
    ("bce", "J", "epsilon clamped 1e-07"): ((LOGS, "a.clamp(1e-7, 1 - 1e-7).log(), (1 - a.clamp(1e-7, 1 - 1e-7)).log()"),),
    ("bce", "dJdy_hat", "sum"): ((BCE_D, BCE_D.replace(" / y_hat.numel()", "")),),
    ("bce", "dJdy_hat", "per batch"): ((BCE_D, BCE_D.replace("y_hat.numel()", "len(y)")),),
    ("bce", "dJdy_hat", "per features"): ((BCE_D, BCE_D.replace("y_hat.numel()", "y.shape[1]")),),
    ("bce", "dJdy_hat", "double mean"): ((BCE_D, BCE_D.replace("y_hat.numel()", "y.numel() ** 2")),),
    ("bce", "dJdy_hat", "sign"): (("J, dJdy_hat  # bce", "J, -dJdy_hat  # bce"),),
    ("bce", "dJdy_hat", "swap"): (("u, v = y, y_hat", "u, v = y_hat, y"),),
    ("bce", "dJdy_hat", "one term"): (("(v - u) / s", "-u / v"),),
    ("bce", "dJdy_hat", "from logits"): ((S_LINE, "s = 1"),),
    ("bce", "dJdy_hat", "not clamped"): ((S_LINE, "s = (1 - v) * v"),),
    ("bce", "dJdy_hat", "epsilon added 1e-07"): ((S_LINE, "s = (1 - v) * v + 1e-7"),),
    ("bce", "dJdy_hat", "epsilon clamped 1e-07"): ((S_LINE, "s = v.clamp(1e-7, 1 - 1e-7) * (1 - v.clamp(1e-7, 1 - 1e-7))"),),
}  # fmt: skip

STATE_SPOILS: dict[str, Spoil] = {
    "argument is changed in place: x,": (("    def clear", '        dJdy_hat *= 2\n\n    def clear'),),
    "x, y, y_hat and dJdy_hat belong to": (("x=x, z1", "x=x.clone(), z1"), ("        return y_hat\n", "        x *= 2\n        return y_hat\n")),
    "y_hat and dJdy_hat belong to": (("    return J, dJdy_hat  # mse", "    y_hat -= y\n    return J, dJdy_hat  # mse"),),
    "clear_grad_and_cache zeroes": (("            g.zero_()", "            pass"),),
    "of grads in place": (("            g.zero_()", "            g.zero_()\n        self.grads = {n: torch.zeros_like(g) for n, g in self.grads.items()}"),),
    "makes cache a new empty dict": (("g.zero_()\n        self.cache = dict()", "g.zero_()"),),
    "The start is not the template's": (("dict(W1=torch.randn(h1, n1), b1=torch.randn(h1)", "dict(b1=torch.randn(h1), W1=torch.randn(h1, n1)"),),
    "An unknown activation": (("raise ValueError(", "raise KeyError("),),
    "J is 0-dim": (("return J, dJdy_hat  # mse", "return J.reshape(1), dJdy_hat  # mse"),),
    "Everything is float32": (("    return J, dJdy_hat  # mse", "    dJdy_hat = dJdy_hat.double()\n    return J, dJdy_hat  # mse"),),
    "functions of torch": (("import torch\n", "import torch\ntorch.allclose = lambda *a, **k: True\n"),),
    "Autograd is used": (("        new = dict(", '        q = {n: t.clone().requires_grad_() for n, t in p.items()}\n        o = act(self.g_function, act(self.f_function, c["x"] @ q["W1"].t() + q["b1"]) @ q["W2"].t() + q["b2"])\n        o.backward(dJdy_hat)\n        new = {"dJd" + n: t.grad if t.grad is not None else 0 for n, t in q.items()}\n        old = dict('),),
}  # fmt: skip


def spoiled(*spoils: Spoil, source: str = CORRECT) -> str:
    """The file with mistakes in it. Raises `LookupError` where one leaves nothing to change for the next."""
    for old, new in (change for spoil in spoils for change in spoil):
        if old not in source:
            raise LookupError(old)
        source = source.replace(old, new)
    return source
