"""Files as they are written in haste: loops, globals, seeds, casts, keys misspelt, what Python itself refuses; and what is said."""

# ruff: noqa: E501 - so that the changes can be read

from __future__ import annotations

import pytest
from graded import report, said
from mistakes import CORRECT, spoiled

FAILS, REMARKS, RIGHT = "fails the checks that a hidden test makes", "passes, with remarks", "right"
ADD = "            self.grads[name] += new[name]\n"
CLEAR = "        for g in self.grads.values():\n            g.zero_()\n        self.cache = dict()\n"
FORWARD = "        p = self.parameters\n        z1"
RETURN = "        return y_hat\n"
KEPT = "self.f_function, self.g_function = f_function, g_function"
DRAWN = "self.parameters = dict(W1=torch.randn(h1, n1), b1=torch.randn(h1), W2=torch.randn(k, h2), b2=torch.randn(k))"
SUMS = CORRECT[CORRECT.index("        dW1 = ") : CORRECT.index("        new = dict(")]
LOOP = """        dW1, db1, dW2, db2 = (torch.zeros_like(p[n]) for n in ("W1", "b1", "W2", "b2"))
        for i in range({}):
            dW1 += torch.outer(d1[i], c["x"][i])
            db1 += d1[i]
            dW2 += torch.outer(d3[i], c["z2"][i])
            db2 += d3[i]
"""
RELU = 'torch.relu(z) if name == "relu"'
UPSTREAM = "d3 = dJdy_hat * sg"

Row = tuple[tuple[tuple[str, str], ...], str, list[str]]
HABITS: dict[str, Row] = {
    # right, in other words
    "a loop": (((SUMS, LOOP.format("len(d1)")),), RIGHT, []),
    "prints": (((RETURN, "        print(y_hat)\n        return y_hat\n"),), RIGHT, []),
    "stores and returns": (((ADD, ADD + "        return self.grads\n"),), RIGHT, []),
    # loops
    "a loop that ends early": (((SUMS, LOOP.format("len(d1) - 1")),), FAILS, ["The last example of the batch is left out"]),
    "a loop that begins late": (((SUMS, LOOP.format("1, len(d1)")),), FAILS, ["The first example of the batch is left out"]),
    # what nets share
    "activations of the class": (((KEPT, KEPT.replace("self.", "MLP.")),), REMARKS, ["All nets share f and g, kept for the class or the file"]),
    "a seed of its own": (((DRAWN, f"torch.manual_seed(0)\n        {DRAWN}"),), REMARKS, ["Every new net starts with the same parameters, whatever the seed"]),
    "rand for randn": ((("torch.randn(", "torch.rand("),), REMARKS, ["The start is not the template's: W1, b1, W2, b2 by torch.randn in that order. All lie in [0, 1), as torch.rand draws them."]),
    "biases of 0": ((("b1=torch.randn(h1)", "b1=torch.zeros(h1)"), ("b2=torch.randn(k)", "b2=torch.zeros(k)")), REMARKS, ["The start is not the template's: W1, b1, W2, b2 by torch.randn in that order. b1, b2 are 0."]),
    # the batch
    "columns": ((('d1.t() @ c["x"]', 'd1 @ c["x"].t()'), ('d3.t() @ c["z2"]', 'd3 @ c["z2"].t()')), FAILS, ["The gradients of the weights are d x^T as if the examples were columns"]),
    "outer products of sums": ((('d1.t() @ c["x"]', 'torch.outer(d1.sum(0), c["x"].sum(0))'), ('d3.t() @ c["z2"]', 'torch.outer(d3.sum(0), c["z2"].sum(0))')), FAILS, ["The gradients of the weights multiply two sums over the batch"]),
    "reshaped for transposed": (((FORWARD, "        x = x.reshape(x.shape[1], x.shape[0]).t()\n" + FORWARD),), FAILS, ["forward: the y_hat of an example depends on the examples beside it"]),
    # forward does more
    "a softmax at the end, not kept": (((RETURN, "        return torch.softmax(y_hat, 1)\n"),), FAILS, ["forward applies softmax to g(z3) besides"]),
    "classes, not kept": (((RETURN, "        return (y_hat > 0.5).float()\n"),), FAILS, ["forward returns whether y_hat > 0.5"]),
    "a clamped ReLU": (((RELU, RELU.replace("torch.relu(z)", "z.clamp(0, 6)")),), FAILS, ["forward is wrong, as with"]),
    "dropout": (((RETURN, "        return torch.nn.functional.dropout(y_hat, 0.1)\n"),), FAILS, ["forward gives one input another result each time"]),
    # what all four gradients share
    "a sign, a mean and a slope": (((UPSTREAM, "d3 = -dJdy_hat / len(dJdy_hat) * sg"), ("torch.ones_like(z)  # f", "0 * z  # f"), ("torch.ones_like(z)  # g", "0 * z  # g")), FAILS, ["The gradients are divided by the batch size", "All gradients have the wrong sign", "Every slope is 0 for identity"]),
    "a factor, a mean and a slope": (((UPSTREAM, "d3 = 2 * dJdy_hat / dJdy_hat.shape[1]"),), FAILS, ["The slope of g is missing", "The gradients are divided by the number of features", "Every gradient is 2 times what it should be."]),
    "the factor 2 in backward": (((UPSTREAM, "d3 = 2 * dJdy_hat * sg"), ("2 * (y_hat - y)", "(y_hat - y)")), FAILS, ["The factor 2 stands in backward and is missing in dJdy_hat of mse_loss: right together, wrong alone."]),
    # losses
    "BCE refuses certainty": ((("    t, a = y, y_hat", "    assert ((y_hat > 0) & (y_hat < 1)).all()\n    t, a = y, y_hat"),), REMARKS, ["bce_loss raises AssertionError (line 62) where y_hat is exactly 0 or 1: torch clamps there."]),
    # names, shapes, places
    "no clear": ((("clear_grad_and_cache", "clear_grads_and_cache"), ("d1 = d2 * sf", "d1 = d2")), FAILS, ["The slope of f is missing", "MLP has no clear_grad_and_cache, but clear_grads_and_cache."]),
    "called": ((("def forward", "def __call__"),), FAILS, ["MLP has no forward, but __call__."]),
    "self forgotten": (((FORWARD, "        self.look()\n" + FORWARD), ("    def backward", "    def look():\n        pass\n\n    def backward")), FAILS, ["forward raises TypeError: MLP.look() takes 0 positional arguments but 1 was given (line 28): is self missing there?"]),
    "nothing comes back": ((("torch.ones_like(z)  # g", "None  # g"),), FAILS, ["backward raises TypeError: unsupported operand type(s) for *: 'Tensor' and 'NoneType' (line 39) where g is identity (12 of 36 cases): something is None"]),
    "biases not summed": ((("d1.sum(0)", "d1"), ("d3.sum(0)", "d3")), FAILS, ["backward raises RuntimeError: output with shape [5] doesn't match the broadcast shape [4, 5] (line 49): each example has its row in what is added: .sum(0)."]),
    "sparse": ((("W1=torch.randn(h1, n1)", "W1=torch.randn(h1, n1).to_sparse()"),), FAILS, ["parameters['W1'] is a tensor on cpu, torch.sparse_coo, expected one on cpu, torch.strided."]),
    "names in capitals": ((('"relu" else torch.sigmoid(z) if name == "sigmoid"', '"ReLU" else torch.sigmoid(z) if name == "Sigmoid"'),), FAILS, ["forward applies neither f nor g"]),
    "a key misspelt": ((("dJdb1=db1", "dJdB1=db1"), ("self.grads[name] += new[name]", "self.grads[name] = self.grads.get(name, 0) + new[name]")), FAILS, ["dJdb1 stays 0: does backward store that? grads has dJdB1 besides."]),
    "x squeezed": (((FORWARD, "        x = x.squeeze()\n" + FORWARD),), FAILS, ["forward has the shape (1,), expected (1, 1), and only where the batch is one example", "backward raises RuntimeError"]),
    "small numbers to start": (((DRAWN, f"{DRAWN}\n        self.parameters = {{n: 0.01 * p for n, p in self.parameters.items()}}"),), REMARKS, ["The start is not the template's: W1, b1, W2, b2 by torch.randn in that order. They are 0.01 times those."]),
    "W1 turned in forward": (((FORWARD, "        self.parameters['W1'] = self.parameters['W1'].t()\n" + FORWARD), ('x @ p["W1"].t()', 'x @ p["W1"]')), FAILS, ["The parameters change in backward or forward: W1"]),
    "z bounded before sigmoid": ((("torch.sigmoid(z) if", "torch.sigmoid(z.clamp(-5, 5)) if"),), FAILS, ["forward is nearly right, off by less than 2 % in most cases: is anything clamped, rounded, or an epsilon added?"]),
    "a row that is never filled": (((RETURN, "        out = torch.zeros_like(y_hat)\n        for i in range(len(x) - 1):\n            out[i] = y_hat[i]\n        return out\n"),), FAILS, ["forward leaves y_hat of the last example at 0"]),
    "a result of millions": (((RETURN, "        return torch.zeros(1).expand(1 << 40)\n"),), FAILS, ["y_hat of forward has the shape (1099511627776,), larger than any case asks for."]),
    "BCE's gradient a column": ((("dJdy_hat = dJdy_hat / y_hat.numel()", "dJdy_hat = dJdy_hat.mean(1, keepdim=True)"),), FAILS, ["bce_loss, dJdy_hat: it has the shape (4, 1), expected (4, 3)"]),
    "three at once in forward": (((' + p["b1"]', ""), ("z2 = act(self.f_function, z1)", "z2 = z1"), ("y_hat = act(self.g_function, z3)", "y_hat = torch.sigmoid(act(self.g_function, z3))")), FAILS, ["forward leaves b1 out", "forward does not apply f", "forward applies sigmoid to g(z3) besides"]),
    "three at once in J": ((("J = -(t * p + (1 - t) * q).sum() / y.numel()", "J = (t * p - (1 - t) * q).sum() / len(y)"),), FAILS, ["bce_loss, J: The mean is over the batch only", "bce_loss, J: The sign is wrong", "bce_loss, J: The sign between the two terms is wrong"]),
    "where the label is 1": ((("-(t * p + (1 - t) * q).sum()", "-torch.where(t == 1, p, q).sum()"),), FAILS, ["bce_loss, J: A label other than 1 counts as 0"]),
}  # fmt: skip


@pytest.mark.parametrize("what", HABITS)
def test_a_habit_is_named(what: str) -> None:
    changes, verdict, sentences = HABITS[what]
    found = report(spoiled(changes))
    told = said(found)
    assert found.verdict == verdict, told
    assert len(told) == len(sentences), told
    assert all(text.startswith(sentence) for text, sentence in zip(told, sentences)), told


LOADED = {
    "neighbour": ("from utils import sigmoid\n", "ModuleNotFoundError: No module named 'utils' (line 1): the file is graded alone, in an empty folder"),
    "package": ("from .utils import sigmoid\n", "ImportError: attempted relative import with no known parent package (line 1): the file is graded alone, in an empty folder"),
    "data": ("open('weights.pt')\n", "FileNotFoundError: [Errno 2] No such file or directory: 'weights.pt' (line 1): the file is graded alone, in an empty folder"),
    "magic": ("%matplotlib inline\n", "SyntaxError: invalid syntax (line 1): a line that begins with % or ! is IPython's, no Python"),
    "conflict": ("<<<<<<< HEAD\n", "SyntaxError: invalid syntax (line 1): a conflict of git is left in it"),
    "assertion": ("assert 0\n", "AssertionError (line 1)"),
    "notebook": ("get_ipython().run_line_magic('matplotlib', 'inline')\n", "NameError: name 'get_ipython' is not defined (line 1): that is a line of a notebook, no Python"),
    "exit": ("import sys; sys.exit()\n", "SystemExit (line 1): the file ends Python when it is imported; what it does besides belongs under if __name__ == '__main__'"),
    "document": ("a = ‘relu’\n", "SyntaxError: invalid character '‘' (U+2018) (line 1): was it copied from a document? Quotes and minus signs are ' and -"),  # noqa: RUF001
    "blank": ("a =\u00a01\n", "SyntaxError: invalid non-printable character U+00A0 (line 1): was it copied from a web page? Type the blank again"),
    "fence": ("```python\n", "SyntaxError: invalid syntax (line 1): a line that begins with ``` or >>> is of a document, no Python"),
}  # fmt: skip


@pytest.mark.parametrize("what", LOADED)
def test_a_file_that_cannot_be_loaded_says_why(what: str) -> None:
    first, failure = LOADED[what]
    assert report(first + CORRECT).failure == f"cannot be loaded: {failure}"


def test_a_notebook_is_no_file() -> None:
    assert report('{"cells": [{"source": ["x = 1"]}], "nbformat": 4}').failure.startswith("is a Jupyter notebook, no Python")
