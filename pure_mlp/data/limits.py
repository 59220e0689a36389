"""How much a packed file may become when it is unpacked."""

from __future__ import annotations

from pathlib import Path

FREE = 2**26
"""64 MiB: any file may unpack to this much."""
RATIO = 100
"""Beyond `FREE`, this many times the packed size; MNIST's files unpack to 5 times theirs."""


def refuse_bomb(path: Path, unpacked: int, packed: int) -> None:
    """Raises `ValueError` if the file claims to unpack to more bytes than `FREE` and than `RATIO` times as many as it has.

    >>> refuse_bomb(Path("a.gz"), 2**30, 2**20)
    Traceback (most recent call last):
    ValueError: a.gz: unpacks from 1048576 to 1073741824 bytes, more than 100 times as many: refused
    """
    if unpacked > max(FREE, RATIO * packed):
        raise ValueError(f"{path}: unpacks from {packed} to {unpacked} bytes, more than {RATIO} times as many: refused")
