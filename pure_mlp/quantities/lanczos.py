"""The largest eigenvalues of a matrix that is known by its products alone (Lanczos, 1950)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Generator, Tensor

from pure_mlp.layers.inits import check_draw
from pure_mlp.optim.widths import widened
from pure_mlp.record import tree_leaves, tree_like

__all__ = ["top_eigenvalues", "tridiagonal"]

P = TypeVar("P")


def top_eigenvalues(product: Callable[[P], P], like: P, generator: Generator, count: int = 1, steps: int = 50) -> Tensor:
    """The `count` largest eigenvalues of a symmetric matrix, from its products with `steps` vectors at most.

    Each new vector is made orthogonal to all before it, twice, so that no eigenvalue is found more than once; that takes `steps`
    copies of the params. The eigenvalues are those of a tridiagonal matrix, whose outer ones come close to those of the whole long
    before `steps` reaches its size, and never exceed the largest. Raise `steps` until they stay. An eigenvalue that occurs several
    times is found once. Half precision is multiplied as it is; all else is done in float32.

    Args:
        product: `v -> A v`, as `functools.partial(ggn_product(net, loss), params, x, y)`.
        like: a tree of the type of v, as the params.
        generator: of the first vector, which is random.
        count: how many eigenvalues, at least 1.
        steps: how many products at most, at least `count`.

    Returns:
        The eigenvalues, largest first: `count` of them, or fewer where v spans a smaller space.

    Raises:
        ValueError: fewer steps than eigenvalues, or none of either; a tree without numbers; or what is no generator.

    >>> A = torch.diag(torch.tensor([1.0, 2.0, 5.0]))
    >>> top_eigenvalues(lambda v: (A @ v[0],), (torch.zeros(3),), Generator().manual_seed(0), 2)
    tensor([5.0000, 2.0000])
    """
    if not 1 <= count <= steps:
        raise ValueError(f"top_eigenvalues: count {count}, steps {steps}; expected 1 <= count <= steps")
    eigenvalues: Tensor = torch.linalg.eigvalsh(tridiagonal(product, like, generator, steps))
    return eigenvalues.flip(0)[:count]


def tridiagonal(product: Callable[[P], P], like: P, generator: Generator, steps: int) -> Tensor:
    """Q^T A Q (m, m), tridiagonal, for an orthonormal basis Q of the space of q, A q, A^2 q .., q random of length 1; m <= steps.

    >>> tridiagonal(lambda v: (2 * v[0],), (torch.zeros(1),), Generator(), 5)
    tensor([[2.]])
    """
    check_draw("Lanczos", generator, torch.float32)
    leaves = widened(tree_leaves(like))
    if not any(t.numel() for t in leaves):
        raise ValueError("Lanczos: a tree without numbers, expected one of the type of v")
    start = torch.cat([torch.randn(t.shape, generator=generator, dtype=t.dtype, device=t.device).flatten() for t in leaves])
    v = start / torch.linalg.vector_norm(start)
    basis, diagonal, beside = v.unsqueeze(0), list[Tensor](), list[Tensor]()
    tiny = torch.finfo(v.dtype).eps * v.numel()
    while True:
        w = _flat(product(_tree(like, v)))
        diagonal.append(v.dot(w))
        for _ in range(2):
            w = w - basis.t() @ (basis @ w)
        size = torch.linalg.vector_norm(w)
        scale = torch.stack([*diagonal, *beside]).abs().amax()
        if len(diagonal) == min(steps, v.numel()) or not size > tiny * scale:
            break
        v = w / size
        basis = torch.cat((basis, v.unsqueeze(0)))
        beside.append(size)
    T = torch.diag(torch.stack(diagonal))
    return T + torch.diag(torch.stack(beside), 1) + torch.diag(torch.stack(beside), -1) if beside else T


def _flat(tree: object) -> Tensor:
    return torch.cat([t.flatten() for t in widened(tree_leaves(tree))])


def _tree(like: P, flat: Tensor) -> P:
    leaves = tree_leaves(like)
    pieces = torch.split(flat, [t.numel() for t in leaves])
    return tree_like(like, [piece.view(t.shape).to(t.dtype) for piece, t in zip(pieces, leaves)])
