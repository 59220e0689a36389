"""Holding out a part of the examples."""

from __future__ import annotations

import attrs
import torch
from torch import Generator

from pure_mlp.data.dataset import Dataset


def split(data: Dataset, fraction: float, generator: Generator) -> tuple[Dataset, Dataset]:
    """(train, held out): `fraction` of the examples, rounded, are held out, drawn by the generator without stratification.

    Both parts are in the drawn order; the source's own test part stays with `train`. Raises `ValueError` where a part would be
    empty.

    >>> from pure_mlp.data.load import load
    >>> train, held = split(load("digits"), 0.2, Generator().manual_seed(0))
    >>> len(train.x), len(held.x)
    (1438, 359)
    """
    n = len(data.x)
    held = round(n * fraction) if 0 < fraction < 1 else 0
    if not 0 < held < n:
        raise ValueError(f"split: fraction {fraction} of {n} examples, expected at least one example in each part")
    order = torch.randperm(n, generator=generator)
    out, kept = order[:held], order[held:]
    return attrs.evolve(data, x=data.x[kept], y=data.y[kept]), attrs.evolve(data, x=data.x[out], y=data.y[out], test=None)
