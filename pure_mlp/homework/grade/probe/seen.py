"""What the probe tells of a file: raw tensors and strings, without verdicts; those are for the process that started it."""

from __future__ import annotations

from typing import TypedDict

from torch import Tensor, strided

Tensors = dict[str, Tensor]
Net = tuple[int, str, str, tuple[int, int, int], Tensors]
"""Seed, f, g, widths (n, h, k), and the tensors to put in: parameters, new parameters, inputs x, x', upstream gradients dJ, dJ'."""


LARGEST = 1 << 20
"""Elements of a result; no case has as many."""


class Unexpected(Exception):
    """A file is not what the homework says; the text is for the student, and says what was expected."""


def kept(name: str, value: Tensor) -> Tensor:
    """A copy without a graph.

    Raises `Unexpected` for a tensor that is sparse or on another device, and for one of more than `LARGEST` elements, which would
    fill the memory.

    >>> import torch
    >>> kept("y_hat of forward", torch.zeros(1).expand(1 << 30))
    Traceback (most recent call last):
    pure_mlp.homework.grade.probe.seen.Unexpected: y_hat of forward has the shape (1073741824,), larger than any case asks for
    """
    if value.layout != strided or value.device.type != "cpu":
        raise Unexpected(f"{name} is a tensor on {value.device}, {value.layout}, expected one on cpu, torch.strided")
    if value.numel() > LARGEST:
        raise Unexpected(f"{name} has the shape {tuple(value.shape)}, larger than any case asks for")
    return value.detach().clone()


class Attempt(TypedDict):
    """Where it stopped, "" at the end, and the exception with its line, "" for none."""

    stage: str
    error: str


class Pass(Attempt, total=False):
    """One net. What was not reached is missing."""

    drawn: Tensors  # the parameters of the seeded net
    records: bool  # they require grad
    initial: Tensors  # its grads
    odd: list[str]  # what is not as the interface says, though one can go on
    attributes: tuple[str, str]  # f_function, g_function: their text, or their type in <>
    empty: bool  # cache is an empty dict
    computed: Tensors  # y and dJdW1.. of the first pass; with " twice" the second on top; " second" it alone; " new", " fresh"
    # and of forward alone: y " again" on the same x, y " alone" of the first example, y " beside" a net with f and g exchanged
    returned: str  # the type of what backward returns, "" for None
    others: list[str]  # names in grads that are not asked for
    moved: list[str]  # parameters that a pass changed
    reset: list[str]  # parameters that clear_grad_and_cache changed
    shared: list[str]  # parameters, grads or cache, where another net has the same dict
    forgets: bool  # forward leaves no gradient of the pass before
    arguments: list[tuple[str, Tensor]]  # x, dJ, x' or dJ', as they were left
    cleared: Tensors  # the grads after clear_grad_and_cache
    lost: str  # what they are instead, if no four tensors
    in_place: bool  # they are the same tensors
    cache_cleared: bool
    new_cache: bool  # it is another dict
    graph: bool  # a result requires grad


class Score(Attempt, total=False):
    """One loss of one pair: its value and gradient, and its arguments as they were left."""

    J: Tensor
    J_type: str  # "" for a tensor
    dJdy_hat: Tensor
    label: Tensor
    prediction: Tensor
    graph: bool


class Observed(TypedDict):
    """One file."""

    load: str  # the exception of its import, "" for none
    unknown: str  # the exception for an unknown activation, "" for none
    nets: list[Pass]
    losses: list[Score]  # mse, bce, mse, bce, ..
    imported: list[tuple[int, str]]  # line and name of each entry of autograd that was called when the file was imported
    autograd: list[tuple[int, str]]  # those that were called later
    replaced: list[str]  # what the file has put in the place of torch's own
    settings: list[str]  # what it has set for all of torch, and to what
