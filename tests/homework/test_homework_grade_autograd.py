"""Autograd is seen in the source, with its line, and at run time; words about it, and other people's `backward`, are none."""

from __future__ import annotations

import pytest
from graded import report
from mistakes import CORRECT

from pure_mlp.homework.grade.source import autograd_uses, tried_lines, unused_imports

USES = {
    "w = torch.ones(1, requires_grad=True)": "requires_grad=True",
    "w = torch.ones(1).requires_grad_()": "torch.ones(1).requires_grad_()",
    "w.requires_grad = True": "w.requires_grad = True",
    "J.backward()": "J.backward()",
    "(a * b).sum().backward()": "(a * b).sum().backward()",
    "y_hat.backward(dJdy_hat)": "y_hat.backward(dJdy_hat)",
    "y_hat.backward(gradient=dJdy_hat)": "y_hat.backward(gradient=dJdy_hat)",
    "torch.autograd.grad(J, w)": "torch.autograd.grad",
    "torch.autograd.functional.jacobian(f, x)": "torch.autograd.functional",
    "torch.func.grad(f)": "torch.func.grad",
    "import torch.func as ft; ft.vjp(f, x)": "ft.vjp",
    "from torch.func import jacrev as j; j(f)": "j",
    "from torch import autograd; autograd.grad(J, w)": "autograd.grad",
    "from torch.autograd import grad; grad(J, w)": "grad",
    "import functorch; functorch.jvp(f, x)": "functorch.jvp",
}
NONE = [
    "# J.backward() and w.requires_grad_()",
    '"""With torch.autograd.grad(J, w) one would.."""',
    "s = 'requires_grad=True'",
    "w = torch.zeros(1, requires_grad=False)",
    "w.requires_grad_(False)",
    "w.requires_grad = False",
    "assert not w.requires_grad",
    "from torch.autograd import Variable; w = Variable(x)",
    "import torch.autograd",
    "with torch.no_grad(): pass",
    "layer = nn.Linear(2, 3); nn.Parameter(w)",
    "torch.func.vmap(f)(x)",
    "self.backward(dJdy_hat)",
    "super().backward(dJdy_hat)",
    "net = MLP(1, 1, 'relu', 1, 1, 'relu'); net.backward(dJdy_hat)",
    "grad = 3; grad(2)",
    "from torch.func import grad\nfor grad in (1, 2): print(grad)",
    "from torch.autograd import grad\ndef mse_loss(y, y_hat):\n    grad = 2 * (y_hat - y)\n    return grad.sum(), grad",
    "from torch.autograd import grad\ndef bce_loss(grad, y_hat): return grad(y_hat)",
    "from torch.func import grad\nx = [grad for grad in (1, 2)]",
    "if __name__ == '__main__':\n    J.backward()",
    "def check():\n    J.backward()\nif __name__ == '__main__':\n    check()",
]
HEAD = "import torch\nfrom torch import nn\nclass MLP:\n    def backward(self, dJdy_hat): ...\n"


@pytest.mark.parametrize("line", USES)
def test_autograd_is_seen_in_the_source_with_its_line(line: str) -> None:
    assert autograd_uses(HEAD + line) == [(5, USES[line])]


@pytest.mark.parametrize("line", NONE)
def test_what_is_no_autograd_is_not_accused(line: str) -> None:
    assert autograd_uses(HEAD + line) == []


def test_backward_of_the_files_own_classes_is_none() -> None:
    own = HEAD + "class Layer:\n    def backward(self, dy, scale=1): ...\ndef mse_loss(y, y_hat):\n    "
    assert autograd_uses(own + "layer.backward(y)") == autograd_uses(own + "layer.backward(y, scale=2)") == []
    assert autograd_uses(own + "J.backward()") == [(8, "J.backward()")]


def test_what_the_file_reaches_is_seen() -> None:
    helper = "def helper():\n    J.backward()\n"
    assert autograd_uses(helper + "def other(): helper()") == []
    assert autograd_uses(helper + "def other(): helper()\ndef mse_loss(y, y_hat): other()") == [(2, "J.backward()")]
    assert autograd_uses(helper + "helper()") == [(2, "J.backward()")]


def test_a_local_name_shadows_an_import_in_its_own_function_only() -> None:
    source = HEAD + "from torch.func import grad\ndef mse_loss(y, y_hat):\n    grad = 2\n    return grad\n"
    assert autograd_uses(source) == []
    assert unused_imports(source) == [(5, "torch.func.grad")]
    assert autograd_uses(source + "def bce_loss(y, y_hat):\n    return grad(y)\n") == [(10, "grad")]


HIDDEN = {
    "a call by another name": 'getattr(o, "back" + "ward")(dJdy_hat)',
    "the function itself": 'getattr(getattr(torch, "auto" + "grad"), "back" + "ward")(o, dJdy_hat)',
}


@pytest.mark.parametrize("call", HIDDEN.values(), ids=list(HIDDEN))
def test_autograd_is_seen_at_run_time(call: str) -> None:
    marked = 'q = {n: getattr(t.clone(), "requires_" + "grad_")() for n, t in p.items()}'
    forward = 'o = act(self.g_function, act(self.f_function, c["x"] @ q["W1"].t() + q["b1"]) @ q["W2"].t() + q["b2"])'
    new = 'new = {"dJd" + n: t.grad if t.grad is not None else 0 for n, t in q.items()}'
    source = CORRECT.replace(
        "        new = dict(", "".join(f"        {s}\n" for s in (marked, forward, call, new)) + "        old = dict("
    )
    line = source[: source.index(call)].count("\n") + 1
    found = report(source)
    assert autograd_uses(source) == []
    assert [row.name for row in found.rows if row.verdict != "right"] == ["no autograd"]
    assert f"at run time, line {line}: torch.autograd.backward" in found.diagnosis[0]
    assert len(found.diagnosis) == 1
    assert f"line {line}" in found.diagnosis[0]


TRIED = """
def test():
    w = torch.ones(3, 2, requires_grad=True)
    (w * w).sum().backward()

x = torch.ones(3, 2, requires_grad=True)
(x * x).sum().backward()
test()
"""


def test_code_that_tries_the_file_out_is_a_remark() -> None:
    """It runs when the file is imported; MLP has an `x` of its own."""
    found = report(CORRECT + TRIED)
    assert found.verdict == "passes, with remarks"
    assert [remark.text.partition(" (")[0] for remark in found.remarks] == ["Autograd runs when the file is imported"]


@pytest.mark.parametrize(
    "use",
    [
        "slope = torch.func.grad(lambda z: z)\ndef mse_loss(y, y_hat): return slope(y)",
        "MLP.backward = lambda self, d: d.requires_grad_()",
        "setattr(MLP, 'look', lambda self, d: d.requires_grad_())",
        "def helper(J): J.backward()\nACTS = dict(relu=helper)\ndef mse_loss(y, y_hat): ACTS['relu'](y)",
    ],
)
def test_what_the_homework_needs_is_no_trial(use: str) -> None:
    source = HEAD + use
    assert not {line for line, _ in autograd_uses(source)} & tried_lines(source)
    assert autograd_uses(source)


def test_a_graph_that_nobody_uses_is_a_remark() -> None:
    found = report(
        CORRECT.replace("        y_hat = act(", "        z3 = z3 + torch.nn.Linear(1, 1).weight * 0\n        y_hat = act(")
    )
    assert found.verdict == "passes, with remarks"
    assert [remark.text for remark in found.remarks] == ["Results require grad, though nothing uses it."]
