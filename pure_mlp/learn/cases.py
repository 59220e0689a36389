"""Numbers that the library computes, for the page to start from and to be checked against."""

from __future__ import annotations

from itertools import product
from typing import TypedDict

import torch
from torch import Generator, Tensor

from pure_mlp.layers.inits import standard_normal
from pure_mlp.layers.linear import Linear, linear
from pure_mlp.losses.bce import bce
from pure_mlp.losses.mse import squared_norm
from pure_mlp.registry.functions import ACTIVATIONS

N_IN, HIDDEN, N_OUT = 2, 3, 2
N = 4
FS = ("relu", "sigmoid", "tanh", "identity")
NETS = tuple(
    {"f": f, "g": g, "loss": loss}
    for f, g in product(FS, FS)
    for loss in ("squared_norm", "bce")
    if loss != "bce" or g == "sigmoid"
)
"""The nets that the page offers: bce takes the probabilities that only sigmoid gives."""


class Start(TypedDict):
    """A net, its params, one example and its label, as JSON knows them."""

    net: dict[str, str]
    params: dict[str, list[float] | list[list[float]]]
    x: list[float]
    y: list[float]


class Case(Start):
    """The same with what the library computes: the values, the loss, and the cotangents of values and params."""

    values: dict[str, list[float]]
    J: float
    cotangents: dict[str, list[float] | list[list[float]]]


def start(seed: int, net: dict[str, str]) -> Start:
    """Numbers with two digits after the point.

    >>> start(0, NETS[0])["x"]
    [0.37, -0.89]
    """
    generator = Generator().manual_seed(seed)
    first, second = _drawn(generator)
    x = torch.randn(N_IN, generator=generator, dtype=torch.float64)
    y = torch.randn(N_OUT, generator=generator, dtype=torch.float64)
    label = (y > 0).double() if net["loss"] == "bce" else y
    params = {"W1": first.weight, "b1": first.bias, "W2": second.weight, "b2": second.bias}
    return {"net": net, "params": {name: _rounded(p) for name, p in params.items()}, "x": _rounded(x), "y": _rounded(label)}


def case(seed: int, net: dict[str, str]) -> Case:
    """The library's forward and backward pass.

    >>> len(case(0, NETS[0])["cotangents"]["W1"])
    3
    """
    given = start(seed, net)
    W1, b1, W2, b2 = (torch.tensor(given["params"][name], dtype=torch.float64) for name in ("W1", "b1", "W2", "b2"))
    x, y = (torch.tensor([row], dtype=torch.float64) for row in (given["x"], given["y"]))
    f, g = ACTIVATIONS[net["f"]], ACTIVATIONS[net["g"]]
    z1, c1 = linear.fwd(Linear(W1, b1), x)
    z2, c2 = f.fwd((), z1)
    z3, c3 = linear.fwd(Linear(W2, b2), z2)
    y_hat, c4 = g.fwd((), z3)
    J, dy_hat = bce(y, y_hat) if net["loss"] == "bce" else squared_norm(y, y_hat)
    dz3, _ = g.bwd((), c4, dy_hat)
    dz2, second = linear.bwd(Linear(W2, b2), c3, dz3)
    dz1, _ = f.bwd((), c2, dz2)
    dx, first = linear.bwd(Linear(W1, b1), c1, dz1)
    values = {"z1": z1, "z2": z2, "z3": z3, "y_hat": y_hat}
    cotangents = {"x": dx, "z1": dz1, "z2": dz2, "z3": dz3, "y_hat": dy_hat}
    grads = {"W1": first.weight, "b1": first.bias, "W2": second.weight, "b2": second.bias}
    return {
        **given,
        "values": {name: value[0].tolist() for name, value in values.items()},
        "J": J.item(),
        "cotangents": {
            **{name: d[0].tolist() for name, d in cotangents.items()},
            **{name: d.tolist() for name, d in grads.items()},
        },
    }


class Batch(TypedDict):
    """A net, its params, N examples with their labels as rows, and what the library computes of them all at once."""

    net: dict[str, str]
    params: dict[str, list[float] | list[list[float]]]
    x: list[list[float]]
    y: list[list[float]]
    J: float
    tensors: dict[str, list[float] | list[list[float]]]


def batch(seed: int, net: dict[str, str]) -> Batch:
    """`N` examples as the rows of x, and every tensor of their forward and backward pass; J is the mean of their losses.

    >>> len(batch(0, NETS[0])["tensors"]["z1"])
    4
    """
    starts = [start(seed + i, net) for i in range(N)]
    x, y = (torch.tensor(rows, dtype=torch.float64) for rows in ([s["x"] for s in starts], [s["y"] for s in starts]))
    params = starts[0]["params"]
    first, second = (
        Linear(*(torch.tensor(params[name], dtype=torch.float64) for name in names)) for names in (("W1", "b1"), ("W2", "b2"))
    )
    f, g = ACTIVATIONS[net["f"]], ACTIVATIONS[net["g"]]
    z1, c1 = linear.fwd(first, x)
    z2, c2 = f.fwd((), z1)
    z3, c3 = linear.fwd(second, z2)
    y_hat, c4 = g.fwd((), z3)
    J, dy_hat = bce(y, y_hat) if net["loss"] == "bce" else squared_norm(y, y_hat, "batchmean")
    dz3, _ = g.bwd((), c4, dy_hat)
    dz2, of_second = linear.bwd(second, c3, dz3)
    dz1, _ = f.bwd((), c2, dz2)
    dx, of_first = linear.bwd(first, c1, dz1)
    tensors = {"z1": z1, "z2": z2, "z3": z3, "y_hat": y_hat, "dx": dx, "dz1": dz1, "dz2": dz2, "dz3": dz3, "dy_hat": dy_hat}
    tensors |= {"dW1": of_first.weight, "db1": of_first.bias, "dW2": of_second.weight, "db2": of_second.bias}
    values = {name: t.tolist() for name, t in tensors.items()}
    return {"net": net, "params": params, "x": x.tolist(), "y": y.tolist(), "J": J.item(), "tensors": values}


def _drawn(generator: Generator) -> tuple[Linear, Linear]:
    return standard_normal(N_IN, HIDDEN, generator, torch.float64), standard_normal(HIDDEN, N_OUT, generator, torch.float64)


def _rounded(x: Tensor) -> list[float]:
    rounded: list[float] = (x * 100).round().div(100).tolist()
    return rounded
