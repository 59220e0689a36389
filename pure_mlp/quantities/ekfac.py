"""K-FAC's eigenbasis with scales of its own (George et al., 2018), and the natural gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.linear import Linear
from pure_mlp.quantities.kfac import Kronecker
from pure_mlp.quantities.rows import Rows, at, kept_rows
from pure_mlp.quantities.variance import SQUARES
from pure_mlp.record import record
from pure_mlp.signatures import Loss

__all__ = ["Eigenbasis", "ekfac", "natural_gradient"]

P = TypeVar("P")
C = TypeVar("C")


@record
@attrs.frozen(eq=False)
class Eigenbasis:
    """The block (V (x) U) diag(S) (V (x) U)^T of a linear layer; U (in + 1, in + 1), V (out, out) orthogonal, S (out, in + 1)."""

    U: Tensor
    V: Tensor
    S: Tensor


def ekfac(net: Layer[P, C], loss: Loss) -> Callable[[P, Tensor, Tensor, Any], Any]:
    """`(params, x, y, blocks) -> blocks`: the eigenbasis of K-FAC's blocks, and the diagonal of the Gauss-Newton matrix in it.

    S_oi = sum over examples and roots of (V^T dW U)_oi^2, the second moments of gradients there. Of all matrices that are diagonal
    in this basis it is the nearest to the block (arXiv:1806.03884). The blocks that are given may be of an earlier batch, or an
    average: the basis costs an eigendecomposition of each factor, new scales in it do not.

    Args:
        net: a net as for `kfac`.
        loss: a loss as for `kfac`.

    Returns:
        The function; blocks are what `kfac` gives, or what `ekfac` gave, whose U and V are then kept. Its result has an
        `Eigenbasis` in the place of each `Linear`.

    Raises:
        ValueError: when called, as `kfac`; if the blocks are of another net.

    >>> from pure_mlp import kfac, linear_bottom, mse
    >>> params, x, y = Linear(torch.tensor([[2.0]]), torch.zeros(1)), torch.tensor([[3.0]]), torch.tensor([[1.0]])
    >>> ekfac(linear_bottom, mse)(params, x, y, kfac(linear_bottom, mse)(params, x, y)).S.round()
    tensor([[ 0., 20.]])
    """
    return partial(_ekfac, net, loss)


def _ekfac(net: Layer[P, C], loss: Loss, params: P, x: Tensor, y: Tensor, blocks: Any) -> Any:
    return at(Rows, _scaled, kept_rows(net, loss, params, x, y), blocks)


def _scaled(rows: Rows, block: Kronecker | Eigenbasis) -> Eigenbasis:
    basis, (x, dy) = _basis(block), rows.joined()
    if (len(basis.U), len(basis.V)) != (x.shape[-1], dy.shape[-1]):
        sizes = f"{len(basis.V)} by {len(basis.U)}, expected {dy.shape[-1]} by {x.shape[-1]}"
        raise ValueError(f"ekfac: a block of {sizes} for the linear layer")
    turned = x @ basis.U
    S = torch.stack([SQUARES.linear(turned, each @ basis.V).weight for each in dy]).sum(0)
    return Eigenbasis(basis.U, basis.V, S)


def _basis(block: Kronecker | Eigenbasis) -> Eigenbasis:
    if isinstance(block, Eigenbasis):
        return block
    (a, U), (g, V) = torch.linalg.eigh(block.A), torch.linalg.eigh(block.G)
    return Eigenbasis(U, V, torch.outer(g, a))


def natural_gradient(blocks: Any, grads: P, damping: float) -> P:
    """(F + damping I)^-1 grads, layer by layer, with F the blocks: exact, from their eigenvalues.

    Args:
        blocks: what `kfac` or `ekfac` gives.
        grads: gradients, or any tree of their type.
        damping: what is added to every eigenvalue, above 0.

    Returns:
        A tree of the type of grads.

    Raises:
        ValueError: damping is not above 0, or blocks and grads are of different nets.

    >>> block = Kronecker(torch.eye(2), torch.tensor([[3.0]]))
    >>> natural_gradient(block, Linear(torch.tensor([[8.0]]), torch.tensor([4.0])), 1.0)
    Linear(weight=tensor([[2.]]), bias=tensor([1.]))
    """
    if not damping > 0:
        raise ValueError(f"natural_gradient: damping {damping}, expected > 0")
    solved: P = at((Kronecker, Eigenbasis), partial(_solved, damping), blocks, grads)
    return solved


def _solved(damping: float, block: Kronecker | Eigenbasis, grads: Linear) -> Linear:
    basis = _basis(block)
    joined = torch.cat((grads.weight, grads.bias.unsqueeze(1)), 1).to(basis.S.dtype)
    steps = basis.V @ ((basis.V.mT @ joined @ basis.U) / (basis.S + damping)) @ basis.U.mT
    return Linear(steps[:, :-1].to(grads.weight.dtype), steps[:, -1].to(grads.bias.dtype))
