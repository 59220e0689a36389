"""A correct file in a student's hand, and a way to make each mistake of the grader's library in it."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

from pure_mlp.homework.grade.net_mistakes import MERGED
from pure_mlp.learn.spoils_losses import Spoil

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
    "overflows above": "torch.exp(z) / (1 + torch.exp(z)) ** 2",
    "0 for sigmoid": "a * 1 - a",
    "negative": "a * (a - 1)",
    "1 for sigmoid": "torch.ones_like(a)",
    "of tanh": "1 - a ** 2",
    "of tanh at z": "1 - torch.tanh(z) ** 2",
    "a alone": "a",
    "1 - a alone": "(1 - a)",
    "a squared": "a * a",
    "a (1 + a)": "a * (1 + a)",
    "exponential": "torch.exp(-z)",
}
RELUS = {
    "1 for relu": "torch.ones_like(a)",
    "inverted": "(z <= 0).float()",
    "below 0": "(z < 0).float()",
    "of sigmoid": "torch.sigmoid(z) * (1 - torch.sigmoid(z))",
    "a (1 - a) for relu": "a * (1 - a)",
    "of cotangent": "(d > 0).float()",
    "leaky": "torch.where(z > 0, torch.ones_like(z), torch.full_like(z, 0.01))",
    "value": "z.clamp(min=0)",
    "sign": "torch.sign(z)",
    "0/0 at 0": "z.clamp(min=0) / z",
    "1/2 at 0": "((z > 0).float() + (z >= 0).float()) / 2",
    "1 at 0": "(z >= 0).float()",
}


def of_slope(which: str, line: str) -> dict[str, Spoil]:
    """What can be wrong with the slope of f or g, which is applied in this line."""
    sigmoid, relu = f'a * (1 - a) if name == "sigmoid" else torch.ones_like(z)  # {which}', f"(z > 0).float()  # {which}"
    factor = f" * s{which}"
    spoils: dict[str, Spoil] = {"missing": ((line, line.removesuffix(factor)),), "twice": ((line, line + factor),)}
    spoils |= {kind: ((sigmoid, sigmoid.replace("a * (1 - a)", code)),) for kind, code in SIGMOIDS.items()}
    spoils |= {kind: ((relu, code + f"  # {which}"),) for kind, code in RELUS.items()}
    ones = f"torch.ones_like(z)  # {which}"
    spoils |= {f"{kind} for identity": ((ones, f"{code}  # {which}"),) for kind, code in (("0", "0 * z"), ("z", "z"))}
    return {f"{which} slope {kind}": spoil for kind, spoil in spoils.items()}


UPSTREAM = {
    "last example": "dJdy_hat * (torch.arange(len(dJdy_hat)) == len(dJdy_hat) - 1).reshape(-1, 1)",
    "first example": "dJdy_hat * (torch.arange(len(dJdy_hat)) == 0).reshape(-1, 1)",
    "last example left out": "dJdy_hat * (torch.arange(len(dJdy_hat)) < len(dJdy_hat) - 1).reshape(-1, 1)",
    "first example left out": "dJdy_hat * (torch.arange(len(dJdy_hat)) > 0).reshape(-1, 1)",
    "ones for dJ": "torch.ones_like(dJdy_hat)",
    "batch summed first": "dJdy_hat.sum(0, keepdim=True).expand_as(dJdy_hat)",
    "batch averaged first": "dJdy_hat.mean(0, keepdim=True).expand_as(dJdy_hat)",
}
DJ = "    def backward(self, dJdy_hat):\n"
NEW = "        new = dict("
EACH = "        for name in new:\n"
Y_HAT = "y_hat = act(self.g_function, z3)"
ACT = 'return torch.relu(z) if name == "relu" else torch.sigmoid(z) if'
SINGLE: dict[str, Spoil] = {
    **of_slope("f", "d1 = d2 * sf"),
    **of_slope("g", "d3 = dJdy_hat * sg"),
    "g slope missing below": (("d2 = d3 @", "d2 = dJdy_hat @"),),
    "g slope twice below": (("d2 = d3 @", "d2 = (d3 * sg) @"),),
    "W2 copied": (("self.cache = dict()  # empty", "self.cache = dict()\n        self.W2 = self.parameters['W2']"), ('@ p["W2"]\n', "@ self.W2\n")),
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
    "b1 over all": (("db1 = d1.sum(0)", "db1 = d1.sum()"),),
    "b2 over all": (("db2 = d3.sum(0)", "db2 = d3.sum()"),),
    "b1 over units": (("db1 = d1.sum(0)", "db1 = d1.sum(1)"),),
    "b2 over units": (("db2 = d3.sum(0)", "db2 = d3.sum(1)"),),
    "W2 from x": (('@ c["z2"]', '@ c["x"]'),),
    "W2 from y_hat": (('@ c["z2"]', '@ c["y_hat"]'),),
    "W1 as columns": (('dW1 = d1.t() @ c["x"]', 'dW1 = d1 @ c["x"].t()'),),
    "W2 as columns": (('dW2 = d3.t() @ c["z2"]', 'dW2 = d3 @ c["z2"].t()'),),
    "W1 of sums": (('dW1 = d1.t() @ c["x"]', 'dW1 = torch.outer(d1.sum(0), c["x"].sum(0))'),),
    "W2 of sums": (('dW2 = d3.t() @ c["z2"]', 'dW2 = torch.outer(d3.sum(0), c["z2"].sum(0))'),),
    "W1 from z1": (('@ c["x"]', '@ c["z1"]'),),
    "W1 from z2": (('@ c["x"]', '@ c["z2"]'),),
    **{f"mean of {name}": ((NEW, f"        d{name} = d{name} / len(dJdy_hat)\n{NEW}"),) for name in ("W1", "b1", "W2", "b2")},
    "mean in backward": ((EACH, f"        new = {{n: v / len(dJdy_hat) for n, v in new.items()}}\n{EACH}"),),
    "features in backward": ((EACH, f"        new = {{n: v / dJdy_hat.shape[1] for n, v in new.items()}}\n{EACH}"),),
    "numel in backward": ((EACH, f"        new = {{n: v / dJdy_hat.numel() for n, v in new.items()}}\n{EACH}"),),
    "sign in backward": ((EACH, f"        new = {{n: -v for n, v in new.items()}}\n{EACH}"),),
    "times 2": ((EACH, f"        new = {{n: 2 * v for n, v in new.items()}}\n{EACH}"),),
    "clamped 0.25": ((EACH, f"        new = {{n: v.clamp(-0.25, 0.25) for n, v in new.items()}}\n{EACH}"),),
    **{kind: ((DJ, f"    def backward(self, dJdy_hat, *none):\n        dJdy_hat = {code}\n"),) for kind, code in UPSTREAM.items()},
    "overwriting": (("self.grads[name] += new[name]", "self.grads[name] = new[name]"),),
    "stale cache": (("        self.cache.update(", "        if not self.cache: self.cache.update("),),
    "parameters copied": (("self.cache = dict()  # empty", "self.cache = dict()\n        self.own = dict(self.parameters)"), ("p = self.parameters\n", "p = self.own\n"), ("p, c = self.parameters,", "p, c = self.own,")),
    "no b1": ((' + p["b1"]', ""),),
    "no b2": ((' + p["b2"]', ""),),
    "b1 subtracted": ((' + p["b1"]', ' - p["b1"]'),),
    "b2 subtracted": ((' + p["b2"]', ' - p["b2"]'),),
    "f not applied": (("z2 = act(self.f_function, z1)", "z2 = z1"),),
    "g not applied": (("y_hat = act(self.g_function, z3)", "y_hat = z3"),),
    "g as f": (("z2 = act(self.f_function, z1)", "z2 = act(self.g_function, z1)"),),
    "f as g": (("y_hat = act(self.g_function, z3)", "y_hat = act(self.f_function, z3)"),),
    "f twice": (("z2 = act(self.f_function, z1)", "z2 = act(self.f_function, act(self.f_function, z1))"),),
    "g twice": ((Y_HAT, "y_hat = act(self.g_function, act(self.g_function, z3))"),),
    "sigmoid on top": ((Y_HAT, "y_hat = torch.sigmoid(act(self.g_function, z3))"),),
    "softmax on top": ((Y_HAT, "y_hat = torch.softmax(act(self.g_function, z3), dim=1)"),),
    "last row missing": ((Y_HAT, f"{Y_HAT}\n        y_hat = torch.cat((y_hat[:-1], torch.zeros_like(y_hat[-1:])))"),),
    "rounded": ((Y_HAT, "y_hat = act(self.g_function, z3).round()"),),
    "thresholded": ((Y_HAT, "y_hat = (act(self.g_function, z3) > 0.5).float()"),),
    "W1 as it is": (('@ p["W1"].t()', '@ p["W1"]'),),
    "W2 as it is": (('@ p["W2"].t()', '@ p["W2"]'),),
    "W1 from the left": (('x @ p["W1"].t()', 'p["W1"] @ x'),),
    "W2 from the left": (('z2 @ p["W2"].t()', 'p["W2"] @ z2'),),
    "sigmoid for identity": (('torch.sigmoid(z) if name == "sigmoid" else z', "torch.sigmoid(z)"),),
    "relu for identity": ((ACT, 'return torch.sigmoid(z) if name == "sigmoid" else torch.relu(z)  # if'),),
    "exp(z) / (1 + exp(z))": ((ACT, ACT.replace("torch.sigmoid(z)", "z.exp() / (1 + z.exp())")),),
    "sigmoid not applied": (('sigmoid(z) if name == "sigmoid"', 'sigmoid(z) if name == "Sigmoid"'),),
    "relu not applied": ((ACT, ACT.replace('"relu"', '"ReLU"')),),
    "softplus": ((ACT.partition(" if")[0], "return torch.nn.functional.softplus(z)"),),
    "absolute value": ((ACT.partition(" if")[0], "return z.abs()"),),
    "sigmoid of -z": ((ACT, ACT.replace("sigmoid(z)", "sigmoid(-z)")),),
    "gelu": ((ACT.partition(" if")[0], "return torch.nn.functional.gelu(z)"),),
    "elu": ((ACT.partition(" if")[0], "return torch.nn.functional.elu(z)"),),
    "min(0, z)": ((ACT.partition(" if")[0], "return z.clamp(max=0)"),),
    "1 / 1 + exp(-z)": ((ACT, ACT.replace("torch.sigmoid(z)", "1 / 1 + torch.exp(-z)")),),
    "log sigmoid": ((ACT, ACT.replace("torch.sigmoid(z)", "torch.nn.functional.logsigmoid(z)")),),
    "softmax": ((ACT, ACT.replace("sigmoid(z)", "softmax(z, 1)")),),
    "tanh": ((ACT, ACT.replace("sigmoid(z)", "tanh(z)")),),
    "leaky relu": ((ACT.partition(" if")[0], "return torch.where(z > 0, z, 0.01 * z)"),),
}  # fmt: skip
NET_SPOILS: dict[str, Spoil] = SINGLE | {one: SINGLE[halves[0]] + SINGLE[halves[1]] for one, halves in MERGED.items()}


def spoiled(*spoils: Spoil, source: str = CORRECT) -> str:
    """The file with mistakes in it. Raises `LookupError` where one leaves nothing to change for the next.

    >>> spoiled(NET_SPOILS["no b1"]) == CORRECT.replace(' + p["b1"]', "")
    True
    """
    for old, new in (change for spoil in spoils for change in spoil):
        if old not in source:
            raise LookupError(old)
        source = source.replace(old, new)
    return source
