"""Handout 1.4(a, b): why softmax is soft argmax, where it overflows, and how log-sum-exp mends it."""

from __future__ import annotations

from math import log

import sympy as sp  # type: ignore[import-untyped]  # sympy ships no types
import torch
from torch import Tensor

from pure_mlp.layers.softmax import softmax
from pure_mlp.losses.cross_entropy import cross_entropy
from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.problem import symbols_of
from pure_mlp.theory.statements import checked

LOGITS = (1.0, 3.0, 2.0)
SHIFTS = (0.0, 85.0, 1000.0, -1000.0)


def softargmax() -> Document:
    """The two answers, with numbers that the library computes in float32.

    >>> [block.text for block in softargmax() if isinstance(block, Heading)]
    ['1.4(a) Softmax is soft argmax', '1.4(b) Where it overflows']
    """
    z = torch.tensor(LOGITS)
    sharp = tuple((f"{beta:g}", numbers(softmax.fwd((), beta * z)[0])) for beta in (0.0, 1.0, 4.0, 16.0, 64.0))
    shifted = tuple(
        (numbers(z + a, 0), numbers(textbook(z + a)), numbers(softmax.fwd((), z + a)[0]), f"{loss(z + a):.4f}") for a in SHIFTS
    )
    return (
        Heading(2, "1.4(a) Softmax is soft argmax"),
        Paragraph(
            r"Argmax, written as a one-hot vector, says where the largest entry is; the maximum itself would be one number. "
            r"$\operatorname{softmax}(\beta \mathbf{z})$ is a distribution over the positions which tends to that one-hot "
            r"vector as "
            r"$\beta \to \infty$; the soft version of the maximum is $\frac{1}{\beta} \log \sum_k e^{\beta z_k}$. "
            f"For $\\mathbf{{z}} = ({numbers(z, 0)})$:"
        ),
        Table((r"$\beta$", r"$\operatorname{softmax}(\beta \mathbf{z})$"), sharp),
        Heading(2, "1.4(b) Where it overflows"),
        Paragraph(
            rf"In float32 $e^z$ is infinite from $z = {log(torch.finfo(torch.float32).max):.2f}$, and infinity over infinity "
            rf"is not a "
            r"number; if every $z_k$ is below $-104$ it is 0 over 0. Softmax does not change when a constant $m$ is "
            r"subtracted from "
            r"every logit, and with $m = \max_j z_j$ the largest power is 1. Its logarithm, which the loss wants, comes from "
            r"log-sum-exp "
            r"without forming the quotient, so a probability too small for float32 still has a finite logarithm:"
        ),
        checked(
            r"\log(p_k) = z_k - \log(\sum_{j=1}^{K} e^{z_j}), \quad \log(\sum_{j=1}^{K} e^{z_j}) = m + "
            r"\log(\sum_{j=1}^{K} e^{z_j - m}), "
            r"\quad m = \max(\mathbf{z})",
            {"z": symbols_of(z), "p": symbols_of(softmax.fwd((), z.double())[0]), "m": sp.Float(max(LOGITS)), "K": len(LOGITS)},
            k=range(1, len(LOGITS) + 1),
        ),
        Table(("Logits", "Textbook formula", "`softmax`", "`cross_entropy`, label 0"), shifted),
        Paragraph(
            f"At logits $(0, 200)$ the probability of class 0 is {softmax.fwd((), torch.tensor([0.0, 200.0]))[0][0]:.0f} in "
            f"float32 and its "
            f"logarithm would be minus infinity; `cross_entropy` gives {loss(torch.tensor([0.0, 200.0])):.0f}."
        ),
        Note(
            Label.MISTAKE,
            "The handout calls softmax unstable when its entries have quite different scales. What overflows is exp "
            "of a large logit, "
            "and equal logits of 1000 suffice. Different scales harm no probability of softmax itself: one that is "
            "rounded to 0 is "
            "off by less than float32 can hold.",
        ),
        Note(
            Label.FLOATING_POINT,
            "Different scales do harm the loss where its logarithm is taken apart from softmax: above, the logarithm "
            "of that 0 is "
            "minus infinity. Taken together, as `cross_entropy` does, nothing is lost.",
        ),
    )


def textbook(z: Tensor) -> Tensor:
    """exp(z_k) / sum_j exp(z_j) as it is written, overflow and all.

    >>> textbook(torch.tensor([1000.0, 0.0]))
    tensor([nan, 0.])
    """
    return z.exp() / z.exp().sum()


def loss(z: Tensor) -> float:
    """The library's cross-entropy of the logits z (K,) for the label 0.

    >>> loss(torch.tensor([0.0, 200.0]))
    200.0
    """
    return cross_entropy(torch.tensor(0), z)[0].item()


def numbers(z: Tensor, digits: int = 4) -> str:
    """The entries with commas between.

    >>> numbers(torch.tensor([0.5, float("nan")]), 1)
    '0.5, nan'
    """
    return ", ".join(f"{entry:.{digits}f}" for entry in z.tolist())
