"""A trained net with what turns features into its input and its output into an answer."""

from __future__ import annotations

from math import inf, isinf
from typing import Any, TypeAlias

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.cli.setup import Setup
from pure_mlp.combinators.dense import dense
from pure_mlp.combinators.embed_columns import embed_columns, embed_columns_init
from pure_mlp.combinators.serial import serial
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.standardize import Standardizer, fit_standardizer, standardizer_of, unstandardize
from pure_mlp.layer import Layer
from pure_mlp.layers.linear import Linear
from pure_mlp.perceptron import mlp
from pure_mlp.registry.functions import ACTIVATIONS
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.table.schema import embedded
from pure_mlp.table.table import Table

Params: TypeAlias = tuple[Any, ...]
"""One `Linear` a layer; where columns have embeddings, the tuple of these before them."""


@attrs.frozen(eq=False)
class Model:
    """setup: how it was trained. params: of the net. inputs, targets: the affine maps of features and of labels.

    targets is None unless the task is regression.
    """

    setup: Setup
    params: Params
    inputs: Standardizer
    targets: Standardizer | None


def example() -> Model:
    """A small model of the diabetes data with random params and y standardised by mean 152 and deviation 1, for examples.

    >>> example().setup.sizes
    (10, 4, 1)
    """
    learning = ("relu", "identity", "mse", "adam", 1e-3, 32, 1, 0, None, 0.2, None)
    setup = Setup("diabetes", "", "regression", (), "points of disease progression", (10, 4, 1), *learning)
    inputs, targets = Standardizer(torch.zeros(10), torch.ones(10)), Standardizer(torch.full((1,), 152.0), torch.ones(1))
    return Model(setup, net_of(setup, Generator())[1], inputs, targets)


def tables_of(setup: Setup) -> tuple[tuple[int, int], ...]:
    """The rows and the width of each embedding.

    >>> tables_of(example().setup)
    ()
    """
    return embedded(setup.table) if setup.table else ()


def widths_of(setup: Setup) -> tuple[int, ...]:
    """The widths from the input of the first linear layer to the output: `sizes`, with embeddings in the place of their columns.

    >>> widths_of(example().setup)
    (10, 4, 1)
    """
    tables = tables_of(setup)
    return setup.sizes[0] - len(tables) + sum(width for _, width in tables), *setup.sizes[1:]


def linears(setup: Setup, params: Params) -> tuple[Linear, ...]:
    """Of the params, or of gradients, those of the linear layers.

    >>> len(linears(example().setup, example().params))
    2
    """
    return params[1:] if tables_of(setup) else params


def net_of(setup: Setup, generator: Generator) -> tuple[Layer[Any, Any], Params]:
    """The net that the setup describes, and params for it drawn from the generator. Raises `ValueError` for one beyond memory.

    >>> [p.weight.shape for p in net_of(example().setup, Generator())[1]]
    [torch.Size([4, 10]), torch.Size([1, 4])]
    """
    tables = tables_of(setup)
    try:
        params = mlp(widths_of(setup), generator)[1]
        return net_like(setup), (embed_columns_init(tables), *params) if tables else params
    except RuntimeError as error:
        raise ValueError(f"a net of the widths {' '.join(map(str, widths_of(setup)))} does not fit into memory") from error


def net_like(setup: Setup) -> Layer[Any, Any]:
    """The net alone, without params.

    >>> net_like(example().setup).fwd(example().params, torch.ones(5, 10))[0].shape
    torch.Size([5, 1])
    """
    f, g, tables = ACTIVATIONS[setup.f], ACTIVATIONS[setup.g], tables_of(setup)
    if not tables:
        return mlp((1,) * len(setup.sizes), Generator(), f, g)[0]
    layers: list[Layer[Any, Any]] = [embed_columns(len(tables)), *[dense(f)] * (len(setup.sizes) - 2), dense(g)]
    return serial(*layers)


def outputs(model: Model, x: Tensor) -> Tensor:
    """y_hat (n, sizes[-1]) of standardised inputs x (n, sizes[0]).

    >>> outputs(example(), torch.ones(5, 10)).shape
    torch.Size([5, 1])
    """
    return net_like(model.setup).fwd(model.params, x)[0]


def maps_of(setup: Setup, training: Dataset | Table) -> tuple[Standardizer, Standardizer | None]:
    """The affine maps of features and of labels, fitted on the training part; see `fit_targets`.

    >>> from pure_mlp.data.load import load
    >>> maps_of(example().setup, load("diabetes"))[1]
    Standardizer(mean=tensor([152.1335]), std=tensor([77.0057]))
    """
    if isinstance(training, Dataset):
        return fit_standardizer(training.x), fit_targets(setup, training.y)
    if setup.task != "regression":
        return training.inputs, None
    y = training.target
    ends = y.low.to(torch.float32), y.high.to(torch.float32)
    return training.inputs, _into_range(setup, standardizer_of(y, torch.float32), *ends)


def fit_targets(setup: Setup, y: Tensor) -> Standardizer | None:
    """The affine map of regression labels y (n, 1) into the range of g, fitted on the training part; None for classes.

    To mean 0 and standard deviation 1 where g takes every value; from [min, max] to the range of g where that is bounded; to
    minimum 0 and standard deviation 1 where g is bounded from below.

    >>> fit_targets(example().setup, torch.tensor([[1.0], [3.0]]))
    Standardizer(mean=tensor([2.]), std=tensor([1.]))
    """
    if setup.task != "regression":
        return None
    return _into_range(setup, fit_standardizer(y), y.amin(0), y.amax(0))


def _into_range(setup: Setup, s: Standardizer, low: Tensor, high: Tensor) -> Standardizer:
    equation = LAYER_ROWS[setup.g].equation
    bottom, top = (-inf, inf) if equation is None else (equation().low, equation().high)
    width = (high - low).clamp(min=torch.finfo(low.dtype).tiny)
    if isinf(bottom):
        return s
    return Standardizer(low, s.std) if isinf(top) else Standardizer(low - bottom * width / (top - bottom), width / (top - bottom))


def answers(model: Model, y_hat: Tensor) -> Tensor:
    """What a person wants to know of y_hat: values in the unit of the labels (n, 1), or one score a class (n, classes).

    The scores are probabilities if the loss is a cross-entropy; for binary data the second is y_hat's, the first its complement.

    >>> answers(example(), torch.tensor([[-1.0]]))
    tensor([[151.]])
    """
    setup = model.setup
    if model.targets is not None:
        return unstandardize(model.targets, y_hat)
    if setup.loss == "cross_entropy":
        return torch.softmax(y_hat, 1)
    scores = torch.sigmoid(y_hat) if setup.loss == "bce_with_logits" else y_hat
    return scores if setup.task == "classes" else torch.cat((1 - scores, scores), 1)
