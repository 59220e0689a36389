"""A correct file in a student's hand, and the ways to spoil it; two at once, where they change different places."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

from mistakes_losses import Spoil

from pure_mlp.homework.grade.net_mistakes import MERGED, NET

CORRECT = """
import torch

def act(name, z):
    return torch.relu(z) if name == "relu" else torch.sigmoid(z) if name == "sigmoid" else z

def slope_f(name, z, a, d):
    if name == "relu":
        return (z > 0).float()  # f
    return a * (1 - a) if name == "sigmoid" else torch.ones_like(z)  # f

def slope_g(name, z, a, d):
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
        sg = slope_g(self.g_function, c["z3"], c["y_hat"], dJdy_hat)
        d3 = dJdy_hat * sg
        d2 = d3 @ p["W2"]
        sf = slope_f(self.f_function, c["z1"], c["z2"], d2)
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

SIGMOIDS = {
    "from output": "torch.sigmoid(a) * (1 - torch.sigmoid(a))",
    "from input": "z * (1 - z)",
    "mixed": "a * (1 - z)",
    "overflows": "torch.exp(-z) / (1 + torch.exp(-z)) ** 2",
    "negative": "a * (a - 1)",
}
RELUS = {
    "1 for relu": "torch.ones_like(z)",
    "inverted": "(z <= 0).float()",
    "of cotangent": "(d > 0).float()",
    "leaky": "torch.where(z > 0, torch.ones_like(z), torch.full_like(z, 0.01))",
    "1 at 0": "(z >= 0).float()",
}


def of_slope(which: str, line: str) -> dict[str, Spoil]:
    """What can be wrong with the slope of f or g, which is applied in this line."""
    sigmoid, relu = f'a * (1 - a) if name == "sigmoid" else torch.ones_like(z)  # {which}', f"(z > 0).float()  # {which}"
    factor = f" * s{which}"
    spoils: dict[str, Spoil] = {"missing": ((line, line.removesuffix(factor)),), "twice": ((line, line + factor),)}
    spoils |= {kind: ((sigmoid, sigmoid.replace("a * (1 - a)", code)),) for kind, code in SIGMOIDS.items()}
    spoils |= {kind: ((relu, code + f"  # {which}"),) for kind, code in RELUS.items()}
    return {f"{which} slope {kind}": spoil for kind, spoil in spoils.items()}


NEW = "        new = dict("
EACH = "        for name in new:\n"
ACT = 'return torch.relu(z) if name == "relu" else torch.sigmoid(z) if'
SINGLE: dict[str, Spoil] = {
    **of_slope("f", "d1 = d2 * sf"),
    **of_slope("g", "d3 = dJdy_hat * sg"),
    "g slope missing below": (("d2 = d3 @", "d2 = dJdy_hat @"),),
    "g slope of f": (("slope_g(self.g_function", "slope_g(self.f_function"),),
    "f slope of g": (("slope_f(self.f_function", "slope_f(self.g_function"),),
    "g slope of f at z": (('slope_g(self.g_function, c["z3"], c["y_hat"]', 'slope_g(self.f_function, c["z3"], act(self.f_function, c["z3"])'),),
    "f slope of g at z": (('slope_f(self.f_function, c["z1"], c["z2"]', 'slope_f(self.g_function, c["z1"], act(self.g_function, c["z1"])'),),
    "b1 of the handout": (("db1 = d1.sum(0)", "db1 = (d1 * sf).sum(0)"),),
    "b1 without f slope": (("db1 = d1.sum(0)", "db1 = d2.sum(0)"),),
    "W1 without f slope": (("dW1 = d1.t()", "dW1 = d2.t()"),),
    "b2 without g slope": (("db2 = d3.sum(0)", "db2 = dJdy_hat.sum(0)"),),
    "W2 without g slope": (("dW2 = d3.t()", "dW2 = dJdy_hat.t()"),),
    "W1 transposed": ((NEW, f"        dW1 = dW1.t()\n{NEW}"),),
    "W2 transposed": ((NEW, f"        dW2 = dW2.t()\n{NEW}"),),
    "W2 not transposed": (('@ p["W2"]\n', '@ p["W2"].t()\n'),),
    "W1 in place of W2": (('@ p["W2"]\n', '@ p["W1"]\n'),),
    "W2 from z1": (('@ c["z2"]', '@ c["z1"]'),),
    "W2 from y_hat": (('@ c["z2"]', '@ c["y_hat"]'),),
    "W1 from z1": (('@ c["x"]', '@ c["z1"]'),),
    "W1 from z2": (('@ c["x"]', '@ c["z2"]'),),
    **{f"mean of {name}": ((NEW, f"        d{name} = d{name} / len(dJdy_hat)\n{NEW}"),) for name in ("W1", "b1", "W2", "b2")},
    "mean in backward": ((EACH, f"        new = {{n: v / len(dJdy_hat) for n, v in new.items()}}\n{EACH}"),),
    "features in backward": ((EACH, f"        new = {{n: v / dJdy_hat.shape[1] for n, v in new.items()}}\n{EACH}"),),
    "numel in backward": ((EACH, f"        new = {{n: v / dJdy_hat.numel() for n, v in new.items()}}\n{EACH}"),),
    "sign in backward": ((EACH, f"        new = {{n: -v for n, v in new.items()}}\n{EACH}"),),
    "clamped 0.25": ((EACH, f"        new = {{n: v.clamp(-0.25, 0.25) for n, v in new.items()}}\n{EACH}"),),
    "overwriting": (("self.grads[name] += new[name]", "self.grads[name] = new[name]"),),
    "stale cache": (("        self.cache.update(", "        if not self.cache: self.cache.update("),),
    "parameters copied": (("self.cache = dict()  # empty", "self.cache = dict()\n        self.own = dict(self.parameters)"), ("p = self.parameters\n", "p = self.own\n"), ("p, c = self.parameters,", "p, c = self.own,")),
    "no b1": ((' + p["b1"]', ""),),
    "no b2": ((' + p["b2"]', ""),),
    "f not applied": (("z2 = act(self.f_function, z1)", "z2 = z1"),),
    "g not applied": (("y_hat = act(self.g_function, z3)", "y_hat = z3"),),
    "g as f": (("z2 = act(self.f_function, z1)", "z2 = act(self.g_function, z1)"),),
    "f as g": (("y_hat = act(self.g_function, z3)", "y_hat = act(self.f_function, z3)"),),
    "sigmoid of -z": ((ACT, ACT.replace("sigmoid(z)", "sigmoid(-z)")),),
    "softmax": ((ACT, ACT.replace("sigmoid(z)", "softmax(z, 1)")),),
    "tanh": ((ACT, ACT.replace("sigmoid(z)", "tanh(z)")),),
    "leaky relu": ((ACT.partition(" if")[0], "return torch.where(z > 0, z, 0.01 * z)"),),
}  # fmt: skip
NET_SPOILS: dict[str, Spoil] = SINGLE | {one: SINGLE[halves[0]] + SINGLE[halves[1]] for one, halves in MERGED.items()}
assert NET_SPOILS.keys() - NET.keys() == {"clamped 0.25"}
assert NET_SPOILS.keys() > NET.keys()

STATE_SPOILS: dict[str, Spoil] = {
    "changed in place: dJdy_hat; it": (("    def clear", '        dJdy_hat *= 2\n\n    def clear'),),
    "changed in place: x; it": (("x=x, z1", "x=x.clone(), z1"), ("        return y_hat\n", "        x *= 2\n        return y_hat\n")),
    "changed in place: y_hat; it": (("    return J, dJdy_hat  # mse", "    y_hat -= y\n    return J, dJdy_hat  # mse"),),
    "clear_grad_and_cache does not zero the grads": (("            g.zero_()", "            pass"),),
    "does not zero them in place": (("            g.zero_()", "            g.zero_()\n        self.grads = {n: torch.zeros_like(g) for n, g in self.grads.items()}"),),
    "does not empty the cache": (("g.zero_()\n        self.cache = dict()", "g.zero_()"),),
    "The start is not the template's": (("dict(W1=torch.randn(h1, n1), b1=torch.randn(h1)", "dict(b1=torch.randn(h1), W1=torch.randn(h1, n1)"),),
    "An unknown activation": (("raise ValueError(", "raise KeyError("),),
    "J has the shape (1,)": (("return J, dJdy_hat  # mse", "return J.reshape(1), dJdy_hat  # mse"),),
    "mse dJdy_hat is float64": (("    return J, dJdy_hat  # mse", "    dJdy_hat = dJdy_hat.double()\n    return J, dJdy_hat  # mse"),),
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
