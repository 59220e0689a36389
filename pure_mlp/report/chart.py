"""A chart of lines over one axis, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isfinite, log10

import attrs

from pure_mlp.report.markup import Markup, element
from pure_mlp.report.ticks import linear_ticks, log_ticks, short

__all__ = ["COLOURS", "Line", "chart"]

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 8, 36
COLOURS = 10
"""So many lines differ by colour; those after them are dashed."""

Point = tuple[float, float]


@attrs.frozen
class Line:
    """name: in the legend. points: (x, y), x rising; y that is not finite leaves a gap. dots: the points alone, in any order."""

    name: str
    points: Sequence[Point]
    dots: bool = False


@attrs.frozen
class Axis:
    """From numbers to places in the drawing: `start` is where low is, `end` where high is."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (at - low) / (high - low)


def chart(
    title: str,
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    log: bool = True,
    mark: Point | None = None,
    whole: bool = True,
) -> Markup:
    """A figure: the title, the lines between axes, and a legend of their names if there are several.

    Args:
        title: above it.
        lines: what is drawn; one without points keeps its colour from the others.
        x_label: what the horizontal axis is.
        y_label: what the vertical axis is, beside the title.
        log: a logarithmic vertical axis, where all values are above 0 and the largest is thrice the least.
        mark: a point with a ring around it.
        whole: only whole numbers are marked on the horizontal axis.

    >>> figure = chart("loss", [Line("training", [(1, 0.5), (2, 0.25)])], "epoch", "loss [nat]")
    >>> figure.count("<polyline"), figure.count("<figure")
    (1, 1)
    """
    seen = [(x, y) for line in lines for x, y in line.points if isfinite(y)] or [(0.0, 0.0)]
    x = Axis(*_ends([x for x, _ in seen], 0.0), LEFT, WIDTH - RIGHT)
    values = [y for _, y in seen]
    log = log and min(values) > 0 and max(values) >= 3 * min(values)
    y = Axis(*((min(values), max(values)) if log else _ends(values, 0.05)), HEIGHT - BOTTOM, TOP, log)
    drawn = [
        *_grid(x, y, whole),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, x_label),
        *(shape for i, line in enumerate(lines) for shape in _line(line, x, y, _look(i))),
    ]
    if mark is not None and isfinite(mark[1]):
        drawn.append(element("circle", cx=f"{x(mark[0]):.1f}", cy=f"{y(mark[1]):.1f}", r=6, class_="ring"))
    svg = element("svg", element("title", title), *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
    caption = element("figcaption", title, element("span", f" {y_label}"))
    return element("figure", caption, svg, *([_legend(lines)] if len(lines) > 1 else []))


def _ends(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    more = margin * (high - low) or (0.0 if high > low else 0.5 * abs(high) or 0.5)
    return low - more, high + more


def _grid(x: Axis, y: Axis, whole: bool) -> Iterator[Markup]:
    for tick in log_ticks(y.low, y.high) if y.log else linear_ticks(y.low, y.high):
        at = f"{y(tick):.1f}"
        yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=at, y2=at, class_="grid")
        yield element("text", short(tick), x=LEFT - 4, y=at, class_="tick")
    for tick in linear_ticks(x.low, x.high, 7, whole):
        yield _text(x(tick), HEIGHT - BOTTOM + 14, short(tick))


def _text(x: float, y: float, text: str) -> Markup:
    return element("text", text, x=f"{x:.1f}", y=y)


def _line(line: Line, x: Axis, y: Axis, look: str) -> Iterator[Markup]:
    """A polyline for each stretch without a gap, a dot for a stretch of one."""
    places = [(f"{x(at):.1f}", f"{y(value):.1f}") if isfinite(value) else None for at, value in line.points]
    gaps = [-1, *(i for i, place in enumerate(places) if place is None), len(places)]
    for before, after in pairwise(gaps):
        stretch = [place for place in places[before + 1 : after] if place]
        if line.dots or len(stretch) == 1:
            yield from (element("circle", cx=cx, cy=cy, r=2.5, class_=look) for cx, cy in stretch)
        elif stretch:
            yield element("polyline", points=" ".join(map(",".join, stretch)), class_=look)


def _look(i: int) -> str:
    return f"c{i % COLOURS}" + " dashed" * (i >= COLOURS)


def _legend(lines: Sequence[Line]) -> Markup:
    names = [element("span", element("i", class_=_look(i)), line.name) for i, line in enumerate(lines) if line.points]
    return element("div", *names, class_="legend")
