"""What a data set is."""

from __future__ import annotations

from typing import Literal

import attrs
from torch import Tensor

Task = Literal["classes", "binary", "regression"]


@attrs.frozen(eq=False)
class Dataset:
    """n examples of d features with their labels, and what a person needs to know about them.

    name: what it was loaded as. task: what is to be learnt. x (n, d): float32 features as in the source. y: (n,) int64 indices into
    `classes` for classes; (n, 1) float32 for binary, 0 or 1, an index into `classes`, and for regression, in `unit`. classes: the
    names of the classes, none for regression. unit: the unit of y for regression, else empty. source: where the data come from and
    their licence. test: the source's own test part, if it has one. guessed: what the task was guessed from, empty if it is known.

    >>> import torch
    >>> Dataset("two", "binary", torch.ones(2, 3), torch.tensor([[0.0], [1.0]]), ("no", "yes"), "", "made up", None).classes
    ('no', 'yes')
    """

    name: str
    task: Task
    x: Tensor
    y: Tensor
    classes: tuple[str, ...]
    unit: str
    source: str
    test: Dataset | None
    guessed: str = ""

    @property
    def size(self) -> int:
        """n, the number of examples."""
        return len(self.x)

    @property
    def width(self) -> int:
        """d, the number of features."""
        return self.x.shape[1]
