"""Products with curvature against curvlinops, a library of their own kind."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, nn

import pure_mlp as pm
from pure_mlp import tree_leaves, tree_map

curvlinops: Any = pytest.importorskip("curvlinops", reason="needs curvlinops-for-pytorch, of the extra bench")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("classes", [False, True])
def test_hessian_and_gauss_newton_products(classes: bool) -> None:
    """Of a mean squared error, and of a mean cross-entropy."""
    g, F64 = Generator().manual_seed(0), torch.float64
    net, params = pm.mlp((5, 7, 6, 3), g, pm.tanh, dtype=F64)
    x, drawn = torch.randn(9, 5, generator=g, dtype=F64), torch.rand(9, 3, generator=g, dtype=F64)
    y = drawn.argmax(1) if classes else drawn
    loss, theirs = (pm.cross_entropy, nn.CrossEntropyLoss()) if classes else (pm.mse, nn.MSELoss())
    module, v = pm.to_torch(net, params), tree_map(torch.cos, params)
    given = module, theirs, [*module.parameters()], [(x, y)]
    for name, product in (("Hessian", pm.hvp_at(net, loss, params, x, y)(v)), ("GGN", pm.ggn_product(net, loss)(params, x, y, v))):
        expected = getattr(curvlinops, f"{name}LinearOperator")(*given) @ tree_leaves(v)
        torch.testing.assert_close(tree_leaves(product), [t.detach() for t in expected], atol=1e-14, rtol=1e-11)
