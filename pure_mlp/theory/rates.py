"""Handout 1.4(f): learning rate against batch size, mean and sum reduction, measured on the embedded digits."""

from __future__ import annotations

from functools import partial
from math import isfinite
from typing import Literal

from torch import Generator

from pure_mlp.data.embedded import embedded
from pure_mlp.layers.inits import linear_init
from pure_mlp.losses.cross_entropy import cross_entropy
from pure_mlp.optim.batch_rule import rate_for_batch
from pure_mlp.optim.sgd import sgd
from pure_mlp.perceptron import mlp
from pure_mlp.signatures import Batch
from pure_mlp.theory.document import Curve, Document, Figure, Heading, Label, Note, Panel, Paragraph, Table
from pure_mlp.train.fit import fit
from pure_mlp.train.step import training_step

BATCHES = (8, 32, 128)
EXAMPLES, EPOCHS, WORST, SMALL = 1024, 2, 10.0, 2.0**-6
RATES: dict[Literal["mean", "sum"], tuple[float, ...]] = {
    "mean": tuple(2.0**k for k in range(-5, 5)),
    "sum": tuple(2.0**k for k in range(-11, -1)),
}
Losses = dict[int, list[float]]


def rates(seed: int) -> Document:
    """Two measurements: a small rate carried from batch to batch, and the best rate of each batch size. A few seconds.

    >>> rates(0)[0].text
    '1.4(f) Learning rate and batch size'
    """
    mean, total = (losses(reduction, seed) for reduction in RATES)
    kept = tuple((str(n), *(f"{loss:.3f}" for loss in carried(n, seed))) for n in BATCHES)
    best_rates = tuple((str(n), f"{best('mean', mean[n]):.3g}", f"{best('sum', total[n]):.3g}") for n in BATCHES)
    return (
        Heading(2, "1.4(f) Learning rate and batch size"),
        Paragraph(
            f"A $64 \\to 32 \\to 10$ ReLU net on {EXAMPLES} of the embedded digits, SGD, cross-entropy, {EPOCHS} epochs from "
            f"the same params. "
            f"First a small rate, far from divergence: {SMALL:g} at batch {BATCHES[0]} for the mean, {SMALL / BATCHES[0]:g} "
            f"for the sum. "
            f"At $k$ times the batch it is kept, or changed as named; the training loss after {EPOCHS} epochs:"
        ),
        Table(("Batch", "mean, rate kept", r"mean, rate times $k$", "sum, rate kept", r"sum, rate over $k$"), kept),
        Paragraph(
            r"With $k$ times the batch an epoch has $k$ times fewer steps. A mean-reduced gradient keeps its size, so that "
            r"the rate has to "
            r"grow with the batch, $\eta \propto N$, for the same progress (Goyal et al. 2017, arXiv:1706.02677): the column "
            r"with the rate times $k$ stays level, the one with the rate kept falls behind. A sum-reduced gradient has itself "
            r"grown by $k$: "
            r"there the same rate makes the same progress. `rate_for_batch` gives each case."
        ),
        Paragraph(
            "Then, for every batch size, the best of a range of rates (powers of 2), which lies close to divergence, "
            "as [figure rates] "
            "shows:"
        ),
        Table(("Batch", "mean, best rate", "sum, best rate"), best_rates),
        Figure(
            "rates",
            f"Training loss after {EPOCHS} epochs over the learning rate; {WORST:g} stands for divergence too.",
            (_panel("mean", mean), _panel("sum", total)),
            2,
            1.9,
        ),
        Paragraph(
            r"Here the curvature limits the step, and it is that of the mean loss for every batch size: the linear rule ends "
            r"where the "
            r"step would diverge. The sum-reduced loss has $N$ times the curvature, so that its limit falls as $1 / N$."
        ),
        Note(
            Label.MISTAKE,
            "A larger batch with a smaller rate is wrong for a mean-reduced loss, which is what its "
            "template and "
            "torch use: there the rate grows with the batch, up to the limit of stability. The sentence holds for a "
            "sum-reduced loss "
            "at that limit.",
        ),
    )


def carried(batch: int, seed: int) -> tuple[float, float, float, float]:
    """The loss at this batch size after the small rate of the smallest one: mean, kept and by the rule; sum, kept and over k.

    >>> kept, by_rule, _, _ = carried(32, 0)
    >>> by_rule < kept
    True
    """
    data, start, small = digits(), BATCHES[0], SMALL / BATCHES[0]
    return (
        trained(data, "mean", batch, SMALL, seed),
        trained(data, "mean", batch, rate_for_batch(SMALL, start, batch), seed),
        trained(data, "sum", batch, rate_for_batch(small, start, batch, "sum"), seed),
        trained(data, "sum", batch, rate_for_batch(small, start, batch, "sum", "step"), seed),
    )


def losses(reduction: Literal["mean", "sum"], seed: int) -> Losses:
    """By batch size, the loss for each of `RATES[reduction]`; at most `WORST`, also where the training diverged.

    >>> curves = losses("sum", 0)
    >>> best("sum", curves[8]) / best("sum", curves[32])
    4.0
    """
    data = digits()
    return {batch: [trained(data, reduction, batch, rate, seed) for rate in RATES[reduction]] for batch in BATCHES}


def digits() -> Batch:
    """The first examples of the digits, pixels from 0 to 1.

    >>> digits()[0].shape
    torch.Size([1024, 64])
    """
    data = embedded("digits")
    return data.x[:EXAMPLES] / 16, data.y[:EXAMPLES]


def trained(data: Batch, reduction: Literal["mean", "sum"], batch: int, rate: float, seed: int) -> float:
    """The mean loss over the data after training, at most `WORST`.

    >>> trained(digits(), "mean", 128, 0.5, 0) < 2.3 < trained(digits(), "sum", 128, 64.0, 0)
    True
    """
    generator = Generator().manual_seed(seed)
    net, params = mlp((64, 32, 10), generator, init=linear_init)
    optimizer = sgd(rate)
    step = training_step(net, partial(cross_entropy, reduction=reduction), optimizer)
    (params, _), _ = fit(step, (params, optimizer.init(params)), data, epochs=EPOCHS, batch=batch, generator=generator)
    J = cross_entropy(data[1], net.fwd(params, data[0])[0])[0]
    return min(J.item(), WORST) if isfinite(J.item()) else WORST


def best(reduction: Literal["mean", "sum"], curve: list[float]) -> float:
    """The rate with the lowest loss.

    >>> best("mean", [3.0, 1.0, *[2.0] * 8])
    0.0625
    """
    return RATES[reduction][min(range(len(curve)), key=curve.__getitem__)]


def _panel(reduction: Literal["mean", "sum"], curves: Losses) -> Panel:
    styles = zip(curves, ("o-", "s--", "^:"), (0.0, 0.3, 0.5))
    drawn = tuple(Curve(RATES[reduction], tuple(curves[n]), style, f"batch {n}", shade) for n, style, shade in styles)
    return Panel(f"{reduction}-reduced loss", drawn, "learning rate", "loss", log_x=True, log_y=True)
