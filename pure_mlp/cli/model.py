"""A trained net with what turns features into its input and its output into an answer."""

from __future__ import annotations

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.cli.setup import Setup
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.standardize import Standardizer, fit_standardizer, standardize, unstandardize
from pure_mlp.layers.linear import Linear
from pure_mlp.perceptron import MLP, mlp
from pure_mlp.registry.functions import ACTIVATIONS


@attrs.frozen(eq=False)
class Model:
    """setup: how it was trained. params: one `Linear` a layer. inputs, targets: the affine maps of features and of labels.

    targets is None unless the task is regression.
    """

    setup: Setup
    params: tuple[Linear, ...]
    inputs: Standardizer
    targets: Standardizer | None


def example() -> Model:
    """A small model of the diabetes data with random params and y standardised by mean 152 and deviation 1, for examples.

    >>> example().setup.sizes
    (10, 4, 1)
    """
    learning = ("relu", "identity", "mse", "adam", 1e-3, 32, 1, 0, None, 0.2)
    setup = Setup("diabetes", "", "regression", (), "points of disease progression", (10, 4, 1), *learning)
    inputs, targets = Standardizer(torch.zeros(10), torch.ones(10)), Standardizer(torch.full((1,), 152.0), torch.ones(1))
    return Model(setup, net_of(setup, Generator())[1], inputs, targets)


def net_of(setup: Setup, generator: Generator) -> tuple[MLP, tuple[Linear, ...]]:
    """The net that the setup describes, and params for it drawn from the generator.

    >>> [p.weight.shape for p in net_of(example().setup, Generator())[1]]
    [torch.Size([4, 10]), torch.Size([1, 4])]
    """
    return mlp(setup.sizes, generator, ACTIVATIONS[setup.f], ACTIVATIONS[setup.g])


def outputs(model: Model, x: Tensor) -> Tensor:
    """y_hat (n, sizes[-1]) of features x (n, sizes[0]) as in the source. Raises `ValueError` for another number of features.

    >>> outputs(example(), torch.ones(5, 10)).shape
    torch.Size([5, 1])
    """
    if x.dim() != 2 or x.shape[1] != model.setup.sizes[0]:
        raise ValueError(f"data with features {tuple(x.shape)}, the model takes (*, {model.setup.sizes[0]})")
    net, _ = net_of(model.setup, Generator())
    return net.fwd(model.params, standardize(model.inputs, x))[0]


def fit_targets(setup: Setup, y: Tensor) -> Standardizer | None:
    """The affine map of regression labels y (n, 1) into the range of g, fitted on the training part; None for classes.

    To mean 0 and standard deviation 1 where g takes every value; from [min, max] to [0, 1] for sigmoid and [-1, 1] for tanh; to
    minimum 0 and standard deviation 1 where g is bounded from below.

    >>> fit_targets(example().setup, torch.tensor([[1.0], [3.0]]))
    Standardizer(mean=tensor([2.]), std=tensor([1.]))
    """
    if setup.task != "regression":
        return None
    s = fit_standardizer(y)
    low, width = y.amin(0), (y.amax(0) - y.amin(0)).clamp(min=torch.finfo(y.dtype).tiny)
    if setup.g == "sigmoid":
        return Standardizer(low, width)
    if setup.g == "tanh":
        return Standardizer(low + width / 2, width / 2)
    return s if setup.g in ("identity", "leaky_relu") else Standardizer(low, s.std)


def encode(model: Model, data: Dataset) -> Tensor:
    """The labels as the loss wants them: indices for cross-entropy, else one-hot rows; 0 or 1; or mapped by `model.targets`.

    >>> from pure_mlp.data.load import load
    >>> encode(example(), load("diabetes"))[0]
    tensor([-1.])
    """
    if model.targets is not None:
        return standardize(model.targets, data.y)
    if model.setup.task == "classes" and model.setup.loss != "cross_entropy":
        return torch.eye(len(model.setup.classes))[data.y]
    return data.y


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
