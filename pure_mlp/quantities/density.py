"""The spectral density of a matrix that is known by its products alone (stochastic Lanczos quadrature)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Generator, Tensor

from pure_mlp.quantities.lanczos import tridiagonal

__all__ = ["spectral_density"]

P = TypeVar("P")


def spectral_density(
    product: Callable[[P], P], like: P, generator: Generator, probes: int = 10, steps: int = 50
) -> tuple[Tensor, Tensor]:
    """Values t_i and weights w_i >= 0 with sum 1 that stand for the eigenvalues of a symmetric matrix A (n, n).

    sum_i w_i f(t_i) estimates trace f(A) / n, without bias for polynomials up to degree 2 steps - 1: for each random q of length 1
    it is q^T f(A) q, by Gauss quadrature with the eigenvalues and first components of the eigenvectors of the Lanczos matrix
    (Ubaru, Chen, Saad 2017; Ghorbani et al., arXiv:1901.10159). A histogram of the values with these weights is the density.

    Args:
        product: `v -> A v`, as `hvp_at(net, loss, params, x, y)`.
        like: a tree of the type of v, as the params.
        generator: of the random vectors.
        probes: how many of them, at least 1; the error falls with their square root, and with that of n.
        steps: how many products for each, at least 1; details of the density narrower than its range over `steps` are not seen.

    Returns:
        t and w, both (m,), m at most probes times steps.

    Raises:
        ValueError: no probes or no steps; a tree without numbers; or what is no generator.

    >>> A = torch.tensor([1.0, 1.0, 1.0, 5.0])
    >>> values, weights = spectral_density(lambda v: (A * v[0],), (torch.zeros(4),), Generator().manual_seed(0))
    >>> values.round().unique(), weights.sum()
    (tensor([1., 5.]), tensor(1.0000))
    """
    if probes < 1 or steps < 1:
        raise ValueError(f"spectral_density: probes {probes}, steps {steps}; expected at least 1 of each")
    pairs = [torch.linalg.eigh(tridiagonal(product, like, generator, steps)) for _ in range(probes)]
    return torch.cat([values for values, _ in pairs]), torch.cat([vectors[0].square() for _, vectors in pairs]) / probes
