"""The inits: one row each."""

from __future__ import annotations

from torch.nn import init

from pure_mlp.layers.inits import (
    kaiming_normal,
    kaiming_uniform,
    linear_init,
    orthogonal,
    standard_normal,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from pure_mlp.registry.rows import InitRow

__all__ = ["INIT_ROWS"]

_ROWS = (
    InitRow("linear_init", linear_init, lambda n_in, n_out: 1 / (3 * n_in), bias=True),
    InitRow(
        "kaiming_uniform",
        kaiming_uniform,
        lambda n_in, n_out: 2 / n_in,
        lambda w, g: init.kaiming_uniform_(w, nonlinearity="relu", generator=g),
    ),
    InitRow(
        "kaiming_normal",
        kaiming_normal,
        lambda n_in, n_out: 2 / n_in,
        lambda w, g: init.kaiming_normal_(w, nonlinearity="relu", generator=g),
    ),
    InitRow(
        "xavier_uniform",
        xavier_uniform,
        lambda n_in, n_out: 2 / (n_in + n_out),
        lambda w, g: init.xavier_uniform_(w, generator=g),
    ),
    InitRow(
        "xavier_normal",
        xavier_normal,
        lambda n_in, n_out: 2 / (n_in + n_out),
        lambda w, g: init.xavier_normal_(w, generator=g),
    ),
    InitRow(
        "standard_normal",
        standard_normal,
        lambda n_in, n_out: 1.0,
        lambda w, g: init.normal_(w, generator=g),
        bias=True,
    ),
    InitRow("zeros", zeros, lambda n_in, n_out: 0.0),
    InitRow("orthogonal", orthogonal, lambda n_in, n_out: 1 / n_in, lambda w, g: init.orthogonal_(w, generator=g)),
)
INIT_ROWS: dict[str, InitRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""
