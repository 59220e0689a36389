"""A notebook of exercises: the homework with blanks, and under each a cell that grades it as `homework grade` does."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pure_mlp.homework.grade.report import as_text
from pure_mlp.homework.grade.run import Limits, grade_file

BLANK = re.compile(r"«(.*?)»")
"""What the student writes in the place of `...`."""

START = """import torch
from pure_mlp.learn.notebook import Exercises

exercises = Exercises()
"""

HEAD = """class MLP:
    def __init__(self, n, h, f_function, h_again, k, g_function):
        for name in (f_function, g_function):
            if name not in ("relu", "sigmoid", "identity"):
                raise ValueError("expected relu, sigmoid or identity, not " + name)
        self.f_function, self.g_function = f_function, g_function
        self.parameters = dict(W1=torch.randn(h, n), b1=torch.randn(h), W2=torch.randn(k, h), b2=torch.randn(k))
        self.grads = {"dJd" + name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.cache = {}

    def clear_grad_and_cache(self):
        for grad in self.grads.values():
            grad.zero_()
        self.cache = {}

    def forward(self, x):
        return forward(self, x)

    def backward(self, dJdy_hat):
        backward(self, dJdy_hat)
"""
"""What is given of the file."""

EXERCISES: tuple[tuple[str, str, str], ...] = (
    (
        "mse_loss",
        "## 1. The squared error\nJ is the mean over **all** elements of (ŷ - y)², and dJ/dŷ its derivative, equation (5), "
        "divided by their number too.",
        """def mse_loss(y, y_hat):
    d = y_hat - y
    J = «(d * d).mean()»
    dJdy_hat = «2 * d / d.numel()»
    return J, dJdy_hat
""",
    ),
    (
        "bce_loss",
        "## 2. Binary cross-entropy\nJ is the mean of -[y log ŷ + (1 - y) log(1 - ŷ)], and dJ/dŷ is (24). "
        "torch bounds each log at -100, and the denominator of (24) at 1e-12.",
        """def bce_loss(y, y_hat):
    log_p, log_q = y_hat.log().clamp(min=-100), (1 - y_hat).log().clamp(min=-100)
    J = «-(y * log_p + (1 - y) * log_q).mean()»
    dJdy_hat = «(y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=1e-12) / y.numel()»
    return J, dJdy_hat
""",
    ),
    (
        "forward",
        "## 3. Forward\nAn example is a **row** of x, so that W x + b becomes x Wᵀ + b, table 1.2(b).",
        """def activation(name, z):
    if name == "relu":
        return «z.clamp(min=0)»
    if name == "sigmoid":
        return «torch.sigmoid(z)»
    return z


def forward(net, x):
    p = net.parameters
    z1 = «x @ p["W1"].t() + p["b1"]»
    z2 = activation(net.f_function, z1)
    z3 = «z2 @ p["W2"].t() + p["b2"]»
    y_hat = activation(net.g_function, z3)
    net.cache = dict(x=x, z2=z2, y_hat=y_hat)
    return y_hat
""",
    ),
    (
        "backward",
        "## 4. Backward\nFrom the output back: (25), (9), (12), then (14), (16). `a` is the output of the activation: (17), (20).",
        """def slope(name, a):
    if name == "relu":
        return «(a > 0).float()»
    if name == "sigmoid":
        return «a * (1 - a)»
    return torch.ones_like(a)


def backward(net, dJdy_hat):
    p, c, grads = net.parameters, net.cache, net.grads
    dz3 = «dJdy_hat * slope(net.g_function, c["y_hat"])»
    dz2 = «dz3 @ p["W2"]»
    dz1 = «dz2 * slope(net.f_function, c["z2"])»
    grads["dJdW1"] += «dz1.t() @ c["x"]»
    grads["dJdb1"] += «dz1.sum(0)»
    grads["dJdW2"] += «dz3.t() @ c["z2"]»
    grads["dJdb2"] += «dz3.sum(0)»
""",
    ),
)
"""Part of the grader, text, code with its blanks filled."""


class Exercises:
    """What a notebook has answered so far: the sources of its cells, which together are an `mlp.py`.

    >>> print(Exercises().grade("mse_loss", ["def mse_loss(y, y_hat):\\n    return ..."]))  # doctest: +ELLIPSIS
    mse_loss: fails the checks that a hidden test makes
    ...
    """

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}

    def grade(self, part: str, cells: Sequence[str]) -> str:
        """What `homework grade --only PART` says of the last of these cells that defines it, beside the parts graded before.

        Args:
            part: `mse_loss`, `bce_loss`, `forward`, `backward`, or `all` for the whole file.
            cells: the sources of the cells that were run, which IPython keeps in `In`.

        Raises `ValueError` where no cell defines the part.
        """
        if part != "all":
            source = next((cell for cell in reversed(cells) if f"def {part}(" in cell and "class MLP" not in cell), None)
            if source is None:
                raise ValueError(f"run the cell that defines {part} first")
            self.sources[part] = source
        with TemporaryDirectory() as folder:
            path = Path(folder, "mlp.py")
            path.write_text("\n\n".join(("import torch", HEAD, *self.sources.values())), encoding="utf-8")
            report = grade_file(path, Limits(), "" if part == "all" else part)
        return as_text(report, 100).replace(str(path), part, 1)


def notebook(filled: bool = False) -> str:
    """The notebook, format 4.5, as JSON; with the answers in it if `filled`.

    >>> [cell["cell_type"] for cell in json.loads(notebook())["cells"]][:3]
    ['markdown', 'code', 'code']
    """
    text = "# Backpropagation, in exercises\nReplace each `...`, run the cell, then the one below it, "
    text += "which says what is wrong and why. "
    text += "Numbers in parentheses are the handout's equations. `pure-mlp learn -o learn.html` shows the same net in numbers."
    cells = [_cell("markdown", text), _cell("code", START), _cell("code", HEAD)]
    for part, words, code in EXERCISES:
        source = BLANK.sub(r"\1" if filled else "...", code)
        cells += [_cell("markdown", words), _cell("code", source), _cell("code", f'print(exercises.grade("{part}", In))\n')]
    whole = "## 5. The whole file\nEvery row that a file handed in is graded by."
    cells += [_cell("markdown", whole), _cell("code", 'print(exercises.grade("all", In))\n')]
    numbered = [{**cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    whole_file = {"cells": numbered, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole_file, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str) -> dict[str, object]:
    made: dict[str, object] = {"cell_type": kind, "metadata": {}, "source": source.rstrip("\n").splitlines(keepends=True)}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})
