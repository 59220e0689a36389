"""The measurements of the theory."""

from __future__ import annotations

import re

import pytest
import torch
from theory_documents import plain

from pure_mlp.theory.rates import BATCHES, best, carried, losses
from pure_mlp.theory.transformations import rotation_scaling_rotation


def test_the_weights_share_in_vanishing() -> None:
    text = plain()
    sigmoid, relu = (re.search(rf"{name} (0\.\d\d) (\d\.\d\d) (\d\.\d\d)", text) for name in ("sigmoid", "ReLU"))
    assert sigmoid
    assert relu
    assert float(sigmoid[1]) < 0.25
    assert float(sigmoid[2]) == pytest.approx(1, abs=0.1)
    assert float(relu[1]) == pytest.approx(0.5**0.5, abs=0.05)
    assert float(relu[2]) == pytest.approx(2**0.5, abs=0.1)


def test_the_rate_follows_the_batch() -> None:
    small, large = carried(BATCHES[0], 0), carried(BATCHES[-1], 0)
    assert large[1] == pytest.approx(small[1], rel=0.02)
    assert large[2] == pytest.approx(small[2], rel=0.02)
    assert min(large[0], large[3]) > small[0] + 0.1
    by_sum = losses("sum", 0)
    assert best("sum", by_sum[BATCHES[-1]]) < best("sum", by_sum[BATCHES[0]])


@pytest.mark.parametrize("seed", range(8))
def test_any_matrix_is_rotation_scaling_rotation(seed: int) -> None:
    w = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    U, S, V_T = rotation_scaling_rotation(w)
    torch.testing.assert_close(U @ S @ V_T, w, rtol=0, atol=1e-14)
    for rotation in (U, V_T):
        torch.testing.assert_close(rotation @ rotation.t(), torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-14)
        assert torch.linalg.det(rotation).item() == pytest.approx(1)
