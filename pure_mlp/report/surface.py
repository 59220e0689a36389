"""What a net says of every point of a plane, under the examples that it learns from."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from pure_mlp.report.colours import PALETTE, blended
from pure_mlp.report.markup import Markup, element
from pure_mlp.report.png import png
from pure_mlp.report.ticks import short

__all__ = ["Plane", "class_legend", "plane_of", "surface"]

SIDE = 96
"""So many points are a side of the plane."""
MOST = 200
"""So many examples are drawn."""
SIZE, LEFT, TOP, BOTTOM = 200, 22, 4, 22


@attrs.frozen(eq=False)
class Plane:
    """A rectangle from `low` to `high`, each (2,), with examples x (n, 2) and their scores (n, classes); names of the two axes."""

    low: Tensor
    high: Tensor
    x: Tensor
    scores: Tensor
    names: tuple[str, str]

    def points(self) -> Tensor:
        """Points (SIDE * SIDE, 2), line by line from the top."""
        across, up = (torch.linspace(a, b, SIDE) for a, b in zip(self.low.tolist(), self.high.tolist()))
        return torch.stack((across.repeat(SIDE), up.flip(0).unsqueeze(1).expand(SIDE, SIDE).flatten()), 1)


def plane_of(x: Tensor, scores: Tensor, names: tuple[str, str]) -> Plane:
    """The plane of examples x (n, 2), a tenth wider than they are.

    >>> plane = plane_of(torch.tensor([[0.0, 0.0], [10.0, 1.0]]), torch.eye(2), ("a", "b"))
    >>> plane.low, plane.points().shape
    (tensor([-1.0000, -0.1000]), torch.Size([9216, 2]))
    """
    low, high = x.amin(0), x.amax(0)
    more = 0.1 * (high - low)
    more = more.where(more > 0, 1.0)
    return Plane(low - more, high + more, x[:MOST], scores[:MOST], names)


def surface(title: str, plane: Plane, scores: Tensor) -> Markup:
    """A figure of the plane in the colours of the scores (SIDE * SIDE, classes) of its points.

    >>> plane = plane_of(torch.eye(2), torch.eye(2), ("a", "b"))
    >>> surface("epoch 1", plane, torch.ones(SIDE * SIDE, 2)).count("<circle")
    2
    """
    address = png(blended(scores.reshape(SIDE, SIDE, -1)))
    image = element("image", href=address, x=LEFT, y=TOP, width=SIZE, height=SIZE, preserveAspectRatio="none")
    places = (plane.x - plane.low) / (plane.high - plane.low) * SIZE
    dots = [
        element("circle", cx=f"{LEFT + a:.1f}", cy=f"{TOP + SIZE - b:.1f}", r=2, fill=_colour(k), class_="dot")
        for (a, b), k in zip(places.tolist(), _pixels(plane.scores))
    ]
    (left, bottom), (right, top) = plane.low.tolist(), plane.high.tolist()
    across, up = plane.names
    below, beside = TOP + SIZE + 14, f"translate({LEFT - 8} {TOP + SIZE / 2}) rotate(-90)"
    texts = [
        element("text", short(left), x=LEFT, y=below, class_="first"),
        element("text", across, x=LEFT + SIZE / 2, y=below),
        element("text", short(right), x=LEFT + SIZE, y=below, class_="last"),
        element("text", f"{short(bottom)}  {up}  {short(top)}", transform=beside),
    ]
    box = f"0 0 {LEFT + SIZE + 2} {TOP + SIZE + BOTTOM}"
    return element("figure", element("figcaption", title), element("svg", image, *dots, *texts, viewBox=box, role="img"))


def class_legend(names: Sequence[str]) -> Markup:
    """The colours of the classes.

    >>> class_legend(["no", "yes"]).count("background")
    2
    """
    spans = [
        element("span", element("i", style=f"background: {PALETTE[k % len(PALETTE)]}", class_="class"), name)
        for k, name in enumerate(names)
    ]
    return element("div", *spans, class_="legend")


def _pixels(scores: Tensor) -> list[list[float]]:
    pixels: list[list[float]] = blended(scores, 1.0).tolist()
    return pixels


def _colour(pixel: list[float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in pixel[:3])
