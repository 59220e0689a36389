"""`python -m tests.benchmarks.pictures`: the pictures of the manual, computed on the digits, as SVG files in a folder."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from math import asinh
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from pure_mlp import (
    MLP,
    Batch,
    adam,
    cross_entropy,
    example_norms,
    fit,
    ggn_product,
    hvp,
    mlp,
    spectral_density,
    training_step,
    tree_leaves,
)
from pure_mlp.cli.setup import RULES
from pure_mlp.data.load import load
from pure_mlp.data.standardize import fit_standardizer, standardize

from .credit import trained

BATCH, RATE = 16, 1e-3
COLOURS = ("#4477aa", "#cc6677", "#228833", "#aa7700", "#7755aa", "#666666")


def digits() -> Batch:
    data = load("digits")
    return standardize(fit_standardizer(data.x), data.x), data.y


def after(epochs: int, net: MLP, params: Any, data: Batch) -> Any:
    """The params after so many epochs."""
    optimizer, g = adam(RATE), Generator().manual_seed(1)
    step = training_step(net, cross_entropy, optimizer)
    return fit(step, (params, optimizer.init(params)), data, epochs=epochs, batch=BATCH, generator=g)[0][0]


def plain(panel: Any) -> None:
    panel.spines[["top", "right"]].set_visible(False)


def norms(figure: Any) -> None:
    """|g_b| of every example of each class, before and after training: the median, the middle half and eight tenths."""
    data, (net, params) = digits(), mlp((64, 64, 32, 10), Generator().manual_seed(0))
    panels = figure.subplots(1, 2, sharey=True)
    for panel, epochs in zip(panels, (0, 5)):
        squares = tree_leaves(example_norms(net, cross_entropy)(after(epochs, net, params, data), *data)[1])
        each = len(data[1]) * torch.stack(squares).sum(0).sqrt()
        for k in range(10):
            q = torch.quantile(each[data[1] == k], torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])).tolist()
            panel.plot([k, k], [q[0], q[4]], color=COLOURS[0], linewidth=1)
            panel.plot([k, k], [q[1], q[3]], color=COLOURS[0], linewidth=6, solid_capstyle="butt")
            panel.plot([k], [q[2]], "o", color="white", markeredgecolor=COLOURS[0], markersize=5)
        panel.set(title=f"after {epochs} epochs" if epochs else "before training", xlabel="digit", xticks=range(10), yscale="log")
        plain(panel)
    panels[0].set(ylabel="norm of one gradient")


def density(values: Tensor, weights: Tensor, grid: Tensor) -> Tensor:
    """The weighed values, each a bell as wide as a grid step on a symmetric logarithmic axis."""
    at, width = torch.asinh(values / LINEAR), 2 * (grid[1] - grid[0])
    bells: Tensor = (weights * torch.exp(-(((grid.unsqueeze(1) - at) / width) ** 2) / 2)).sum(1) / width / (2 * torch.pi) ** 0.5
    return bells


LINEAR = 1e-3
"""Below this size the axis of eigenvalues is linear."""


def spectrum(figure: Any) -> None:
    """The densities of the eigenvalues of Hessian and Gauss-Newton matrix, before and after training."""
    x, y = digits()
    x = x.double()
    net, start = mlp((64, 32, 10), Generator().manual_seed(0), dtype=torch.float64)
    panels = figure.subplots(1, 2, sharey=True)
    grid = torch.linspace(asinh(-1 / LINEAR), asinh(20 / LINEAR), 240, dtype=torch.float64)
    for panel, epochs in zip(panels, (0, 10)):
        params = after(epochs, net, start, (x, y))
        for name, product, colour in (
            ("Hessian", lambda v, params=params: hvp(net, cross_entropy)(params, x, y, v)[1], COLOURS[0]),
            ("Gauss-Newton", partial(ggn_product(net, cross_entropy), params, x, y), COLOURS[1]),
        ):
            found = spectral_density(product, params, Generator().manual_seed(2), probes=4, steps=60)
            panel.plot(LINEAR * torch.sinh(grid), density(*found, grid), color=colour, label=name, linewidth=1.4)
        panel.set(title=f"after {epochs} epochs" if epochs else "before training", xlabel="eigenvalue")
        panel.set_xscale("symlog", linthresh=LINEAR)
        panel.set(xlim=(-1, 20), yscale="log", ylim=(1e-4, 5), xticks=[-1, -0.1, -0.01, 0, 0.01, 0.1, 1, 10])
        panel.set_xticklabels(["-1", "-0.1", "-0.01", "0", "0.01", "0.1", "1", "10"])
        panel.tick_params(axis="x", which="minor", length=0)
        plain(panel)
    panels[0].set(ylabel="density")
    panels[1].legend(frameon=False)


def angles(figure: Any) -> None:
    """The angle to the true gradient under each rule for credit, over the epochs."""
    panels = figure.subplots(1, 2, sharey=True)
    for rule, colour in zip(RULES, (COLOURS[5], *COLOURS)):
        told = trained(rule, 0, 30)[1] if rule != "backprop" else []
        for i, panel in enumerate(panels):
            if told:
                panel.plot([row[i] for row in told], label=rule, color=colour, linewidth=1.4)
    for i, panel in enumerate(panels):
        panel.axhline(90, color="#999999", linewidth=0.8, linestyle=":")
        panel.set(title=f"hidden layer {i + 1}", xlabel="epoch", ylim=(0, 100), yticks=range(0, 91, 30))
        plain(panel)
    panels[0].set(ylabel="angle [degrees]")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)


PICTURES: dict[str, Callable[[Any], None]] = {"norms": norms, "spectrum": spectrum, "angles": angles}


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw some, or all."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "pure_mlp", "font.family": "sans-serif", "font.size": 9})
    from matplotlib import pyplot as plt

    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.pictures", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PICTURES)}; all if none is given")
    options.add_argument("--folder", type=Path, default=Path("pure_mlp/docs"))
    args = options.parse_args(arguments)
    torch.set_num_threads(1)
    for name in args.names or PICTURES:
        figure = plt.figure(figsize=(7.5, 2.8), layout="constrained")
        PICTURES[name](figure)
        figure.savefig(args.folder / f"{name}.svg", metadata={"Date": None})
        print(args.folder / f"{name}.svg")


if __name__ == "__main__":
    main()
