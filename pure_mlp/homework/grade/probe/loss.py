"""What a file's losses compute for one pair of labels and predictions."""

from __future__ import annotations

from types import ModuleType
from typing import cast

import torch
from torch import Tensor

from .net import kind
from .seen import Score, Unexpected, kept


def run_loss(module: ModuleType, y: Tensor, y_hat: Tensor, name: str, seen: Score) -> None:
    """The value and the gradient of one loss, and its arguments afterwards. Raises `Unexpected` for what is no homework.

    >>> run_loss(ModuleType("empty"), torch.ones(1), torch.ones(1), "mse_loss", Score(stage="loss", error=""))
    Traceback (most recent call last):
    pure_mlp.homework.grade.probe.seen.Unexpected: the file has no mse_loss
    """
    if not callable(getattr(module, name, None)):
        inside = f", but MLP.{name}: it stands outside the class" * hasattr(getattr(module, "MLP", None), name)
        raise Unexpected(f"the file has no {name}{inside}")
    label, prediction = y.clone(), y_hat.clone()
    result = cast(object, getattr(module, name)(label, prediction))
    seen["label"], seen["prediction"] = label.detach(), prediction.detach()
    if not isinstance(result, tuple | list) or len(result) != 2:
        many = f"{kind(result)} of {len(result)}" if isinstance(result, tuple | list) else kind(result)
        raise Unexpected(f"{name} returns {many}, expected (J, dJdy_hat)")
    J, gradient = result
    seen["graph"] = bool(getattr(J, "requires_grad", False) or getattr(gradient, "requires_grad", False))
    if isinstance(J, Tensor | int | float) or hasattr(J, "__array__"):
        seen["J_type"] = "" if isinstance(J, Tensor) else kind(J)
        seen["J"] = kept(f"J of {name}", torch.as_tensor(J))
    if not isinstance(gradient, Tensor | float):
        raise Unexpected(f"{name} returns (J, {kind(gradient)}), expected (J, dJdy_hat)")
    seen["dJdy_hat"] = kept(f"dJdy_hat of {name}", torch.as_tensor(gradient))
    if "J" not in seen:
        raise Unexpected(f"{name} returns ({kind(J)}, dJdy_hat), expected (J, dJdy_hat)")
    seen["stage"] = ""
