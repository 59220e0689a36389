"""Which nets make sense: what a loss takes has to be what g gives."""

from __future__ import annotations

from math import inf, isinf

from pure_mlp.theory.symbolic import activation
from pure_mlp.theory.symbolic_losses import LOSS_EQUATIONS

INSIDE = {"cross_entropy": "softmax", "bce_with_logits": "sigmoid"}


def check_sense(f: str, g: str, loss: str) -> None:
    """Raise `ValueError`, with the remedy, for unknown names and for a loss that g does not serve.

    Args:
        f: the activation after Linear_1, by name.
        g: the activation after Linear_2, by name.
        loss: by name; `bce` takes probabilities, `cross_entropy` and `bce_with_logits` take logits, which are any numbers.

    >>> check_sense("relu", "softmax", "cross_entropy")
    Traceback (most recent call last):
    ValueError: cross_entropy takes logits and applies softmax itself, so that g = softmax would squash twice; use g = identity
    """
    if loss not in LOSS_EQUATIONS:
        raise ValueError(f"loss {loss!r}, expected one of {', '.join(LOSS_EQUATIONS)}")
    activation(f)
    low, high = activation(g).low, activation(g).high
    takes = LOSS_EQUATIONS[loss].takes
    if takes == "probabilities" and not 0 <= low < high <= 1:
        raise ValueError(f"{loss} takes probabilities, which g = {g} does not give; use sigmoid, softmax or bce_with_logits")
    if takes == "logits" and (low, high) != (-inf, inf):
        if (low, high) == (0, 1):
            why = f"takes logits and applies {INSIDE[loss]} itself, so that g = {g} would squash twice"
        else:
            bounds = f"above {low:.3g}" if isinf(high) else f"between {low:.3g} and {high:.3g}"
            why = f"takes logits, which are any numbers, and g = {g} gives only those {bounds}"
        raise ValueError(f"{loss} {why}; use g = identity")
