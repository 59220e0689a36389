"""How the learning rate follows the batch size (handout 1.4(f), which has it the wrong way round for mean-reduced losses)."""

from __future__ import annotations

from typing import Literal

__all__ = ["rate_for_batch"]


def rate_for_batch(
    rate: float,
    batch: int,
    new_batch: int,
    reduction: Literal["mean", "sum"] = "mean",
    keep: Literal["path", "step"] = "path",
) -> float:
    """The learning rate for `new_batch` examples a step that does what `rate` did for `batch` examples a step.

    With k = new_batch / batch, one step on k batches at once replaces k steps:
    - keep="path", to go as far in an epoch: k rate for a mean-reduced loss (the linear scaling rule; Goyal et al.,
      arXiv:1706.02677), rate for a sum-reduced one, whose gradient has itself grown by k;
    - keep="step", to go as far in a step: rate for a mean, rate / k for a sum. This last case alone is the handout's "larger batch,
      smaller rate"; it keeps a sum-reduced loss from diverging, since its curvature grows by k.

    Args:
        rate: the learning rate that is right for `batch`.
        batch: examples a step, at least 1.
        new_batch: examples a step from now on, at least 1.
        reduction: that of the loss.
        keep: what stays as it was, the way made in an epoch or in a step.

    Returns:
        The learning rate.

    Raises:
        ValueError: an unknown reduction or aim, or a batch below 1.

    >>> rate_for_batch(0.1, 32, 128), rate_for_batch(0.1, 32, 128, "sum"), rate_for_batch(0.1, 32, 128, "sum", "step")
    (0.4, 0.1, 0.025)
    """
    if batch < 1 or new_batch < 1:
        raise ValueError(f"rate_for_batch: batch {batch}, new_batch {new_batch}, expected at least 1")
    if reduction not in ("mean", "sum") or keep not in ("path", "step"):
        raise ValueError(f"rate_for_batch: reduction {reduction!r}, keep {keep!r}; expected mean or sum, path or step")
    k = new_batch / batch
    return rate * {("mean", "path"): k, ("sum", "path"): 1.0, ("mean", "step"): 1.0, ("sum", "step"): 1 / k}[reduction, keep]
