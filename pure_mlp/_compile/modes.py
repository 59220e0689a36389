"""Inference mode: what is made inside could not be overwritten outside, and its operations are recorded as
other ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def outside_inference() -> Iterator[None]:
    """Within it tensors are ordinary ones, though the caller is in inference mode; every other mode stays as it is."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False):
            yield
    else:
        yield
