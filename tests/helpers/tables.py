"""The layers that every law of the tests runs over: those of the registry, and `dense` of some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

import pure_mlp as pm
from pure_mlp import Layer
from pure_mlp.registry.layer_row import LayerRow as Row
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.samples import LEADS, OUT, lattice, lattice_linear
from pure_mlp.registry.samples import WIDTH as IN

__all__ = ["ACTIVATIONS", "DENSE", "IN", "LAYERS", "LEADS", "OUT", "Row", "lattice", "lattice_linear"]


def dense(name: str, layer: Layer[Any, Any], f: Callable[[Tensor], Tensor], has_dx: bool = True) -> Row:
    return Row(
        f"dense({name})",
        layer,
        lambda p, x: f(F.linear(x, p.weight, p.bias)),
        params=lattice_linear,
        shared={"cache.0 is x"},
        has_dx=has_dx,
    )


SAMPLES = [sample for row in LAYER_ROWS.values() for sample in row.samples()]
ACTIVATIONS = [row for row in SAMPLES if row.word]
DENSE = [
    dense("identity", pm.dense(pm.identity), torch.clone),
    dense("relu", pm.dense(pm.relu), torch.relu),
    dense("sigmoid", pm.dense(pm.sigmoid), torch.sigmoid),
    dense("gelu", pm.dense(pm.gelu), F.gelu),
    dense("relu, linear_bottom", pm.dense(pm.relu, pm.linear_bottom), torch.relu, has_dx=False),
]
LAYERS = [*SAMPLES, *DENSE]
