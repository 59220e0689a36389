"""A correct file and the ways to spoil it: all of the library, and what is wrong with state; two at once in different places."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

from pure_mlp.homework.grade.net_mistakes import NET
from pure_mlp.learn.spoils import CORRECT, NET_SPOILS, spoiled
from pure_mlp.learn.spoils_losses import Spoil

__all__ = ["CORRECT", "NET_SPOILS", "STATE_SPOILS", "spoiled"]

assert NET_SPOILS.keys() - NET.keys() == {"clamped 0.25", "times 2"}
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
