"""Handout 1.2(a): the five steps of training, beside the lines of `pure_mlp.train.step.training_step` that take them."""

from __future__ import annotations

import inspect
import re

from pure_mlp.theory.document import Document, Heading, Paragraph, Table
from pure_mlp.train.step import training_step

LINE = re.compile(r"^ *(?P<code>\S.*?)  # (?P<number>\d)\. (?P<words>[^:\n]*)", re.MULTILINE)
EQUATIONS = (
    r"\hat{\mathbf{y}} = \operatorname{net}(\mathbf{x}; \theta)",
    r"J = \ell(\hat{\mathbf{y}}, \mathbf{y})",
    r"\nabla_\theta \leftarrow 0",
    r"\nabla_\theta \leftarrow \nabla_\theta + (\frac{\partial J}{\partial \theta})^\top",
    r"\theta \leftarrow \theta - \eta \nabla_\theta",
)


def five_steps() -> Document:
    """The table, its last column read from the source of `training_step`.

    >>> five_steps()[2].rows[0][2]
    '`y_hat, *cache = net.fwd(params, x)`'
    """
    rows = tuple(
        (f"{number}. {words}", f"${equation}$", f"`{code}`") for (code, number, words), equation in zip(source_lines(), EQUATIONS)
    )
    return (
        Heading(2, "1.2(a) The five steps"),
        Paragraph(
            "In PyTorch: `y_hat = model(x)`, `loss = criterion(y_hat, y)`, `optimizer.zero_grad()`, "
            "`loss.backward()`, `optimizer.step()`. "
            "The pure step of this library, `training_step`, takes the same five:"
        ),
        Table(("Step", "Equation", "Line of `training_step`"), rows),
        Paragraph(
            "Gradients are values here, not buffers: nothing accumulates, so there is nothing to clear in step 3, "
            "and step 4 returns them instead of adding to what was there."
        ),
    )


def source_lines() -> tuple[tuple[str, str, str], ...]:
    """Code, number and words of the numbered lines of `training_step`.

    >>> [number for _, number, _ in source_lines()]
    ['1', '2', '3', '4', '5']
    """
    return tuple((match["code"], match["number"], match["words"]) for match in LINE.finditer(inspect.getsource(training_step)))
