"""The variants of gated linear units by their gates, against their formulas."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import torch
from checks import check_layer
from tables import Row
from torch import Generator, Tensor
from torch.nn import functional as F

import pure_mlp as pm
from pure_mlp import Activation, glu
from pure_mlp.saving.described import described

GATES: dict[str, tuple[Activation, Callable[[Tensor], Tensor]]] = {
    "SwiGLU": (pm.silu, F.silu),
    "GEGLU": (pm.gelu, F.gelu),
    "bilinear": (pm.identity, torch.clone),
    "Leaky": (pm.leaky_relu(0.1), lambda b: F.leaky_relu(b, 0.1)),
}


@pytest.mark.parametrize("name", GATES)
def test_every_gate(name: str) -> None:
    gate, f = GATES[name]

    def reference(params: tuple[()], x: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return a * f(b)

    check_layer(Row(name, glu(gate), reference), glu(gate))


def test_swiglu_is_the_formula_of_the_paper_with_both_products_in_one() -> None:
    """Shazeer (6), with biases: Swish_1(x W + b) (x V + c)."""
    g = Generator().manual_seed(0)
    V, W = (pm.linear_init(3, 5, g, torch.float64) for _ in range(2))
    x = torch.randn(4, 3, generator=g, dtype=torch.float64)
    both = pm.Linear(torch.cat((V.weight, W.weight)), torch.cat((V.bias, W.bias)))
    y = pm.serial(pm.linear, glu(pm.silu)).fwd((both, ()), x)[0]
    torch.testing.assert_close(y, F.silu(F.linear(x, W.weight, W.bias)) * F.linear(x, V.weight, V.bias))


def test_refusals_and_names() -> None:
    for x in (torch.ones(2, 3), torch.ones(())):
        with pytest.raises(ValueError, match=r"layer 0 \(glu\): input \(.*\) float32, expected an even last dimension: two halves"):
            pm.serial(glu()).fwd(((),), x)
    assert [described(glu(gate)) for gate in (pm.sigmoid, pm.silu)] == ["glu(sigmoid)", "glu(silu)"]
    assert glu(attrs.evolve(pm.tanh, bwd_jvp=None)).bwd_jvp is None
