"""What the page of a run shows of its replay: gradients, spectra, the first layer, the plane of two inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

from pure_mlp.cli.model import Params, linears, net_like, widths_of
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.watching import Moment
from pure_mlp.record import tree_leaves
from pure_mlp.registry.functions import LOSSES
from pure_mlp.report.chart import Line, chart
from pure_mlp.report.images import MOST, weight_images
from pure_mlp.report.markup import Markup
from pure_mlp.report.measure import sharpest, singular_values
from pure_mlp.report.page import Section, figures, note
from pure_mlp.report.rows import rows_table
from pure_mlp.report.surface import Plane, class_legend, surface
from pure_mlp.signatures import Batch

__all__ = ["gradients_section", "images_section", "spectra_section", "surface_section"]

SMALL = 50_000
"""The Hessian of nets with at most so many params is looked at."""


def gradients_section(setup: Setup, moments: Sequence[Moment], examples: int, replay: str) -> Section:
    """Norms and angles of the gradient of each layer over the epochs, on so many examples; and what is to be said of the replay.

    >>> from pure_mlp.cli.model import example
    >>> gradients_section(example().setup, [Moment(0, (1.0, 2.0), (0.0, 0.0), None)], 7, "").heading
    'Gradients'
    """

    def drawn(title: str, label: str, of: Callable[[Moment], Sequence[float]], log: bool = False) -> Markup:
        lines = [Line(name, [(m.epoch, of(m)[i]) for m in moments]) for i, name in enumerate(_layers(setup))]
        return chart(title, lines, "epochs done", label, log=log)

    charts = [
        drawn("norm of the gradient", "", lambda m: m.norms, True),
        drawn("angle to the first gradient", "degrees", lambda m: m.to_first),
    ]
    said = f"Of each layer, weight and bias together, on the first {examples} examples of the training part."
    if setup.rule != "backprop":
        charts.append(drawn("angle to the gradient of backpropagation", "degrees", lambda m: m.to_backprop or ()))
        said += f" The gradient is that of the rule {setup.rule}; below 90 degrees a step along it lowers the loss."
    again = f"What follows was measured while the training ran again from its seed. {replay}"
    return Section("Gradients", [note(again), figures(charts), note(said)])


def spectra_section(setup: Setup, first: Params, last: Params, batch: Batch, epochs: int) -> Section:
    """The singular values of each weight before and after, and of a small net the largest eigenvalues of the Hessian.

    >>> import torch
    >>> from pure_mlp.cli.model import example
    >>> params = example().params
    >>> spectra_section(example().setup, params, params, (torch.ones(3, 10), torch.ones(3, 1)), 1).heading
    'Spectra'
    """
    ends = (("before training", first), (f"after epoch {epochs}", last))
    charts = []
    for i, name in enumerate(_layers(setup)):
        lines = [Line(when, [*enumerate(singular_values(linears(setup, params)[i].weight), 1)]) for when, params in ends]
        charts.append(chart("singular values", lines, "number", name))
    parts = [figures(charts)]
    count = sum(leaf.numel() for leaf in tree_leaves(first))
    if count <= SMALL:
        net, loss = net_like(setup), LOSSES[setup.loss]
        found = [(when, sharpest(net, loss, params, *batch)) for when, params in ends]
        header = ["Hessian", *(str(i + 1) for i in range(len(found[0][1])))]
        parts.append(rows_table(header, [[when, *(f"{value:.3g}" for value in values)] for when, values in found]))
        parts.append(
            note(f"The largest eigenvalues of the second derivative of the loss by all params, on {len(batch[0])} examples.")
        )
    else:
        parts.append(note(f"The Hessian is not looked at: the net has {count:,} params, and {SMALL:,} are few enough."))
    return Section("Spectra", parts)


def images_section(first: Tensor, last: Tensor, shape: tuple[int, int], epochs: int) -> Section:
    """The rows of the first weight as images, before and after.

    >>> import torch
    >>> images_section(torch.ones(2, 4), torch.ones(2, 4), (2, 2), 1).heading
    'The first layer'
    """
    sheets = [weight_images("before training", first, shape), weight_images(f"after epoch {epochs}", last, shape)]
    count = f"the first {MOST} of {len(first)} units" if len(first) > MOST else f"{len(first)} units"
    said = f"The weights of {count}, as images of standardised pixels: blue above 0, orange below, each unit on a scale of its own."
    return Section("The first layer", [figures(sheets), note(said)])


def surface_section(names: Sequence[str], plane: Plane, frames: Sequence[tuple[int, Tensor]]) -> Section:
    """What the net says of the plane of its two inputs after some epochs; `frames` are epochs with scores of the plane's points.

    names: of the classes, or the least and the largest label.

    >>> import torch
    >>> from pure_mlp.report.surface import plane_of
    >>> plane = plane_of(torch.eye(2), torch.eye(2), ("a", "b"))
    >>> surface_section(["no", "yes"], plane, [(0, torch.ones(96 * 96, 2))]).heading
    'The decision surface'
    """
    drawn = [surface(f"after epoch {epoch}" if epoch else "before training", plane, scores) for epoch, scores in frames]
    said = "What the net says of every point. The dots are examples of the training part in the colours of their labels."
    return Section("The decision surface", [figures(drawn, small=True), class_legend(names), note(said)])


def _layers(setup: Setup) -> list[str]:
    return [f"layer {i}: {n} \N{RIGHTWARDS ARROW} {m}" for i, (n, m) in enumerate(pairwise(widths_of(setup)))]
