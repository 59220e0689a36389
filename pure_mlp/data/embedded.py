"""The data sets that are shipped inside the package: see SOURCES.md beside this file."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files

import torch
from torch import Tensor

from pure_mlp.data.dataset import Dataset

EMBEDDED = ("digits", "breast_cancer", "diabetes")
"""The names that `embedded` knows."""


def embedded(name: str) -> Dataset:
    """One of `EMBEDDED`: "digits" (1797 x 64, ten classes), "breast_cancer" (569 x 30, binary), "diabetes" (442 x 10, regression).

    Raises `ValueError` for another name.

    >>> data = embedded("digits")
    >>> data.x.shape, data.y[:5], data.x.max()
    (torch.Size([1797, 64]), tensor([0, 1, 2, 3, 4]), tensor(16.))
    """
    if name not in EMBEDDED:
        raise ValueError(f"embedded data {name!r}, expected one of {', '.join(EMBEDDED)}")
    x, y = table(name)
    if name == "digits":
        source = (
            "Optical Recognition of Handwritten Digits, its test part (Alpaydin and Kaynak, 1998), "
            "UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0"
        )
        return Dataset(name, "classes", x, y.squeeze(1).to(torch.int64), tuple(map(str, range(10))), "", source, None)
    if name == "breast_cancer":
        source = (
            "Breast Cancer Wisconsin (Diagnostic) (Wolberg, Mangasarian, Street and Street, 1995), "
            "UCI Machine Learning Repository, doi:10.24432/C5DW2B, CC BY 4.0"
        )
        return Dataset(name, "binary", x, y, ("malignant", "benign"), "", source, None)
    source = (
        "Diabetes (Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, Annals of Statistics 32, 2004, 407-499), "
        "published by the authors without a licence, redistributed by scikit-learn under BSD-3-Clause"
    )
    return Dataset(name, "regression", x, y, (), "points of disease progression", source, None)


def table(name: str) -> tuple[Tensor, Tensor]:
    """The columns of {name}.csv.gz after its header line, float32: all but the last (n, d), and the last (n, 1).

    >>> x, y = table("diabetes")
    >>> x[0, :3], y[0]
    (tensor([59.0000,  2.0000, 32.1000]), tensor([151.]))
    """
    with (
        files("pure_mlp.data").joinpath(f"{name}.csv.gz").open("rb") as packed,
        gzip.open(packed, "rt", encoding="ascii", newline="") as text,
    ):
        _, *rows = csv.reader(text)
    values = torch.tensor([[*map(float, row)] for row in rows], dtype=torch.float32)
    return values[:, :-1].contiguous(), values[:, -1:].contiguous()
