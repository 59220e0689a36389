"""Figures drawn by matplotlib, in black and grey."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Literal

from pure_mlp.theory.document import Chain, Figure, Panel
from pure_mlp.theory.plotting_chain import draw_chain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(figure: Figure, form: Literal["svg", "pdf", "png"]) -> bytes:
    """The figure 7 inches wide as a file of this form. Raises `ImportError` without matplotlib.

    >>> from pure_mlp.theory.document import Curve
    >>> draw(Figure("line", "", (Panel("", (Curve((0.0, 1.0), (0.0, 1.0)),)),), 1, 2.0), "png")[1:4]
    b'PNG'
    """
    from matplotlib.figure import Figure as Canvas

    rows = ceil(len(figure.panels) / figure.columns)
    canvas = Canvas(figsize=(7.0, figure.height * rows), layout="constrained")
    axes = canvas.subplots(rows, figure.columns, squeeze=False).flatten().tolist()
    for panel, ax in zip(figure.panels, axes):
        if isinstance(panel, Chain):
            draw_chain(panel, ax)
        else:
            _panel(panel, ax)
    for ax in axes[len(figure.panels) :]:
        ax.set_axis_off()
    out = BytesIO()
    canvas.savefig(out, format=form, dpi=150)
    return out.getvalue()


def _panel(panel: Panel, ax: Axes) -> None:
    for curve in panel.curves:
        face = str(curve.shade) if curve.filled else "white"
        ax.plot(
            curve.x,
            curve.y,
            curve.style,
            label=curve.label or None,
            color=str(curve.shade),
            linewidth=1.2,
            markersize=3.5,
            markerfacecolor=face,
        )
    ax.set_title(panel.title, fontsize=9)
    ax.set_xlabel(panel.x_label, fontsize=8)
    ax.set_ylabel(panel.y_label, fontsize=8)
    ax.tick_params(labelsize=7)
    ax.grid(True, color="0.88", linewidth=0.5)
    if panel.log_x:
        ax.set_xscale("log", base=2)
    if panel.log_y:
        ax.set_yscale("log")
    if panel.equal:
        ax.set_aspect("equal", adjustable="datalim")
    if any(curve.label for curve in panel.curves):
        ax.legend(fontsize=7, framealpha=0.9)
