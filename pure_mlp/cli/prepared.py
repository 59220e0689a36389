"""Data as a model takes them, made once: what fitting, scores and predict share."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.cli.model import Model
from pure_mlp.data.dataset import Dataset
from pure_mlp.data.standardize import Standardizer, standardize
from pure_mlp.signatures import Batch


@attrs.frozen(eq=False)
class Prepared:
    """data: as in the source. x (n, sizes[0]): the input of the net, standardised. y: the labels as the loss wants them."""

    data: Dataset
    x: Tensor
    y: Tensor

    @property
    def size(self) -> int:
        """The number of examples."""
        return len(self.x)

    def rows(self, which: slice) -> Prepared:
        """Some of the examples."""
        data = attrs.evolve(self.data, x=self.data.x[which], y=self.data.y[which])
        return Prepared(data, self.x[which], self.y[which])

    def pieces(self) -> Iterator[Prepared]:
        """All examples, in one piece."""
        return iter((self,))

    def feed(self, batch: int, generator: Generator) -> Batch:
        """What `fit` takes."""
        return self.x, self.y

    def identity(self) -> tuple[Tensor, ...]:
        """A fingerprint of the examples, by which `--resume` and `trace` refuse others."""
        return self.x, self.y


def prepare(model: Model, data: Dataset) -> Prepared:
    """The data standardised and encoded. Raises `ValueError` where they do not fit the model, as `inputs` and `encode`.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> prepare(example(), load("diabetes")).y[0]
    tensor([-1.])
    """
    return Prepared(data, inputs(model, data.name, data.x), encode(model, data))


def inputs(model: Model, name: str, x: Tensor) -> Tensor:
    """Features x (n, sizes[0]), standardised. `name` is for the errors.

    Raises `ValueError` for another number of features, and for a value that is not finite once it is standardised.

    >>> from pure_mlp.cli.model import example
    >>> inputs(example(), "new", torch.ones(5, 10)).shape
    torch.Size([5, 10])
    """
    if x.dim() != 2 or x.shape[1] != model.setup.sizes[0]:
        raise ValueError(f"{name}: features {tuple(x.shape)}, the model takes (*, {model.setup.sizes[0]})")
    return _mapped(name, "features", model.inputs, x)


def encode(model: Model, data: Dataset) -> Tensor:
    """The labels as the loss wants them: indices for cross-entropy, else one-hot rows; 0 or 1; or mapped by `model.targets`.

    >>> from pure_mlp.cli.model import example
    >>> from pure_mlp.data.load import load
    >>> encode(example(), load("diabetes"))[0]
    tensor([-1.])
    """
    if model.targets is not None:
        return _mapped(data.name, "labels", model.targets, data.y)
    if model.setup.task == "classes" and model.setup.loss != "cross_entropy":
        return torch.eye(len(model.setup.classes))[data.y]
    return data.y


def _mapped(name: str, what: str, s: Standardizer, x: Tensor) -> Tensor:
    z = standardize(s, x).to(torch.float32)
    bad = (~torch.isfinite(z)).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        value, mean, std = x[row, column].item(), s.mean[column].item(), s.std[column].item()
        by = f"mean {mean:g}, deviation {std:g}"
        raise ValueError(f"{name}: {what}: row {row}, column {column}: {value:g} is not finite once standardised ({by})")
    return z
