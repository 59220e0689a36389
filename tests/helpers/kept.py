"""What `train --out` leaves in its folder."""

from __future__ import annotations

from pure_mlp.installed import has

__all__ = ["KEPT"]

KEPT = {"params.safetensors", "metrics.csv", "metrics.json"} | ({"curves.png"} if has("matplotlib") else set())
"""The curves are drawn by matplotlib, of the extra `cli`."""
