"""Layers as keys of tables: which function a layer is, and with which numbers it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pure_mlp.layer import Layer

__all__ = ["constants", "function"]


def function(layer: Layer[Any, Any, Any, Any]) -> Callable[..., object]:
    """The forward function of a layer without the numbers that it was made with: one a kind of layer.

    >>> from pure_mlp import leaky_relu
    >>> function(leaky_relu(0.1)) is function(leaky_relu(0.2))
    True
    """
    fwd: Callable[..., object] = getattr(layer.fwd, "func", layer.fwd)
    return fwd


def constants(layer: Layer[Any, Any, Any, Any]) -> tuple[Any, ...]:
    """The numbers, and layers, that a layer was made with.

    >>> from pure_mlp import leaky_relu, relu
    >>> constants(leaky_relu(0.1)), constants(relu)
    ((0.1,), ())
    """
    return tuple(getattr(layer.fwd, "args", ()))
