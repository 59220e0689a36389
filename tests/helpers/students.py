"""Files as people write them, right and wrong, none of them made by our own mutations."""

# ruff: noqa: E501 - so that the files look as they do in other hands

from __future__ import annotations

from styles_functions import CLOSURES, MODULE, SAMPLES
from styles_layers import BATCHED, COLUMNS, LAYERS

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
    "the mask asks the output for >= 0": (instead(CLOSURES, ("mask = (z > 0).type_as(z)\n    return z * mask", "a = z.clamp(min=0)\n    mask = (a >= 0).type_as(z)\n    return a")), {"slope 1 for relu"}),
    "a helper that expects z is given a": (instead(MODULE, ("return a.mul(a.neg().add(1))", "s = torch.sigmoid(a)\n            return s * (1 - s)")), {"slope from output"}),
    "a helper that expects a is given z": (instead(SAMPLES, ("return torch.sigmoid(z) * torch.sigmoid(-z)", "return z * (1 - z)")), {"slope from input"}),
    "copy and paste of the activation's name": (instead(SAMPLES, ("self.slope(self.f_function, z1)", "self.slope(self.g_function, z1)")), {"f slope of g at z"}),
    "x first": (instead(MODULE, ("torch.matmul(delta1.transpose(0, 1), self.cache[\"x\"])", "torch.matmul(self.cache[\"x\"].t(), delta1)")), {"W1 transposed"}),
    "mean for the biases": (instead(MODULE, ("torch.sum(delta2, dim=0)", "torch.mean(delta2, dim=0)"), ("torch.sum(delta1, dim=0)", "delta1.mean(axis=0)")), {"mean of biases"}),
    "divided by m as in the lecture": (instead(CLOSURES, ("(d.mm(W), d.t().mm(x), d.sum(0))", "(d.mm(W), d.t().mm(x) / x.shape[0], d.sum(0) / x.shape[0])")), {"mean in backward"}),
    "the weights kept as attributes": (instead(LAYERS, ("self.owner, self.i = owner, i", "self.owner, self.i, self.W, self.b = owner, i, owner.parameters[f'W{i}'], owner.parameters[f'b{i}']"), ("self.owner.parameters[f'W{self.i}']", "self.W"), ("self.owner.parameters[f'b{self.i}']", "self.b")), {"parameters copied"}),
    "= in the place of +=": (instead(MODULE, ('"] += torch', '"] = torch')), {"overwriting"}),
    "no square's 2 and the batch only": (instead(CLOSURES, ("e * (2 / e.numel())", "e / e.shape[0]")), {"mse dJdy_hat per batch", "mse dJdy_hat no factor 2"}),
    "y_hat first": (instead(SAMPLES, ("def mse_loss(y, y_hat)", "def mse_loss(y_hat, y)")), {"mse dJdy_hat sign"}),
    "BCE as in the textbook": (instead(MODULE, (OWN_BCE, "    loss = -(y * torch.log(y_hat) + (1 - y) * torch.log(1 - y_hat)).mean()\n    grad = -(y / y_hat - (1 - y) / (1 - y_hat)) / y.numel()\n    return loss, grad\n\n")), {"bce J not clamped", "bce dJdy_hat not clamped"}),
    "BCE with an epsilon": (instead(MODULE, (OWN_BCE, "    eps = 1e-7\n    y_hat = torch.clamp(y_hat, eps, 1 - eps)\n    loss = -torch.mean(y * y_hat.log() + (1 - y) * (1 - y_hat).log())\n    return loss, ((1 - y) / (1 - y_hat) - y / y_hat) / y.numel()\n\n")), {"bce J epsilon clamped 1e-7", "bce dJdy_hat epsilon clamped 1e-7"}),
    "the table of the handout": (instead(BATCHED, ('["dJdb1"] += row1.sum((0, 1))', '["dJdb1"] += torch.bmm(row1, self.cache["J1"]).sum((0, 1))')), {"b1 of the handout"}),
    "the slope of g forgotten, and W2 the wrong way round": (instead(SAMPLES, ("e3 = d * self.slope(self.g_function, z3)", "e3 = d"), ("['W2'].t().mv(e3)", "['W2'].mv(e3)")), {"g slope missing", "W2 not transposed"}),
    "b1 forgotten, b2's gradient from y_hat": (instead(BATCHED, (" + b1.view(-1, 1)", ""), ("row3.sum((0, 1))", "dJdy_hat.sum(0)")), {"no b1", "b2 without g slope"}),
    "forward remembers its first batch": (instead(CLOSURES, ('        z1, self.cache["back1"] =', '        if "back1" in self.cache:\n            return activations[self.g_function](linear(p["W2"], p["b2"], activations[self.f_function](linear(p["W1"], p["b1"], x)[0])[0])[0])[0]\n        z1, self.cache["back1"] =')), {"stale cache"}),
}  # fmt: skip
"""What is wrong, in words; the file; what the grader is to name."""
