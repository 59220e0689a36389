"""A net in words that tell it from every other net of other layers or constants."""

from __future__ import annotations

from typing import Any

from pure_mlp.layer import Layer, composition, layer_name

__all__ = ["described"]


def described(net: Layer[Any, Any, Any, Any], depth: int = 0) -> str:
    """The outline of a net, a layer a line, with what a layer was made with, as `leaky_relu(0.1)`.

    Args:
        net: any layer.
        depth: how far the lines are moved to the right, in steps of two spaces.

    >>> from pure_mlp import leaky_relu, linear, serial
    >>> print(described(serial(linear, leaky_relu(0.1))))
    serial
      linear
      leaky_relu(0.1)
    """
    made = composition(net)
    constants = [repr(a) for a in getattr(net.fwd, "args", ()) if isinstance(a, (int, float, str, Layer))]
    line = "  " * depth + layer_name(net) + (f"({', '.join(constants)})" if constants else "")
    return "\n".join([line, *(described(part, depth + 1) for part in (made.parts() if made else ()))])
