"""Training as a fold: five visible lines make a pure step, and `fit` folds it over shuffled batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.layer import Layer
from pure_mlp.optim.optimizer import Optimizer, State

P = TypeVar("P")
C = TypeVar("C")
S = TypeVar("S")
B = TypeVar("B")

Loss: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""`loss(y, y_hat) -> (J, dJ/dy_hat)`, label first."""
Batch: TypeAlias = tuple[Tensor, Tensor]
"""Inputs x (batch, ..) and labels y (batch, ..)."""
Step: TypeAlias = Callable[[S, B], tuple[S, Tensor]]
"""`step(carry, batch) -> (carry, J)`, the signature of the function that `jax.lax.scan` folds."""


def training_step(net: Layer[P, C], loss: Loss, optimizer: Optimizer) -> Step[tuple[P, State[P]], Batch]:
    """The five steps of handout 1.2(a) as a pure function of carry = (params, optimizer state) and batch = (x, y).

    J is the loss before the update, 0-dim. Raises what net, loss and optimizer raise.

    >>> from pure_mlp import linear_bottom, linear_init, mse, sgd
    >>> params, optimizer = linear_init(3, 2, Generator()), sgd(0.1)
    >>> step = training_step(linear_bottom, mse, optimizer)
    >>> carry, J = step((params, optimizer.init(params)), (torch.ones(5, 3), torch.ones(5, 2)))
    >>> J.shape
    torch.Size([])
    """

    def step(carry: tuple[P, State[P]], batch: Batch) -> tuple[tuple[P, State[P]], Tensor]:
        (params, state), (x, y) = carry, batch
        y_hat, *cache = net.fwd(params, x)  # 1. generate a prediction
        J, *dy_hat = loss(y, y_hat)  # 2. compute the loss
        del y_hat  # 3. clear the gradients: there are none before they are computed
        _, grads = net.bwd(params, cache.pop(), dy_hat.pop())  # 4. compute the gradients
        return optimizer.update(params, grads, state), J  # 5. step towards minus the gradients

    return step


def value_and_grad(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, grads)` with J = loss(y, net(params, x)); the caches die as the backward pass consumes them.

    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.tensor([0.0]))
    >>> J, grads = value_and_grad(linear_bottom, mse)(params, torch.tensor([[1.0]]), torch.tensor([[1.0]]))
    >>> J, grads.weight
    (tensor(1.), tensor([[2.]]))
    """

    def f(params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
        y_hat, *cache = net.fwd(params, x)
        J, *dy_hat = loss(y, y_hat)
        del y_hat
        return J, net.bwd(params, cache.pop(), dy_hat.pop())[1]

    return f


def batches(data: Batch, size: int, generator: Generator | None = None) -> Iterator[Batch]:
    """The examples in pieces of `size`, the last one perhaps shorter; in an order drawn from the generator, or as they stand.

    Raises `ValueError` for a size below 1, or x and y of different lengths.

    >>> [x.tolist() for x, y in batches((torch.arange(5), torch.arange(5)), 2)]
    [[0, 1], [2, 3], [4]]
    """
    x, y = data
    if size < 1 or len(x) != len(y):
        raise ValueError(f"batches: size {size}, {len(x)} inputs, {len(y)} labels; expected at least 1 and as many of both")
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    return ((x[rows], y[rows]) for rows in torch.split(order, size))


@attrs.frozen(eq=False)
class Epoch(Generic[S]):
    """What an observer is told after each epoch: its number from 1, the carry, the mean of J over the examples, the score."""

    number: int
    carry: S
    loss: float
    score: float | None


def fit(
    step: Step[S, Batch],
    carry: S,
    data: Batch,
    *,
    epochs: int,
    batch: int,
    generator: Generator,
    score: Callable[[S], float] | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Epoch[S]], None]] = (),
    observe: Callable[[Iterable[Batch]], Iterable[Batch]] = lambda pieces: pieces,
) -> tuple[S, list[Epoch[S]]]:
    """Fold `step` over `epochs` passes through the data, shuffled anew each time; returns the last carry and every epoch.

    score(carry), lower is better, is taken after each epoch. With `patience` training stops once the score has not improved for
    that many epochs, and the carry of the best epoch is returned. Callbacks see each epoch and change nothing; `observe` may wrap
    the batches of an epoch, as progress bars do. Raises `ValueError` for patience without score.

    >>> from pure_mlp import linear_bottom, linear_init, mse, sgd
    >>> x = torch.linspace(-1, 1, 20).unsqueeze(1)
    >>> params, optimizer = linear_init(1, 1, Generator().manual_seed(0)), sgd(0.5)
    >>> carry, history = fit(training_step(linear_bottom, mse, optimizer), (params, optimizer.init(params)), (x, 3 * x),
    ...                      epochs=20, batch=5, generator=Generator().manual_seed(0))
    >>> round(carry[0].weight.item(), 3)
    3.0
    """
    if patience is not None and (score is None or patience < 1):
        raise ValueError(f"fit: patience {patience} needs a score, and to be at least 1")
    history: list[Epoch[S]] = []
    best: Epoch[S] | None = None
    for number in range(1, epochs + 1):
        total = torch.zeros((), dtype=torch.float64)
        for piece in observe(batches(data, batch, generator)):
            carry, J = step(carry, piece)
            total += J * len(piece[0])
        epoch = Epoch(number, carry, total.item() / len(data[0]), None if score is None else score(carry))
        history.append(epoch)
        for callback in callbacks:
            callback(epoch)
        if patience is None or epoch.score is None:
            continue
        if best is None or best.score is None or epoch.score < best.score:
            best = epoch
        if number - best.number >= patience:
            break
    return (carry if best is None else best.carry), history
