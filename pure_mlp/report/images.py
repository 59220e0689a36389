"""The weights of a layer as images, where its input is one."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.report.colours import signed
from pure_mlp.report.markup import Markup, element
from pure_mlp.report.png import png

__all__ = ["weight_images"]

COLUMNS, MOST = 8, 64


def weight_images(title: str, weight: Tensor, shape: tuple[int, int]) -> Markup:
    """A sheet of the first 64 rows of a weight (out, in), each as an image (height, width) of its own scale.

    >>> weight_images("W", torch.ones(3, 6), (2, 3)).count("<image")
    1
    """
    rows = weight[:MOST].to(torch.float32)
    rows = rows / rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)
    height, width = shape
    columns = min(COLUMNS, len(rows))
    lines = -(-len(rows) // columns)
    sheet = rows.new_zeros(lines * columns, height + 1, width + 1)  # with a line of nothing below and beside each
    sheet[: len(rows), :height, :width] = rows.reshape(-1, height, width)
    sheet = sheet.reshape(lines, columns, height + 1, width + 1).transpose(1, 2).flatten(2).flatten(0, 1)
    high, wide = sheet.shape
    picture = element("image", href=png(signed(sheet)), width=wide, height=high, class_="pixels")
    return element("figure", element("figcaption", title), element("svg", picture, viewBox=f"0 0 {wide} {high}", role="img"))
