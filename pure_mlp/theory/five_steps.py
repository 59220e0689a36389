"""Handout 1.2(a): the five steps of training, as PyTorch takes them and as a pure function takes them."""

from __future__ import annotations

import attrs

from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table


@attrs.frozen
class Step:
    """One of the five: what is done, its equation in LaTeX, PyTorch's line and the line of a pure step ("" for none)."""

    words: str
    equation: str
    torch: str
    pure: str


STEPS = (
    Step(
        "predict",
        r"\hat{\mathbf{y}} = \operatorname{net}(\mathbf{x}; \theta)",
        "y_hat = model(x)",
        "y_hat, cache = net.fwd(params, x)",
    ),
    Step("compute the loss", r"J = \ell(\hat{\mathbf{y}}, \mathbf{y})", "J = criterion(y_hat, y)", "J, dy_hat = loss(y, y_hat)"),
    Step("clear the gradients", r"\nabla_\theta \leftarrow 0", "optimizer.zero_grad()", ""),
    Step(
        "compute and accumulate",
        r"\nabla_\theta \leftarrow \nabla_\theta + \left(\frac{\partial J}{\partial \theta}\right)^\top",
        "J.backward()",
        "_, grads = net.bwd(params, cache, dy_hat)",
    ),
    Step(
        "step downhill",
        r"\theta \leftarrow \theta - \eta \nabla_\theta",
        "optimizer.step()",
        "params, state = optimizer.update(params, grads, state)",
    ),
)


def five_steps() -> Document:
    """The table of the five steps.

    >>> five_steps()[2].rows[0][3]
    '`y_hat, cache = net.fwd(params, x)`'
    """
    rows = tuple(
        (f"{number}. {step.words}", f"${step.equation}$", f"`{step.torch}`", f"`{step.pure}`" if step.pure else "nothing to clear")
        for number, step in enumerate(STEPS, 1)
    )
    return (
        Heading(2, "1.2(a) The five steps"),
        Paragraph(r"$\theta$ stands for the four parameters, $\eta$ for the learning rate, $J$ for the loss of the batch:"),
        Table(("Step", "Equation", "PyTorch", "Pure functions"), rows),
        Note(
            Label.REMARK,
            "The order of steps 2 and 3 is free: what counts is that the gradients are cleared after one update and before the "
            "next backward pass. Pure functions have nothing to clear in step 3: the gradients are a new value each time, and "
            "nothing is added to what was there. `mlp.py` does as PyTorch: `backward` adds, `clear_grad_and_cache` clears.",
        ),
    )
