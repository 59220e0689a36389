"""A loss against torch's own, to the bit, on draws that reach saturation: sigmoids of 0 and 1, soft and hard labels, any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def draws(number: int = 300) -> Iterator[tuple[Tensor, Tensor]]:
    """Labels and predictions; logits of size 1 to 60 by turns, so that three draws of four are saturated."""
    for seed in range(number):
        generator = Generator().manual_seed(seed)
        shape = torch.randint(1, 40, (2,), generator=generator).tolist()
        y_hat = torch.sigmoid((1.0, 5.0, 20.0, 60.0)[seed % 4] * torch.randn(*shape, generator=generator))
        y = torch.rand(*shape, generator=generator)
        yield (y.round() if seed % 3 else y), y_hat


def check_loss_bits(loss: Loss, theirs: Callable[..., Tensor], *, rtol: float = 4e-7) -> None:
    """The gradient is torch's to the bit; J as near as two libraries' logarithms are (torch calls libm's for BCE, else its own)."""
    saturated = 0
    for y, y_hat in draws():
        x = y_hat.clone().requires_grad_()
        expected = theirs(x, y)
        expected.backward()
        J, dJdy_hat = loss(y, y_hat)
        assert x.grad is not None
        assert torch.equal(dJdy_hat, x.grad)
        assert abs(J.item() - expected.item()) <= rtol * expected.item()
        saturated += bool(((y_hat == 0) | (y_hat == 1)).any())
    assert saturated > 100


def check_losses(mse: Loss, bce: Loss) -> None:
    """Both losses of the homework."""
    check_loss_bits(mse, F.mse_loss)
    check_loss_bits(bce, F.binary_cross_entropy)
