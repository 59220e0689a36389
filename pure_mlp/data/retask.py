"""Labels of one task as those of another."""

from __future__ import annotations

import attrs
import torch

from pure_mlp.data.cells import number
from pure_mlp.data.dataset import Dataset, Task


def retask(data: Dataset, task: Task | None) -> Dataset:
    """The data with labels for that task, its test part too; the data themselves where the task is theirs or None.

    Classes become a regression where their names are numbers; two classes are binary. Raises `ValueError` for labels that cannot be
    what is asked for.

    >>> from pure_mlp.data.embedded import embedded
    >>> retask(embedded("digits"), "regression").y[3]
    tensor([3.])
    """
    if task is None or task == data.task:
        return data
    values = [value for name in data.classes if (value := number(name)) is not None]
    fits = {
        "classes": data.task == "binary",
        "binary": len(data.classes) == 2,
        "regression": 0 < len(values) == len(data.classes),
    }
    if not fits[task]:
        raise ValueError(f"{data.name}: its labels are for {data.task} and cannot be for --task {task}")
    places = data.y.reshape(-1).to(torch.int64)
    y = places if task == "classes" else places.to(torch.float32).unsqueeze(1)
    if task == "regression":
        y = torch.tensor(values, dtype=torch.float32)[places].unsqueeze(1)
    test = None if data.test is None else retask(data.test, task)
    return attrs.evolve(data, task=task, y=y, classes=() if task == "regression" else data.classes, test=test)
