"""Inference mode: its tensors cannot be overwritten outside, and its operations are recorded under other names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def outside_inference() -> Iterator[None]:
    """Inside, tensors are ordinary ones even if the caller is in inference mode; every other mode stays as it is."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            yield
    else:
        yield
