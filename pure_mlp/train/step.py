"""The training step: a pure function of five lines, which `fit` and `fold` fold over batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import attrs
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.losses.mass import Mass, mass
from pure_mlp.optim.optimizer import Optimizer, State
from pure_mlp.shapes import spec
from pure_mlp.signatures import Batch, Loss, Step

__all__ = ["Batch", "Loss", "Step", "TrainingStep", "training_step", "value_and_grad"]

P = TypeVar("P")
C = TypeVar("C")


def training_step(net: Layer[P, C], loss: Loss, optimizer: Optimizer) -> Step[tuple[P, State[P]], Batch]:
    """The five steps of handout 1.2(a) as a pure function of carry = (params, optimizer state) and batch = (x, y).

    J is the loss before the update, 0-dim.

    Args:
        net: a layer.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`; options are bound by `functools.partial`.
        optimizer: what turns gradients into new params.

    Returns:
        `step(carry, batch) -> (carry, J)`, which raises what net, loss and optimizer raise.

    Raises:
        ValueError: what is no net, loss or optimizer.

    >>> import torch
    >>> from pure_mlp import linear_bottom, linear_init, mse, sgd
    >>> params, optimizer = linear_init(3, 2, torch.Generator()), sgd(0.1)
    >>> step = training_step(linear_bottom, mse, optimizer)
    >>> carry, J = step((params, optimizer.init(params)), (torch.ones(5, 3), torch.ones(5, 2)))
    >>> J.shape
    torch.Size([])
    """
    _check("training_step", net, loss)
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"training_step: an optimizer that is {spec(optimizer)}, expected one such as sgd(0.1)")
    return TrainingStep(net, loss, optimizer)


def _check(what: str, net: object, loss: object) -> None:
    if not isinstance(net, Layer):
        raise ValueError(f"{what}: a net that is {spec(net)}, expected a Layer")
    if not callable(loss):
        raise ValueError(f"{what}: a loss that is {spec(loss)}, expected a function of (y, y_hat) such as mse")


@attrs.frozen(eq=False)
class TrainingStep(Generic[P, C]):
    """What `training_step` returns: the step, and how much the loss of a batch counts (`mass`)."""

    net: Layer[P, C]
    loss: Loss
    optimizer: Optimizer

    def __call__(self, carry: tuple[P, State[P]], batch: Batch) -> tuple[tuple[P, State[P]], Tensor]:
        """The new carry and the loss."""
        net, (params, state), (x, y) = self.net, halves(carry), pair(batch)
        y_hat, *cache = net.fwd(params, x)  # 1. generate a prediction
        J, *dy_hat = both(self.loss(y, y_hat))  # 2. compute the loss
        del y_hat  # 3. clear the gradients: there are none before they are computed
        _, grads = net.bwd(params, cache.pop(), dy_hat.pop())  # 4. compute the gradients
        return self.optimizer.update(params, grads, state), J  # 5. step towards minus the gradients

    def mass(self, batch: Batch) -> Mass:
        """`mass` of the loss for this batch."""
        return mass(self.loss, pair(batch)[1])


def halves(carry: tuple[P, State[P]]) -> tuple[P, State[P]]:
    """The carry itself. Raises `ValueError` unless it is params and the state of an optimizer.

    >>> halves(((), State((), ())))
    ((), State(counts=(), slots=()))
    """
    given: object = carry
    if isinstance(given, (tuple, list)) and len(given) == 2 and type(given[1]) is State:
        return carry
    inside = f"({', '.join(type(c).__name__ for c in given)})" if isinstance(given, tuple) else ""
    raise ValueError(f"training_step: a carry of {type(given).__name__}{inside}, expected (params, optimizer.init(params))")


def pair(batch: Batch, what: str = "training_step: a batch") -> Batch:
    """The batch itself. Raises `ValueError` unless it is x and y.

    >>> import torch
    >>> pair((torch.ones(1), torch.ones(1)))
    (tensor([1.]), tensor([1.]))
    """
    if (came := _other_than_two(batch)) is None:
        return batch
    raise ValueError(f"{what} that is {came}, expected (x, y)")


def both(scored: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """What a loss returned. Raises `ValueError` unless it is J and a gradient.

    >>> import torch
    >>> both((torch.tensor(1.0), torch.ones(1)))
    (tensor(1.), tensor([1.]))
    """
    if (came := _other_than_two(scored)) is None:
        return scored
    raise ValueError(f"the loss returned {came}, expected (J, dJ/dy_hat)")


def _other_than_two(given: object) -> str | None:
    """What was given, in words, if that is no pair."""
    if not isinstance(given, (tuple, list)):
        return spec(given)
    return None if len(given) == 2 else f"{len(given)} values"


def value_and_grad(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor], tuple[Tensor, P]]:
    """`(params, x, y) -> (J, grads)` with J = loss(y, net(params, x)); each cache is freed once the backward pass has used it.

    Args:
        net: a layer.
        loss: `loss(y, y_hat) -> (J, dJ/dy_hat)`.

    Returns:
        The function, which raises what net and loss raise.

    Raises:
        ValueError: what is no net or loss.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> params = Linear(torch.tensor([[2.0]]), torch.tensor([0.0]))
    >>> J, grads = value_and_grad(linear_bottom, mse)(params, torch.tensor([[1.0]]), torch.tensor([[1.0]]))
    >>> J, grads.weight
    (tensor(1.), tensor([[2.]]))
    """
    _check("value_and_grad", net, loss)
    return partial(_value_and_grad, net, loss)


def _value_and_grad(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor) -> tuple[Tensor, P]:
    y_hat, *cache = net.fwd(params, x)
    J, *dy_hat = both(loss(y, y_hat))
    del y_hat
    return J, net.bwd(params, cache.pop(), dy_hat.pop())[1]
