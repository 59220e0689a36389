"""Moments from any pieces are those of the whole."""

from __future__ import annotations

from functools import reduce

import pytest
import torch
from torch import Generator

from pure_mlp.data.moments import merged, moments
from pure_mlp.data.standardize import fit_standardizer, standardizer_of
from pure_mlp.record import tree_leaves


def test_moments_of_pieces_are_those_of_the_whole_whatever_the_order() -> None:
    x = torch.randn(100, 3, generator=Generator().manual_seed(0), dtype=torch.float64) * torch.tensor([1, 1e-9, 1e6]) + 1e3
    x[::7, 1] = torch.nan
    pieces = [x[:0], x[:1], x[1:40], x[40:41], x[41:]]
    for order in (pieces, pieces[::-1]):
        for a, b in zip(tree_leaves(reduce(merged, map(moments, order))), tree_leaves(moments(x)), strict=True):
            assert a.tolist() == pytest.approx(b.tolist(), rel=1e-11)
    there = x[~x[:, 1].isnan(), 1]
    whole = moments(x)
    assert whole.mean[1].item() == pytest.approx(there.mean().item(), rel=1e-12)
    assert whole.std[0].item() == pytest.approx(x[:, 0].std(correction=0).item(), rel=1e-12)
    assert [t[1].item() for t in (whole.count, whole.low, whole.high)] == [len(there), there.amin().item(), there.amax().item()]


def test_a_column_far_from_zero_keeps_its_deviation() -> None:
    """Which the difference of mean(x^2) and mean(x)^2 loses."""
    x = 1e9 + torch.arange(1000, dtype=torch.float64).remainder(2).unsqueeze(1)
    assert reduce(merged, map(moments, torch.split(x, 7))).std.item() == pytest.approx(0.5, rel=1e-7)


def test_columns_that_cannot_be_divided_are_treated_as_those_in_memory() -> None:
    x = torch.tensor([[0.0, 5.0, 1.0], [1e-45, 5.0, 2.0], [0.0, 5.0, 9.0]])
    ours, theirs = standardizer_of(moments(x), torch.float32), fit_standardizer(x)
    assert ours.mean.equal(theirs.mean)
    assert ours.std.equal(theirs.std)


def test_no_rows_have_moments() -> None:
    none = moments(torch.zeros(0, 2))
    assert none.std.tolist() == [0, 0]
    assert standardizer_of(none, torch.float32).std.tolist() == [1, 1]
