"""The net as a chain of boxes: the value of every edge above it, its cotangent below."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.theory.document import Chain, Edge, Figure
from pure_mlp.theory.notation import number
from pure_mlp.theory.problem import Problem


def chain(p: Problem) -> Figure:
    """The figure of one problem.

    >>> from pure_mlp.theory.problem import problem
    >>> chain(problem("relu", "identity", "mse", 0)).panels[0].edges[0].values
    ('0.3731', '-0.8920')
    """
    edges = (
        (r"$\mathbf{x}$", p.x, p.dx),
        (r"$\mathbf{z}_1$", p.z1, p.dz1),
        (r"$\mathbf{z}_2$", p.z2, p.dz2),
        (r"$\mathbf{z}_3$", p.z3, p.dz3),
        (r"$\hat{\mathbf{y}}$", p.y_hat, p.dy_hat),
        (r"$\ell$", p.J, torch.ones(())),
    )
    return Figure(
        "chain",
        "The net as a chain. Above each edge the value that flows to the right, below it the cotangent, the derivative of the loss "
        "by that value, which flows to the left.",
        (
            Chain(
                (r"$\mathrm{Linear}_1$", f"$f$: {p.f}", r"$\mathrm{Linear}_2$", f"$g$: {p.g}", "loss"),
                tuple(Edge(name, _entries(value), _entries(cotangent)) for name, value, cotangent in edges),
            ),
        ),
        1,
        1.5,
    )


def _entries(x: Tensor) -> tuple[str, ...]:
    return tuple(map(number, x.flatten().tolist()))
