"""Nets as functions of the arrays of other libraries."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import Generator

from pure_mlp import identity, mlp, on_arrays, tanh


@pytest.mark.parametrize("library", ["numpy", "jax.numpy"])
def test_the_values_and_the_class_are_those_of_the_library(library: str) -> None:
    pytest.importorskip(library.split(".")[0], reason="needs the library whose arrays these are")
    xp = import_module(library)
    net, params = mlp((3, 4, 2), Generator().manual_seed(0), tanh)
    x = xp.asarray([[1.0, 2.0, 3.0], [-1.0, 0.0, 5.0]], dtype=xp.float32)
    if not hasattr(x, "__array_namespace__"):
        pytest.skip("this numpy is older than the array API standard")
    y = on_arrays(net, params)(x)
    assert type(y) is type(x)
    assert y.tolist() == net.fwd(params, torch.tensor(x.tolist()))[0].tolist()
    assert x.tolist() == [[1.0, 2.0, 3.0], [-1.0, 0.0, 5.0]]


def test_the_memory_is_not_copied() -> None:
    np = pytest.importorskip("numpy", minversion="2.1")
    x = np.ones((2, 3))
    assert np.shares_memory(on_arrays(identity, ())(x), x)
    with pytest.raises(ValueError, match="layer 0"):
        on_arrays(*mlp((3, 2), Generator()))(np.ones((2, 4), dtype=np.float32))
    with pytest.raises(ValueError, match="on_arrays: x of class list"):
        on_arrays(identity, ())([1.0])
