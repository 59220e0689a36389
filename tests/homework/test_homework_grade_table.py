"""Findings from grading public solutions, each with what should be said: one test a row."""

# ruff: noqa: E501 - so that the changes can be read

from __future__ import annotations

import pytest
from graded import report, said
from mistakes import CORRECT, spoiled
from mistakes_losses import EPSILONS
from students import STYLES

FAILS, REMARKS, RIGHT = "fails the checks that a hidden test makes", "passes, with remarks", "right"
CLASS = CORRECT.index("class MLP")
BODY = CORRECT[CORRECT.index("    def forward") : CORRECT.index("    def clear")]


def changed(*changes: tuple[str, str]) -> str:
    return spoiled(changes)


UNFILLED = changed((BODY, "    def forward(self, x):\n        pass\n\n    def backward(self, dJdy_hat):\n        pass\n\n"))
UNFILLED = UNFILLED[: UNFILLED.index("def mse_loss")] + "def mse_loss(y, y_hat):\n    pass\n\ndef bce_loss(y, y_hat):\n    pass\n"
INTERFACE = (
    ("self.grads[name] += new[name]", "self.grads[name[3:]] += new[name]"),
    ('"dJd" + n: torch.zeros', '"d" + n: torch.zeros'),
)
BOUND = '        for name in (f_function, g_function):\n            if name not in ("relu", "sigmoid", "identity"):\n                raise ValueError("expected relu, sigmoid or identity, got " + name)\n'
UNBOUND = (
    "def act(name, z):\n    if name == 'relu': a = torch.relu(z)\n    if name == 'sigmoid': a = torch.sigmoid(z)\n    return a\n\n"
)
ACT = CORRECT[CORRECT.index("def act") : CORRECT.index("def slope_f")]
START = "dict(W1=torch.randn(h1, n1), b1=torch.randn(h1), W2=torch.randn(k, h2), b2=torch.randn(k))"
LOGS, S_LINE = "a.log().clamp(min=-100), (1 - a).log().clamp(min=-100)", "((1 - v) * v).clamp(min=1e-12)"
OVERFLOW = ("a * (1 - a) if name", "torch.exp(-z) / (1 + torch.exp(-z)) ** 2 if name")

TABLE: dict[str, tuple[str, str, list[str]]] = {
    "1 an import of grad, and a local name": (
        changed(("import torch\n", "import torch\nfrom torch.func import grad\n"), ("for g in self.grads.values():\n            g.zero_()", "for grad in self.grads.values():\n            grad.zero_()")),
        REMARKS, ["torch.func.grad is imported in line 3 and not used"]),
    "2 overwriting, unknown names, unguarded BCE": (
        changed(("+= new[name]", "= new[name]"), (BOUND, ""), (LOGS, "a.log(), (1 - a).log()"), (S_LINE, "(1 - v) * v")),
        REMARKS, ["backward overwrites the gradients", "An unknown activation is not refused", "bce_loss, J: BCE is not clamped", "bce_loss, dJdy_hat: BCE is not clamped"]),
    "3 refused in forward": (
        changed((BOUND, ""), ("        p = self.parameters\n", "        p = self.parameters\n" + BOUND.replace("(f_function, g_function)", "(self.f_function, self.g_function)"))),
        RIGHT, []),
    "4 J a float, gradient 7 times": (
        changed(("return J, dJdy_hat  # mse", "return J.item(), 7 * dJdy_hat")),
        FAILS, ["mse_loss, dJdy_hat: it is 7 times what it should be", "mse_loss: J is a float"]),
    "4 J a float": (changed(("return J, dJdy_hat  # mse", "return J.item(), dJdy_hat")), REMARKS, ["mse_loss: J is a float, expected a 0-dim tensor"]),
    "5 the function kept as an object": (
        changed(("self.f_function, self.g_function = f_function, g_function", "self.f_function, self.g_function = (lambda z, n=f_function: act(n, z)), g_function\n        self.f = f_function"), ("act(self.f_function, z1)", "self.f_function(z1)"), ("slope_f(self.f_function", "slope_f(self.f")),
        REMARKS, ["f_function is not kept as a string"]),
    "6 the template, unfilled": (
        UNFILLED, FAILS, ["backward stores nothing", "forward returns None", "mse_loss returns None", "bce_loss returns None"]),
    "7 a slope that overflows, and overwriting": (
        changed(OVERFLOW, ("+= new[name]", "= new[name]")), FAILS, ["Every slope overflows", "a (1 - a)", "backward overwrites"]),
    "8 the scale in backward": (
        changed(("self.grads[name] += new[name]", "self.grads[name] += new[name] / dJdy_hat.numel()"), ("2 * (y_hat - y) / y_hat.numel()", "2 * (y_hat - y)"), ("    dJdy_hat = dJdy_hat / y_hat.numel()\n", "")),
        FAILS, ["The division by batch x features stands in backward", "right together, wrong alone"]),
    "8 the batch in backward": (
        changed(("self.grads[name] += new[name]", "self.grads[name] += new[name] / len(dJdy_hat)"), ("2 * (y_hat - y) / y_hat.numel()", "2 * (y_hat - y) / y.shape[1]")),
        FAILS, ["The division by the batch size stands in backward and is missing in dJdy_hat of mse_loss"]),
    "9 the norm of the squares": (changed(("J = ((y_hat - y) ** 2).sum() / y.numel()", "J = (y_hat - y).pow(2).norm()")), FAILS, ["It is the norm of the squares"]),
    "9 RMSE": (changed((".sum() / y.numel()\n    dJdy_hat = 2", ".mean().sqrt()\n    dJdy_hat = 2")), FAILS, ["the root of the mean (RMSE)"]),
    "9 absolute values": (changed(("(y_hat - y) ** 2", "(y_hat - y).abs()")), FAILS, ["absolute values"]),
    "11 a bias gradient as a column": (
        changed(("db1 = d1.sum(0)", "db1 = d1.sum(0).reshape(-1, 1)"), ("self.grads[name] += new[name]", "self.grads[name] = new[name]")),
        FAILS, ["dJdb1 has the shape (5, 1), expected (5,)"]),
    "11 a bias gradient that is not summed": (
        changed(("db2 = d3.sum(0)", "db2 = d3"), ("self.grads[name] += new[name]", "self.grads[name] = new[name]")),
        FAILS, ["dJdb2 has the shape (4, 2), expected (2,) (it is not summed over the batch)"]),
    "12 identity as f is forgotten": (
        changed((ACT, UNBOUND), ("act(self.g_function, z3)", "z3 if self.g_function == 'identity' else act(self.g_function, z3)")),
        FAILS, ["forward raises UnboundLocalError", "where f is identity (12 of 36 cases)"]),
    "13 SGD inside backward": (
        changed(("            self.grads[name] += new[name]\n", "            self.grads[name] += new[name]\n            p[name[3:]] -= 0.1 * new[name]\n")),
        FAILS, ["The parameters change in backward or forward: W1, b1, W2, b2"]),
    "14 backward returns the gradients": (
        changed((CORRECT[CORRECT.index("        for name in new") : CORRECT.index("    def clear")], "        return new\n\n")),
        FAILS, ["backward stores nothing: the gradients in grads are all 0. It returns a dict instead."]),
    "15 nn.Parameter": (changed(("W1=torch.randn(h1, n1)", "W1=torch.nn.Parameter(torch.randn(h1, n1))")), FAILS, ["The parameters require grad"]),
    "16 the factor 2 left out": (changed(("2 * (y_hat - y)", "(y_hat - y)")), FAILS, ["The factor 2 of (5) is missing"]),
    "17 float64": (changed((START, START.replace(")", ").double()", 1))), FAILS, ["The parameters are float64, expected float32"]),
    "18 W stored (in, out)": (
        changed(("torch.randn(h1, n1)", "torch.randn(n1, h1)"), ("torch.randn(k, h2)", "torch.randn(h2, k)"), ('@ p["W1"].t()', '@ p["W1"]'), ('@ p["W2"].t()', '@ p["W2"]'), ('@ p["W2"]\n        sf', '@ p["W2"].t()\n        sf')),
        FAILS, ["W1 has the shape (3, 5), expected (out, in) = (5, 3)"]),
    "19 forward returns a tuple": (changed(("return y_hat\n", "return y_hat, z3\n")), FAILS, ["forward returns a tuple, expected y_hat"]),
    "19 grads keyed dW1": (changed(*INTERFACE), FAILS, ["grads has dW1, db1, dW2, db2, where dJdW1, dJdb1, dJdW2, dJdb2 are expected"]),
    "19 grads None": (changed(("torch.zeros_like(p) for", "None for")), FAILS, ["grads['dJdW1'] is None, expected a tensor"]),
    "20 swapped": (changed(("return J, dJdy_hat  # mse", "return dJdy_hat, J")), FAILS, ["mse_loss: the two results are swapped"]),
    "21 three at once, and one that nobody knows": (
        changed(("d1 = d2 * sf", "d1 = d2"), ("db1 = d1.sum(0)", "db1 = d1.mean(0)"), ("dW2 = d3.t()", "dW2 = 1.7 * d3.t()")),
        FAILS, ["The slope of f is missing", "dJ/db1 is a mean", "dJdW2 is 1.7 times what it should be"]),
    "22 gradients clamped": (changed(("self.grads[name] += new[name]", "self.grads[name] += new[name].clamp(-1, 1)")), FAILS, ["The gradients are clamped to [-1, 1]"]),
    "23 NotImplementedError": (changed(("        p, c = self.parameters", "        raise NotImplementedError\n        p, c = self.parameters")), FAILS, ["backward raises NotImplementedError (line "]),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
def test_what_should_be_said(row: str) -> None:
    source, verdict, sentences = TABLE[row]
    found = report(source)
    told = said(found)
    assert found.verdict == verdict, told
    assert [sentence for sentence in sentences if not any(sentence in text for text in told)] == [], told
    assert sentences or not told
    assert all("unknown:" not in text for text in told)


@pytest.mark.parametrize("how", EPSILONS)
def test_an_epsilon_of_any_size_is_named_with_it(how: str) -> None:
    """Row 10."""
    way, size = how.split()
    told = said(report(spoiled(EPSILONS[how])))
    assert len(told) == 2, told
    for key, text in zip(("J", "dJdy_hat"), told):
        assert text.startswith(f"bce_loss, {key}: BCE is kept finite by an epsilon of {size} ("), told
        assert (f"In float32 1 - {size} is 1" in text) == (float(size) < 6e-8)
    assert {"added": "added under", "clamped": "clamped to", "shifted": "added to y_hat itself"}[way] in told[0]


def test_only_what_should_be_said() -> None:
    """Rows that name one thing name nothing else."""
    for row in (
        "4 J a float",
        "9 RMSE",
        "13 SGD inside backward",
        "14 backward returns the gradients",
        "15 nn.Parameter",
        "16 the factor 2 left out",
        "20 swapped",
        "22 gradients clamped",
        "8 the scale in backward",
        "11 a bias gradient that is not summed",
    ):
        told = [text for text in said(report(TABLE[row][0])) if "overwrites" not in text and "does not add" not in text]
        assert len(told) == 1, (row, told)


def test_a_remark_says_what_it_risks() -> None:
    risks = {s.text.split(":")[0]: s.risk for s in report(TABLE["2 overwriting, unknown names, unguarded BCE"][0]).remarks}
    assert "saturated nets" in risks["bce_loss, J"]
    assert "without clearing" in risks["backward overwrites the gradients"]
    assert all(risks.values())


FALLBACKS = {
    "only where g is sigmoid": (("a * (1 - a) if name == \"sigmoid\" else torch.ones_like(z)  # g", "a * (1 - a) ** 3 if name == \"sigmoid\" else torch.ones_like(z)  # g"), "where g is sigmoid: look at g' and at g, equations (9), (17), (21). dJdW1, dJdb1 and dJdW2 follow from it."),
    "only where f is relu": (("(z > 0).float()  # f", "(z > 0.5).float()  # f"), "where f is relu"),
    "a factor": (("d2 = d3 @", "d2 = 1.5 * d3 @"), "dJdb1 is 1.5 times what it should be: dJ/dz3 is right, as dJdb2 shows: look at (W2)^T and f' between the two, equation (14). dJdW1 follows from it."),
    "a factor of the case": (("dW1 = d1.t()", "dW1 = len(d1) * d1.t()"), "dJdW1 is the batch size times what it should be, and only where the batch is larger than 1: dJ/dz1 is right, as dJdb1 shows"),
    "an element": (("dW2 = d3.t()", "dW2 = (d3 + 1).t()"), "dJdW2 is wrong, as with f sigmoid, g sigmoid, widths 3 5 2: element (0, 0) is"),
    "a loss's element": (("2 * (y_hat - y)", "2 * (y_hat - y) ** 3"), "mse_loss, dJdy_hat: it is wrong, as with shape (4, 3): element (0, 0) is"),
    "forward": (("z2 = act(self.f_function, z1)", "z2 = act(self.f_function, 2 * z1)"), "forward is wrong"),
    "all four by one factor": (("self.grads[name] += new[name]", "self.grads[name] += 2 * new[name]"), "Every gradient is 2 times what it should be."),
    "two in each other's place": (("dJdb1=db1, dJdW2=dW2, dJdb2=db2)\n        for name in new:\n            self.grads[name] += ", "dJdb1=db2, dJdW2=dW2, dJdb2=db1)\n        for name in new:\n            self.grads[name] = "), "dJdb1 holds what dJdb2 should hold."),
    "weight decay": (("self.grads[name] += new[name]", "self.grads[name] += new[name] + 0.01 * p[name[3:]]"), "Every gradient has 0.01 times its parameter added"),
    "y_hat squeezed": (("        return y_hat\n", "        return y_hat.squeeze()\n"), "forward has the shape (), expected (1, 1) (dimensions of size 1 are squeezed out)"),
    "J of each example": ((".sum() / y.numel()\n    dJdy_hat = 2", ".mean(1)\n    dJdy_hat = 2"), "mse_loss, J: it has the shape (4,), expected () (it is not averaged over all elements)."),
    "x W for x W^T": (('@ p["W1"].t()', '@ p["W1"]'), "forward takes x W1 for x W1^T"),
    "bias as a column": ((' + p["b1"]', ' + p["b1"].reshape(-1, 1)'), "where the batch is larger than 1 (18 of 36 cases)"),
    "class Mlp": (("class MLP", "class Mlp"), "the file has no MLP, but Mlp."),
}  # fmt: skip


ALONE = {
    "all four by one factor",
    "weight decay",
    "y_hat squeezed",
    "J of each example",
    "x W for x W^T",
    "class Mlp",
    "forward",
    "only where g is sigmoid",
}
"""Where one sentence says all."""


@pytest.mark.parametrize("what", FALLBACKS)
def test_what_no_mistake_explains_is_described(what: str) -> None:
    change, sentence = FALLBACKS[what]
    told = said(report(changed(change)))
    assert any(sentence in text for text in told), told
    assert all("unknown" not in text for text in told)
    assert what not in ALONE or len(told) == 1, told


@pytest.mark.parametrize("first", ["self.grads[name] = new[name]", "self.grads[name] += 3 * new[name]"])
def test_one_fault_hides_no_other(first: str) -> None:
    """A mean of db1 alone, the missing f' and a slope that overflows, beside what is wrong with all four gradients."""
    source = changed(
        ("self.grads[name] += new[name]", first), ("db1 = d1.sum(0)", "db1 = d1.mean(0)"), ("d1 = d2 * sf", "d1 = d2"), OVERFLOW
    )
    told = said(report(source))
    names = [text for text in told if "overflows" in text or "mean over the batch" in text or "slope of f is missing" in text]
    assert len(names) == 3, told
    assert any(text.startswith(("backward overwrites", "Every gradient is 3 times")) for text in told), told


def test_every_style_with_a_remark_passes() -> None:
    for name, source in STYLES.items():
        if '"] += ' in source:
            found = report(source.replace('"] += ', '"] = '))
            assert found.verdict == REMARKS, (name, said(found))
