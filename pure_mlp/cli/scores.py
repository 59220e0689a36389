"""How good a model is, in the numbers that people expect for its task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import attrs
import torch
from torch import Tensor

from pure_mlp.cli.model import Model, answers, outputs
from pure_mlp.cli.prepared import Prepared
from pure_mlp.cli.streamed import Examples
from pure_mlp.data.dataset import Task
from pure_mlp.data.moments import Moments, merged, moments
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


@attrs.frozen(eq=False)
class Tally:
    """What a piece of the data adds to the scores. squared: the sum of squared errors; labels: the moments of y, if numbers."""

    examples: int
    loss: float
    confusion: Tensor | None
    squared: float
    labels: Moments


def scores(model: Model, examples: Examples) -> Scores:
    """The scores of the model on labelled data that were prepared for it.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.prepared import prepare
    >>> from pure_mlp.data.load import load
    >>> scores(example(), prepare(example(), load("diabetes"))).examples
    442
    """
    return summed([tally(model, piece) for piece in examples.pieces()])


def tally(model: Model, piece: Prepared) -> Tally:
    """Of labelled data that were prepared for the model.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.cli.prepared import prepare
    >>> from pure_mlp.data.load import load
    >>> tally(example(), prepare(example(), load("diabetes"))).examples
    442
    """
    data, y_hat = piece.data, outputs(model, piece.x)
    loss = LOSSES[model.setup.loss](piece.y, y_hat)[0].item()
    answer = answers(model, y_hat)
    if model.setup.task == "regression":
        squared = (answer - data.y).to(torch.float64).square().sum().item()
        return Tally(data.size, loss, None, squared, moments(data.y))
    true, predicted = data.y.reshape(-1).to(torch.int64), answer.argmax(1)
    return Tally(data.size, loss, torch.tensor(confusion(true, predicted, answer.shape[1])), 0.0, moments(data.y[:0].reshape(0, 1)))


def summed(tallies: Sequence[Tally]) -> Scores:
    """The scores of all pieces together, of which there is at least one.

    >>> none = moments(torch.zeros(0, 1))
    >>> summed([Tally(1, 0.5, torch.eye(2).long(), 0.0, none), Tally(3, 0.1, torch.ones(2, 2).long(), 0.0, none)]).loss
    0.2
    """
    n = sum(piece.examples for piece in tallies)
    loss = sum(piece.loss * (piece.examples / n) for piece in tallies)
    counts = [piece.confusion for piece in tallies if piece.confusion is not None]
    if counts:
        total = torch.stack(counts).sum(0)
        return Scores(n, loss, total.diagonal().sum().item() / n, total.tolist(), None, None)
    error, labels = sum(piece.squared for piece in tallies) / n, reduce(merged, (piece.labels for piece in tallies))
    variance = labels.squares.item() / n
    return Scores(n, loss, None, None, error**0.5, 1 - error / variance if variance else None)


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


def score_name(task: Task) -> str:
    """The name of that number.

    >>> score_name("regression")
    'rmse'
    """
    return "rmse" if task == "regression" else "accuracy"
