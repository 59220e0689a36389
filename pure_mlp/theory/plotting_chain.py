"""A chain of boxes drawn by matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pure_mlp.theory.document import Chain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOX, STEP = 0.62, 2.2
"""Half the width of a box, and the distance from box to box, in units of the picture, which is 3.6 of them high."""


def draw_chain(chain: Chain, ax: Axes) -> None:
    """Boxes on one line, an arrow to the right for each edge, its values above and its cotangents below."""
    ax.set_axis_off()
    ax.set_xlim(0, STEP * len(chain.boxes) + STEP - 0.6)
    ax.set_ylim(-1.8, 1.8)
    centres = [STEP * (i + 1) - 0.3 for i in range(len(chain.boxes))]
    for x, words in zip(centres, chain.boxes):
        box = {"boxstyle": "square,pad=0.35", "fc": "white", "ec": "black"}
        ax.text(x, 0, words, ha="center", va="center", fontsize=8, bbox=box)
    starts, ends = [0.1, *(x + BOX for x in centres)], [*(x - BOX for x in centres), STEP * (len(centres) + 1) - 0.7]
    for edge, start, end in zip(chain.edges, starts, ends):
        ax.annotate("", (end, 0.05), (start, 0.05), arrowprops={"arrowstyle": "->", "color": "black"})
        ax.annotate("", (start, -0.12), (end, -0.12), arrowprops={"arrowstyle": "->", "color": "0.5", "linestyle": "--"})
        middle = (start + end) / 2
        ax.text(middle, 0.18, "\n".join((edge.name, *edge.values)), ha="center", va="bottom", fontsize=7)
        ax.text(middle, -0.25, "\n".join(edge.cotangents), ha="center", va="top", fontsize=7, color="0.35")
