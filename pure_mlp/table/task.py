"""What is learnt from a target: said, or guessed."""

from __future__ import annotations

import attrs
from torch import Tensor

from pure_mlp.data.dataset import Task
from pure_mlp.table.column import LEVELS, Column

__all__ = ["FEW", "distinct", "task_of"]

FEW = 20
"""Whole numbers of at most this many different values are taken for classes."""


def distinct(before: frozenset[float] | None, found: Tensor) -> frozenset[float]:
    """The different values so far; once there are more than `LEVELS`, no more are added.

    >>> import torch
    >>> sorted(distinct(frozenset([1.0]), torch.tensor([2.0, 1.0])))
    [1.0, 2.0]
    """
    known = before or frozenset()
    return known if len(known) > LEVELS else known | frozenset(found.tolist())


def task_of(name: str, target: Column, values: frozenset[float], task: Task | None) -> tuple[Task, Column, str]:
    """The task, the target with its classes for levels, and what the task was guessed from, empty if it was said.

    values: the different ones of a target of numbers. Raises `ValueError` for a target that the task does not fit.

    >>> task, column, guessed = task_of("a.csv", Column("kind", "number"), frozenset([0.0, 1.0]), None)
    >>> task, column.levels, guessed
    ('binary', ('0', '1'), "2 different whole numbers in column 'kind'")
    """
    place, n = f"column {target.name!r}", len(target.levels) or len(values)
    whole = all(value % 1 == 0 for value in values)
    if target.kind == "text" and task == "regression":
        raise ValueError(f"{name}: {place}: a regression takes numbers, found texts")
    if target.kind != "text" and (task == "regression" or (task is None and not (whole and n <= FEW))):
        return "regression", target, "" if task else f"the numbers of {place}"
    if any(abs(value) >= 2.0**53 for value in values):
        raise ValueError(f"{name}: {place}: labels of 2^53 or more are not told apart as numbers: --text takes them for texts")
    if n > LEVELS:
        raise ValueError(f"{name}: {place}: at most {LEVELS} classes, found more different values")
    if n < 2 or (task == "binary" and n > 2):
        raise ValueError(f"{name}: {place}: expected {'two' if task == 'binary' else 'at least two'} different labels, found {n}")
    named = [str(int(v)) if v % 1 == 0 else repr(v) for v in sorted(values)]
    levels = target.levels if target.kind == "text" else named
    guessed = "" if task else f"{n} different {'texts' if target.kind == 'text' else 'whole numbers'} in {place}"
    return task or ("binary" if n == 2 else "classes"), attrs.evolve(target, levels=levels), guessed
