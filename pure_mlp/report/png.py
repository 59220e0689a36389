"""A picture of pixels as the address of an image that holds it."""

from __future__ import annotations

import zlib
from base64 import b64encode
from struct import pack

from torch import Tensor

__all__ = ["png"]


def png(pixels: Tensor) -> str:
    """A `data:` address of a PNG file (ISO/IEC 15948).

    Args:
        pixels: (height, width, 4), red, green, blue and opacity from 0 to 1; none for NaN.

    >>> import torch
    >>> png(torch.ones(1, 2, 4))[:22]
    'data:image/png;base64,'
    """
    height, width, _ = pixels.shape
    rows = (255 * pixels.nan_to_num(0.0).clamp(0, 1)).round().long().flatten(1).tolist()
    parts = [
        (b"IHDR", pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)),  # 8 bits of each of red, green, blue, opacity
        (b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)),  # 0: a row without a filter
        (b"IEND", b""),
    ]
    chunks = (pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in parts)
    return "data:image/png;base64," + b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()
