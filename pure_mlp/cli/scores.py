"""How good a model is, in the numbers that people expect for its task."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from pure_mlp.cli.model import Model, answers, outputs
from pure_mlp.cli.prepared import Prepared
from pure_mlp.registry.functions import LOSSES


@attrs.frozen
class Scores:
    """examples: their number. loss: its mean over them.

    For classes: accuracy, the fraction of right answers, and confusion[true][predicted], numbers of examples. For regression: rmse,
    the root of the mean squared error in the unit of the labels, and r2 = 1 - (mean squared error) / (variance of the labels), None
    where these do not vary.
    """

    examples: int
    loss: float
    accuracy: float | None
    confusion: list[list[int]] | None
    rmse: float | None
    r2: float | None


def scores(model: Model, examples: Prepared) -> Scores:
    """The scores of the model on labelled data that were prepared for it.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.prepared import prepare
    >>> from pure_mlp.data.load import load
    >>> scores(example(), prepare(example(), load("diabetes"))).examples
    442
    """
    data, y_hat = examples.data, outputs(model, examples.x)
    loss = LOSSES[model.setup.loss](examples.y, y_hat)[0].item()
    answer = answers(model, y_hat)
    if model.setup.task == "regression":
        error = (answer - data.y).to(torch.float64).square().mean().item()
        variance = data.y.to(torch.float64).var(correction=0).item()
        return Scores(len(data.x), loss, None, None, error**0.5, 1 - error / variance if variance else None)
    true, predicted = data.y.reshape(-1).to(torch.int64), answer.argmax(1)
    return Scores(
        len(data.x),
        loss,
        (true == predicted).to(torch.float64).mean().item(),
        confusion(true, predicted, answer.shape[1]),
        None,
        None,
    )


def confusion(true: Tensor, predicted: Tensor, classes: int) -> list[list[int]]:
    """The number of examples of each true class (rows) and predicted class (columns), both given as indices (n,).

    >>> confusion(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]), 2)
    [[1, 0], [1, 1]]
    """
    flat = torch.bincount(true * classes + predicted, minlength=classes * classes).tolist()
    return [flat[row * classes : (row + 1) * classes] for row in range(classes)]


def metric(s: Scores) -> tuple[str, float]:
    """The one number to follow: accuracy, or rmse.

    >>> metric(Scores(2, 0.1, 0.5, [[1, 1], [0, 0]], None, None))
    ('accuracy', 0.5)
    """
    return ("accuracy", s.accuracy) if s.accuracy is not None else ("rmse", s.rmse or 0.0)
