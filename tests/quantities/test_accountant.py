"""The privacy that is spent, against closed forms and a published value; and the batches that it assumes."""

from __future__ import annotations

import sys
from math import erfc, exp, expm1, inf, log, sqrt
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Generator

from pure_mlp import epsilon_spent, poisson_batches
from pure_mlp.installed import has

needs_extra = pytest.mark.skipif(not has("dp_accounting"), reason="needs the extra privacy")


def gaussian_delta(epsilon: float, noise: float) -> float:
    """That of one Gaussian mechanism of sensitivity 1, exactly (Balle and Wang, 2018)."""

    def normal(t: float) -> float:
        return erfc(-t / sqrt(2)) / 2

    return normal(0.5 / noise - epsilon * noise) - exp(epsilon) * normal(-0.5 / noise - epsilon * noise)


@needs_extra
@pytest.mark.parametrize(("noise", "steps"), [(2.0, 1), (40.0, 100)])
def test_without_sampling_it_is_the_gaussian_mechanism(noise: float, steps: int) -> None:
    """T steps of noise s are one of s / sqrt(T)."""
    delta = gaussian_delta(1.0, noise / sqrt(steps))
    assert delta > 0
    assert 1 - 1e-9 <= epsilon_spent(noise, 1.0, steps, delta) <= 1 + 2e-3


@needs_extra
def test_one_step_is_amplified_by_sampling_as_the_theorem_says() -> None:
    """(e, d) becomes (log(1 + q (e^e - 1)), q d), which is attained (Balle, Barthe and Gaboardi, arXiv:1807.01647)."""
    sampling, delta = 0.25, gaussian_delta(1.0, 2.0)
    expected = log(1 + sampling * expm1(1.0))
    assert expected - 1e-9 <= epsilon_spent(2.0, sampling, 1, sampling * delta) <= expected + 2e-3


@needs_extra
def test_the_example_of_the_first_paper() -> None:
    """q = 0.01, sigma = 4, 10,000 steps: 1.26 by the moments accountant (Abadi et al., section 3), which is an upper bound."""
    assert 0.8 < epsilon_spent(4.0, 0.01, 10_000, 1e-5) < 1.26


@needs_extra
def test_what_the_page_says() -> None:
    assert 2.35 < epsilon_spent(2.0, 0.2, 50, 1e-3) <= 2.36
    assert 1.13 < epsilon_spent(1.1, 256 / 60_000, 15 * 60_000 // 256 + 1, 1e-5) <= 1.14


@needs_extra
def test_the_ends() -> None:
    assert epsilon_spent(0.0, 0.1, 10, 1e-5) == epsilon_spent(4.0, 0.1, 10, 0.0) == inf
    assert epsilon_spent(4.0, 0.0, 10, 1e-5) == epsilon_spent(4.0, 0.1, 0, 0.0) == epsilon_spent(0.0, 0.1, 0, 0.0) == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((-1.0, 0.1, 1, 0.1), r"noise -1\.0, steps 1; expected at least 0 of each"),
        ((1.0, 0.1, -1, 0.1), "noise 1.0, steps -1"),
        ((1.0, 1.5, 1, 0.1), "sampling 1.5, expected a probability"),
        ((1.0, 0.5, 1, float("nan")), "delta nan, expected a probability"),
    ],
)
def test_refusals(given: tuple[float, float, int, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        epsilon_spent(*given)


def test_the_extra_is_named_where_it_is_missing() -> None:
    with patch.dict(sys.modules, {"dp_accounting": None}), pytest.raises(ImportError, match=r"pip install 'pure-mlp\[privacy\]'"):
        epsilon_spent(1.0, 0.1, 1, 1e-5)


def test_poisson_batches() -> None:
    """Rows of x and y stay together; each is there with the probability, alone, in batches of all sizes; a seed gives the same."""
    x = torch.arange(50)
    drawn = [*poisson_batches((x, -x), 0.1, 2000, Generator().manual_seed(0))]
    assert len(drawn) == 2000
    assert all(torch.equal(rows, -labels) and torch.equal(rows, rows.unique()) for rows, labels in drawn)
    there = torch.stack([torch.isin(x, rows) for rows, _ in drawn]).double()
    assert (there.mean(0) - 0.1).abs().max() < 5 * sqrt(0.09 / 2000)
    assert abs(float(there.sum(1).var()) - 50 * 0.09) < 0.6  # that of a binomial: no two examples hang together
    assert 0 in [len(rows) for rows, _ in drawn]
    again = poisson_batches((x, -x), 0.1, 2000, Generator().manual_seed(0))
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(drawn, again, strict=True))
    assert [len(rows) for rows, _ in poisson_batches((x, x), 1.0, 2, Generator())] == [50, 50]
    assert [len(rows) for rows, _ in poisson_batches((x, x), 0.0, 2, Generator())] == [0, 0]


def test_poisson_refusals() -> None:
    with pytest.raises(ValueError, match=r"poisson_batches: sampling 2, 3 inputs, 2 labels; expected 0 to 1, as many"):
        poisson_batches((torch.ones(3), torch.ones(2)), 2, 1, Generator())
    nothing: Any = None
    with pytest.raises(ValueError, match=r"poisson_batches: a generator that is None, expected a torch\.Generator"):
        poisson_batches((torch.ones(3), torch.ones(3)), 0.5, 1, nothing)
