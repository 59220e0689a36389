"""What `serial` promises beside its value: errors that name the layer, and no recursion."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import pytest
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Layer,
    Linear,
    layer_name,
    linear,
    linear_bottom,
    linear_init,
    relu,
    remat,
    residual,
    serial,
    sigmoid,
    tree_leaves,
    tree_map,
)

Net: TypeAlias = Layer[Any, Any]


def affine(n_in: int, n_out: int, dtype: torch.dtype = torch.float32) -> Linear:
    return linear_init(n_in, n_out, Generator().manual_seed(0), dtype)


NET = serial(linear, relu, linear)
PARAMS = (affine(30, 20), (), affine(20, 10))


def ran() -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    return NET.fwd(PARAMS, torch.ones(64, 30))


@pytest.mark.parametrize("params", [(), PARAMS[:2], (*PARAMS, ())], ids=["none", "too few", "too many"])
def test_a_wrong_number_of_params_is_refused(params: Any) -> None:
    message = re.escape(f"3 layers (linear, relu, linear), {len(params)} params")
    with pytest.raises(ValueError, match=message):
        NET.fwd(params, torch.ones(64, 30))
    with pytest.raises(ValueError, match=message):
        NET.bwd(params, ran()[1], torch.ones(64, 10))


@pytest.mark.parametrize("count", [0, 2])
def test_a_wrong_number_of_caches_is_refused(count: int) -> None:
    cache: Any = ran()[1][:count]
    with pytest.raises(ValueError, match=re.escape(f"3 layers (linear, relu, linear), 3 params, {count} caches")):
        NET.bwd(PARAMS, cache, torch.ones(64, 10))


FORWARD = {
    "input": (PARAMS, torch.ones(64, 31), "layer 0 (linear): input (64, 31) float32, weight (20, 30) float32 takes (*, 30)"),
    "inner": (
        (affine(30, 25), (), affine(20, 10)),
        torch.ones(64, 30),
        "layer 2 (linear): input (64, 25) float32, weight (10, 20) float32 takes (*, 20)",
    ),
    "dtype": (
        (affine(30, 20), (), affine(20, 10, torch.float64)),
        torch.ones(64, 30),
        "layer 2 (linear): input (64, 20) float32, weight (10, 20) float64 takes (*, 20)",
    ),
    "device": (
        (affine(30, 20), (), tree_map(lambda t: t.to("meta"), affine(20, 10))),
        torch.ones(64, 30),
        "layer 2 (linear): input (64, 20) float32, weight (10, 20) float32 meta takes (*, 20)",
    ),
}


@pytest.mark.parametrize("case", FORWARD)
def test_a_forward_error_names_position_layer_and_both_shapes(case: str) -> None:
    params, x, message = FORWARD[case]
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        NET.fwd(params, x)
    assert type(caught.value.__cause__) is ValueError
    assert isinstance(caught.value.__cause__.__cause__, RuntimeError)


BACKWARD = {
    "width": (torch.ones(64, 9), "dy (64, 9) float32, expected (64, 10) float32; input (64, 20) float32"),
    "batch": (torch.ones(63, 10), "dy (63, 10) float32, expected (64, 10) float32; input (64, 20) float32"),
    "batch of one": (torch.ones(1, 10), "dy (1, 10) float32, expected (64, 10) float32; input (64, 20) float32"),
    "dimensions": (torch.ones(2, 32, 10), "dy (2, 32, 10) float32, expected (64, 10) float32; input (64, 20) float32"),
    "dtype": (torch.ones(64, 10, dtype=torch.float64), "dy (64, 10) float64, expected (64, 10) float32; input (64, 20) float32"),
    "scalar": (torch.tensor(1.0), "dy () float32, expected (64, 10) float32; input (64, 20) float32"),
}


@pytest.mark.parametrize("case", BACKWARD)
def test_a_backward_error_names_position_layer_and_both_shapes(case: str) -> None:
    dy, message = BACKWARD[case]
    with pytest.raises(ValueError, match=re.escape(f"layer 2 (linear) backward: {message}")) as caught:
        NET.bwd(PARAMS, ran()[1], dy)
    assert type(caught.value.__cause__) is ValueError


def test_a_cotangent_on_another_device_is_refused() -> None:
    y, cache = serial(sigmoid, relu).fwd(((), ()), torch.ones(5, 4))
    with pytest.raises(ValueError, match=re.escape("layer 1 (relu) backward: dy (5, 4) float32 meta, expected (5, 4) float32 as")):
        serial(sigmoid, relu).bwd(((), ()), cache, y.to("meta"))


def test_nested_nets_give_the_whole_path() -> None:
    net = serial(sigmoid, serial(relu, linear))
    with pytest.raises(ValueError, match=re.escape("layer 1 (serial): layer 1 (linear): input (5, 4) float32")):
        net.fwd(((), ((), affine(3, 2))), torch.ones(5, 4))
    cache = net.fwd(((), ((), affine(4, 2))), torch.ones(5, 4))[1]
    with pytest.raises(ValueError, match=re.escape("layer 1 (serial) backward: layer 1 (linear) backward: dy (5, 3) float32")):
        net.bwd(((), ((), affine(4, 2))), cache, torch.ones(5, 3))


class Refusal(ValueError):
    """An error with a class of its own."""


def failing(error: Exception) -> Layer[tuple[()], Tensor]:
    def fwd(params: tuple[()], x: Tensor) -> tuple[Tensor, Tensor]:
        raise error

    def bwd(params: tuple[()], cache: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
        raise error

    return Layer(fwd, bwd)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, TypeError, AttributeError])
def test_an_error_keeps_its_class_and_cause(kind: type[Exception]) -> None:
    error, net_params, x = kind("why"), ((), ()), torch.ones(1)
    net = serial(relu, failing(error))
    with pytest.raises(kind, match=re.escape("layer 1 (failing): why")) as fwd:
        net.fwd(net_params, x)
    with pytest.raises(kind, match=re.escape("layer 1 (failing) backward: why")) as bwd:
        net.bwd(net_params, (x, x), x)
    assert type(fwd.value) is type(bwd.value) is kind
    assert fwd.value.__cause__ is bwd.value.__cause__ is error


@pytest.mark.parametrize("error", [Refusal("why"), KeyError("why"), UnicodeDecodeError("utf8", b"", 0, 1, "why")], ids=repr)
def test_an_error_of_another_class_passes_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        serial(relu, failing(error)).fwd(((), ()), torch.ones(1))
    assert caught.value is error


@pytest.mark.parametrize("below", [relu, linear, sigmoid, serial(relu), residual(relu), remat(linear)], ids=layer_name)
@pytest.mark.parametrize("batch", [0, 1, 4])
@pytest.mark.parametrize("width", [1, 3])
def test_linear_bottom_above_the_bottom_is_refused(below: Net, batch: int, width: int) -> None:
    params = {"linear": affine(width, width), "remat": affine(width, width), "serial": ((),)}.get(layer_name(below), ())
    net = serial(below, linear_bottom)
    y, cache = net.fwd((params, affine(width, 2)), torch.ones(batch, width))
    with pytest.raises(ValueError, match=r"layer 0 \(\w+\) backward: .*\(0, 0, 0\) float32"):
        net.bwd((params, affine(width, 2)), cache, y)


def test_thousands_of_layers_do_not_recurse() -> None:
    net, params = serial(*[linear] * 5000), (Linear(torch.ones(1, 1), torch.zeros(1)),) * 5000
    y, cache = net.fwd(params, torch.ones(2, 1))
    dx, grads = net.bwd(params, cache, y)
    assert torch.equal(dx, torch.ones(2, 1))
    assert len(tree_leaves(grads)) == 10000
