"""The spectral density: exact moments for each vector, and those of the whole matrix on average."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from examples import CASES, F64, flat
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import ggn_product, spectral_density

g = Generator().manual_seed(0)
Q = torch.linalg.qr(torch.randn(40, 40, generator=g, dtype=F64))[0]
EIGENVALUES = torch.cat((torch.tensor([9.0, 5.0, -7.0], dtype=F64), torch.linspace(0, 1, 37, dtype=F64)))
A = (Q * EIGENVALUES) @ Q.mT
LIKE = torch.zeros(4, 5, dtype=F64), torch.zeros(20, dtype=F64)


def product(v: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    out = A @ torch.cat((v[0].flatten(), v[1]))
    return out[:20].view(4, 5), out[20:]


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_moments_of_one_vector_are_exact_below_twice_the_steps(steps: int) -> None:
    values, weights = spectral_density(product, LIKE, Generator().manual_seed(1), 1, steps)
    assert len(values) == steps
    drawn = Generator().manual_seed(1)
    q = torch.cat([torch.randn(t.shape, generator=drawn, dtype=F64).flatten() for t in LIKE])
    q = q / q.norm()
    for k in range(2 * steps):
        torch.testing.assert_close((weights * values**k).sum(), q @ torch.linalg.matrix_power(A, k) @ q, atol=1e-9, rtol=1e-10)


def test_first_moments_of_a_net_are_traces() -> None:
    """Of the Gauss-Newton matrix: weights sum to 1, the mean is that of its diagonal, within the scatter of the vectors."""
    net, params, x, y, loss = CASES["mlp"]
    values, weights = spectral_density(partial(ggn_product(net, loss), params, x, y), params, Generator().manual_seed(0), 60, 4)
    diagonal = flat(pm.ggn_diagonal(net, loss)(params, x, y))
    torch.testing.assert_close(weights.sum(), torch.ones((), dtype=F64))
    assert (weights >= 0).all()
    torch.testing.assert_close((weights * values).sum(), diagonal.mean(), atol=0, rtol=0.25)
    assert values.min() > -1e-12


def test_all_eigenvalues_are_found_and_counted() -> None:
    """With as many steps as numbers the values are the eigenvalues; the share of each is 1/40 on average."""
    values, weights = spectral_density(product, LIKE, Generator().manual_seed(0), 20, 40)
    torch.testing.assert_close(values[:40].sort()[0], EIGENVALUES.sort()[0], atol=1e-9, rtol=0)
    for low, high, count in ((-8, -1, 1), (-0.1, 1.1, 37), (4, 6, 1), (8, 10, 1)):
        share = float(weights[(values > low) & (values < high)].sum())
        assert abs(share - count / 40) < 0.025


def test_leaves_may_have_dtypes_of_their_own() -> None:
    """Each product gets those of the params; of half precision the rest is float32, for which torch has eigenvalues."""
    like = torch.zeros(2), torch.zeros(1, dtype=torch.bfloat16)

    def doubled(v: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        assert [t.dtype for t in v] == [torch.float32, torch.bfloat16]
        return 2 * v[0], 2 * v[1]

    top = pm.top_eigenvalues(doubled, like, Generator().manual_seed(0))
    assert top.dtype == torch.float32
    assert abs(float(top) - 2) < 0.02


def test_what_makes_no_sense_is_refused() -> None:
    nothing: Any = None
    with pytest.raises(ValueError, match=r"Lanczos: a generator that is None, expected a torch\.Generator"):
        spectral_density(product, LIKE, nothing)
    with pytest.raises(ValueError, match="Lanczos: a tree without numbers"):
        pm.top_eigenvalues(product, (torch.zeros(0), torch.zeros(0)), Generator())
    with pytest.raises(ValueError, match="probes 0, steps 5; expected at least 1 of each"):
        spectral_density(product, LIKE, Generator(), 0, 5)
