"""What is wrong with state and interface, and what no mistake explains: exactly these sentences, and no others."""

# ruff: noqa: E501 - so that the changes can be read

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from graded import report, said
from mistakes import CORRECT, spoiled

from pure_mlp.homework.grade.run import last_place

FAILS, REMARKS = "fails the checks that a hidden test makes", "passes, with remarks"
ADD = "            self.grads[name] += new[name]\n"
CLEAR = "        for g in self.grads.values():\n            g.zero_()\n        self.cache = dict()\n"
FORWARD = "        p = self.parameters\n        z1"
RETURN = "        return y_hat\n"
MSE = "    return J, dJdy_hat  # mse"

ROWS: dict[str, tuple[tuple[tuple[str, str], ...], str, list[str]]] = {
    # what is kept between calls
    "momentum": (((ADD, "            self.grads[name] = 0.9 * self.grads[name] + new[name]\n"),), REMARKS, ["A second backward leaves 0.9 times what was in"]),
    "x of the first forward": ((("c[\"x\"]", "c['first']"), ("        self.cache.update(", "        self.cache.setdefault('first', x)\n        self.cache.update(")), REMARKS, ["A second backward adds something else than its own gradient to dJdW1: is the cache of the first forward in it?"]),
    "W2 of the first forward": ((('@ p["W2"]\n', "@ self.W2\n"), (FORWARD, "        self.W2 = getattr(self, 'W2', self.parameters['W2'])\n" + FORWARD)), FAILS, ["Replaced parameters are seen in forward and not in backward (dJdW1, dJdb1)"]),
    "a sum of its own": (((ADD, "            self.total[name] = self.total.get(name, 0) + new[name]\n            self.grads[name] = self.total[name].clone()\n"), ("self.cache = dict()  # empty", "self.cache, self.total = dict(), dict()")), FAILS, ["After clear_grad_and_cache the gradients of before come back in dJdW1, dJdb1, dJdW2, dJdb2"]),
    "forward clears": (((FORWARD, "        self.clear_grad_and_cache()\n" + FORWARD),), REMARKS, ["forward clears the gradients: gradients add up"]),
    "clearing draws anew": (((CLEAR, CLEAR + "        for p in self.parameters.values(): p.normal_()\n"),), FAILS, ["clear_grad_and_cache changes the parameters W1, b1, W2, b2"]),
    "only the weights are cleared": (((CLEAR, CLEAR.replace("            g.zero_()", "            g.zero_() if g.dim() == 2 else None")),), FAILS, ["clear_grad_and_cache does not zero dJdb1, dJdb2 (step 3"]),
    "cleared to {}, then assigned": (((CLEAR, "        self.grads, self.cache = {}, {}\n"), ("+= new[name]", "= new[name]")), REMARKS, ["backward overwrites the gradients", "After clear_grad_and_cache grads has no keys, where dJdW1, dJdb1, dJdW2, dJdb2 are expected"]),
    "grads of the class": ((("class MLP:\n", "class MLP:\n    grads = {}\n"), ("self.grads = {\"dJd\" + n: torch.zeros_like(p) for n, p in self.parameters.items()}", "self.grads.update({'dJd' + n: self.grads.get('dJd' + n, torch.zeros_like(p)) for n, p in self.parameters.items()})")), FAILS, ["All nets share one grads dict", "grads are not zero in a new net"]),
    "a cache of the file": ((("class MLP:\n", "CACHE = {}\n\nclass MLP:\n"), ("self.cache = dict()  # empty", "self.cache = CACHE")), REMARKS, ["All nets share one cache dict"]),
    "no cache": ((("self.cache", "self.memory"),), REMARKS, ["cache is not an empty dict in a new net"]),
    "dropout": (((FORWARD, "        x = torch.nn.functional.dropout(x, 0.5)\n" + FORWARD),), FAILS, ["forward gives one input another result each time"]),
    "noise": (((RETURN, "        return y_hat + 1e-3 * torch.randn_like(y_hat)\n"),), FAILS, ["forward gives one input another result each time"]),
    "centred": (((FORWARD, "        x = x - x.mean(0)\n" + FORWARD),), FAILS, ["forward: the y_hat of an example depends on the examples beside it"]),
    "softmax over the batch": (((RETURN, "        return torch.softmax(y_hat, 0)\n"),), FAILS, ["forward: the y_hat of an example depends on the examples beside it"]),
    # what all of torch is set to
    "double by default": ((("import torch\n", "import torch\ntorch.set_default_dtype(torch.float64)\n"),), REMARKS, ["The file sets the default dtype to float64 for all of torch"]),
    "autograd off": ((("import torch\n", "import torch\ntorch.set_grad_enabled(False)\n"),), FAILS, ["The file sets autograd to off for all of torch"]),
    "y_hat in double": (((RETURN, "        return y_hat.double()\n"), ("d3 = dJdy_hat", "d3 = 3 * dJdy_hat.double()"), ('@ p["W2"]\n', '@ p["W2"].double()\n'), ('@ c["x"]', '@ c["x"].double()'), ('@ c["z2"]', '@ c["z2"].double()')), FAILS, ["Every gradient is 3 times", "y is float64, expected float32"]),
    # the interface
    "numpy": (((RETURN, "        return y_hat.numpy()\n"),), FAILS, ["forward returns a numpy array, expected y_hat (batch, out2)."]),
    "J a numpy array": (((MSE, "    return J.numpy(), dJdy_hat"),), REMARKS, ["mse_loss: J is a numpy array, expected a 0-dim tensor."]),
    "no J": (((MSE, "    return None, dJdy_hat"),), FAILS, ["mse_loss returns (None, dJdy_hat), expected (J, dJdy_hat)."]),
    "blanks": (((MSE, "    return ..., ..."), (RETURN, "        return ...\n")), FAILS, ["forward returns ..., expected y_hat (batch, out2).", "mse_loss returns (J, ...), expected (J, dJdy_hat)."]),
    "J in words": (((MSE, "    return [str(J)], dJdy_hat"),), FAILS, ["mse_loss returns (a list, dJdy_hat), expected (J, dJdy_hat)."]),
    "one mean for all": (((MSE, "    return J, dJdy_hat.mean()"),), FAILS, ["mse_loss, dJdy_hat: it has the shape (), expected (4, 3) (it is summed or averaged over what each has its own)."]),
    "grads by another name": ((("self.grads", "self.gradients"),), FAILS, ["grads is missing, expected a dict with dJdW1, dJdb1, dJdW2, dJdb2."]),
    "no end": (((RETURN, "        return self.forward(x)\n"),), FAILS, ["forward raises RecursionError"]),
    "exits": (((RETURN, "        import sys; sys.exit('bye')\n"),), FAILS, ["forward raises SystemExit: bye (line "]),
    # where no mistake of the library is
    "biases are not stored": (((ADD, "            self.grads[name] += new[name] * ('W' in name)\n"),), FAILS, ["dJdb1 and dJdb2 stay 0: does backward store that?"]),
    "biases of the first example": ((("d1.sum(0)", "d1[0]"), ("d3.sum(0)", "d3[0]")), FAILS, ["dJdb2 is wrong, as with f sigmoid, g sigmoid, widths 3 5 2: element (0,) is 0.00884, expected -0.115, and only where the batch is larger than 1: dJ/dz3 is right, as dJdW2 shows", "dJdb1 is wrong"]),
    "a slope at another place": (((', c["z1"], c["z2"], d2)', ', c["z1"], act(self.f_function, c["z1"] / 2), d2)'),), FAILS, ["dJdb1 is wrong, as with f sigmoid, g sigmoid, widths 3 5 2: element (0,) is 0.0351, expected 0.0127, and only where f is sigmoid: dJ/dz3 is right, as dJdb2 shows"]),
    "nearly right": (((ADD, "            self.grads[name] += new[name] * (1 + 1e-3 * torch.sin(1e3 * new[name]))\n"),), FAILS, ["Every gradient is nearly right, off by less than 2 % in most cases, as a difference quotient would be."]),
    "a quarter of the features": ((("2 * (y_hat - y) / y_hat.numel()", "(y_hat - y) / (2 * len(y))"),), FAILS, ["mse_loss, dJdy_hat: it is 0.25 times the number of features times what it should be."]),
    "logs bounded elsewhere": ((("min=-100", "min=-50"),), REMARKS, ["bce_loss, J: Each logarithm is bounded at -50: torch bounds it at -100."]),
}  # fmt: skip


@pytest.mark.parametrize("what", ROWS)
def test_exactly_this_is_said(what: str) -> None:
    changes, verdict, sentences = ROWS[what]
    found = report(spoiled(changes))
    told = said(found)
    assert len(told) == len(sentences), told
    assert all(text.startswith(sentence) for text, sentence in zip(told, sentences)), told
    assert found.verdict == verdict


def test_losses_inside_the_class() -> None:
    start = CORRECT.index("def mse_loss")
    inside = CORRECT[start:].replace("(y, y_hat):", "(self, y, y_hat):").replace("\n", "\n    ")
    told = said(report(f"{CORRECT[:start]}    {inside}"))
    assert told == [f"the file has no {name}, but MLP.{name}: it stands outside the class." for name in ("mse_loss", "bce_loss")]


HANGING = """import faulthandler, sys

def backward():
    wait()

def wait():
    print("Timeout (0:00:06)!", flush=True)
    faulthandler.dump_traceback(sys.stdout)
"""


@pytest.mark.parametrize(("line", "call", "place"), [("", "['backward']()", "backward"), ("wait()", "", "its import")])
def test_where_a_file_hangs_is_told(tmp_path: Path, line: str, call: str, place: str) -> None:
    """From what `faulthandler` writes, here at once and not after a while."""
    (tmp_path / "mlp.py").write_text(HANGING + line)
    run = f"import runpy, sys; runpy.run_path(sys.argv[1]){call}"
    done = subprocess.run([sys.executable, "-c", run, str(tmp_path / "mlp.py")], stdout=subprocess.PIPE, check=True)
    (tmp_path / "stack").write_bytes(done.stdout)
    assert last_place(tmp_path / "stack") == f", in {place}, line 8"
