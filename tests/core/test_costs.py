"""What a training step costs: operations dispatched, FLOPs, memory; and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from counted import Live, Ops
from torch import Generator, Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pure_mlp import (
    Activation,
    Layer,
    Loss,
    cross_entropy,
    dense,
    identity,
    linear,
    linear_bottom,
    linear_init,
    mlp,
    mse,
    relu,
    remat,
    serial,
    sgd,
    sigmoid,
    training_step,
)

LOSSES = [(mse, nn.functional.mse_loss), (cross_entropy, nn.functional.cross_entropy)]


def fused_flops(bias: list[int], x: list[int], weight_t: list[int], **_: object) -> int:
    """Those of the product, from the shapes of the arguments of the fused affine map and relu."""
    return 2 * x[0] * x[1] * weight_t[1]


def module(sizes: tuple[int, ...], f: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers = [m for n, k in pairwise(sizes) for m in (nn.Linear(n, k), f())]
    return nn.Sequential(*layers[:-1])


def test_a_two_layer_mse_step_dispatches_sixteen_operations() -> None:
    net, params = mlp((2, 20, 5), Generator().manual_seed(0))
    step, carry = training_step(net, mse, sgd(0.1)), (params, sgd(0.1).init(params))
    batch = torch.ones(8, 2), torch.ones(8, 5)
    with Ops() as ops:
        step(carry, batch)
    forward = ["t", "_addmm_activation", "t", "addmm"]
    loss = ["mse_loss", "mean", "mse_loss_backward"]
    top = ["t", "mm", "sum", "mm"]
    bottom = ["threshold_backward", "t", "mm", "sum"]
    assert ops.names == forward + loss + top + bottom + ["_foreach_add"]
    assert len(ops.names) == 16


@pytest.mark.parametrize("sizes", [(2, 20, 5), (64, 64, 10), (7, 5), (30, 20, 10, 5, 1)], ids=str)
def test_flops_are_the_minimum_and_those_of_autograd(sizes: tuple[int, ...]) -> None:
    """2 n m a product and example: y for every layer, dW for every layer, dx for all but the first."""
    batch, products = 16, [n * m for n, m in pairwise(sizes)]
    x, y = torch.ones(batch, sizes[0]), torch.ones(batch, sizes[-1])
    net, params = mlp(sizes, Generator().manual_seed(0))
    with FlopCounterMode(display=False, custom_mapping={torch.ops.aten._addmm_activation: fused_flops}) as ours:
        training_step(net, mse, sgd(0.1))((params, sgd(0.1).init(params)), (x, y))
    theirs_net = module(sizes)
    with FlopCounterMode(display=False) as theirs:
        nn.functional.mse_loss(theirs_net(x), y).backward()
    assert ours.get_total_flops() == 2 * batch * (3 * sum(products) - products[0]) == theirs.get_total_flops()


def test_live_counts_what_is_alive() -> None:
    with Live() as live:
        a = torch.ones(256)
        b = (a.view(16, 16) + 1).t()
        assert live.now == 2048
        del a
        assert (live.now, live.peak) == (1024, 2048)
        del b
        assert live.now == 0


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 holds the arguments of a call until it returns")
@pytest.mark.parametrize(("f", "torch_f"), [(relu, nn.ReLU), (sigmoid, nn.Sigmoid)], ids=["relu", "sigmoid"])
@pytest.mark.parametrize(("loss", "torch_loss"), LOSSES, ids=["mse", "cross_entropy"])
def test_the_backward_pass_peaks_no_higher_than_that_of_autograd(
    f: Activation, torch_f: type[nn.Module], loss: Loss, torch_loss: Callable[..., Tensor]
) -> None:
    """32 layers of width 256, 1024 examples; counted are the tensors of the forward pass and all that the backward pass makes."""
    sizes = (256,) * 33
    x, y = torch.ones(1024, 256), torch.full((1024, 256), 1 / 256)
    net, params = mlp(sizes, Generator().manual_seed(0), f)
    with Live() as ours:
        y_hat, *cache = net.fwd(params, x)
        _, *dy_hat = loss(y, y_hat)
        del y_hat
        ours.peak = ours.now
        net.bwd(params, cache.pop(), dy_hat.pop())
    theirs_net = module(sizes, torch_f)
    with Live() as theirs:
        J = torch_loss(theirs_net(x), y)
        theirs.peak = theirs.now
        J.backward()
    assert theirs.peak > 32 * 2**20
    assert ours.peak <= theirs.peak


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 holds the arguments of a call until it returns")
def test_a_whole_step_peaks_below_autograd_and_remat_far_below() -> None:
    """32 layers of width 256, 4096 examples: an activation is 4 MiB, params are 8 MiB. Counted is what the step makes."""
    depth = 32
    x, y = torch.ones(4096, 256), torch.full((4096, 256), 1 / 256)
    layers = [dense(relu, linear_bottom if i == 0 else linear) for i in range(depth - 1)] + [dense(identity)]
    params = tuple(linear_init(256, 256, Generator().manual_seed(i)) for i in range(depth))
    optimizer = sgd(0.1)

    def peak_of(net: Layer[Any, Any], params: Any) -> int:
        carry = (params, optimizer.init(params))
        with Live() as live:
            training_step(net, mse, optimizer)(carry, (x, y))
        return int(live.peak)

    plain = peak_of(serial(*layers), params)
    fours = range(0, depth, 4)
    rematted = peak_of(serial(*[remat(serial(*layers[i : i + 4])) for i in fours]), tuple(params[i : i + 4] for i in fours))
    theirs_net = module((256,) * (depth + 1))
    sgd_of_torch = torch.optim.SGD(theirs_net.parameters(), lr=0.1)
    with Live() as theirs:
        nn.functional.mse_loss(theirs_net(x), y).backward()
        sgd_of_torch.step()
    assert plain <= 0.975 * theirs.peak
    assert rematted <= 0.45 * theirs.peak
    assert plain >= depth * 4 * 2**20


def test_the_loss_holds_no_memory_but_its_own() -> None:
    J, _ = mse(torch.ones(100, 100), torch.zeros(100, 100))
    assert J.untyped_storage().nbytes() == 4


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_import_brings_nothing_heavy() -> None:
    ours = modules_after("import pure_mlp")
    assert not {"torch._dynamo", "torch._inductor"} & ours
    added = {name.split(".")[0] for name in ours - modules_after("import torch")}
    assert added - sys.stdlib_module_names - {"attr", "attrs", "typing_extensions"} == {"pure_mlp"}
