"""A net as a module of torch: a loop of torch comes to the bits that the package's gradients give."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from pure_mlp import (
    Layer,
    NetModule,
    batch_norm,
    cross_entropy,
    dense,
    dropout,
    embedding,
    embedding_init,
    fan_sum,
    identity,
    init,
    layer_norm,
    linear,
    mlp,
    mse,
    relu,
    remat,
    residual,
    serial,
    tanh,
    to_torch,
    tree_items,
    tree_leaves,
    value_and_grad,
)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("make", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop], ids=lambda make: make.__name__)
def test_a_loop_of_torch_trains_it_as_it_trains_its_own(make: Any) -> None:
    net, params = mlp((3, 4, 5), Generator().manual_seed(0), tanh, dtype=torch.float64)
    ours, theirs = NetModule(net, params), to_torch(net, params)
    rules = [make(module.parameters(), lr=0.05) for module in (ours, theirs)]
    plans = [torch.optim.lr_scheduler.StepLR(rule, 2) for rule in rules]
    x, y = drawn(7, 3), torch.arange(7) % 5
    for _ in range(5):
        for rule in rules:
            rule.zero_grad()
        ours.backward(cross_entropy(y, ours(x))[1])
        nn.functional.cross_entropy(theirs(x), y).backward()
        norms = [nn.utils.clip_grad_norm_(module.parameters(), 0.5) for module in (ours, theirs)]
        torch.testing.assert_close(*norms, atol=1e-12, rtol=0)
        for rule, plan in zip(rules, plans):
            rule.step()
            plan.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b.detach(), atol=1e-10, rtol=0)
        assert not a.requires_grad


NETS: list[tuple[Layer[Any, Any], tuple[int, ...]]] = [
    (serial(linear, relu, serial(linear, layer_norm())), (3, 4, 2)),
    (serial(fan_sum(linear, linear), residual(tanh), remat(dense(relu))), (3, 4, 4, 4)),
    (linear, (3, 2)),
    (identity, (3,)),
]


@pytest.mark.parametrize(("net", "widths"), NETS, ids=["nested", "combinators", "linear", "nothing"])
def test_gradients_add_up_and_are_those_of_the_net(net: Layer[Any, Any], widths: tuple[int, ...]) -> None:
    net, params = init(net, widths, Generator().manual_seed(0), dtype=torch.float64) if widths[1:] else (net, ())
    module, x, y = NetModule(net, params), drawn(7, 3), drawn(7, widths[-1])
    for _ in range(2):
        J, dy = mse(y, module(x))
        dx = module.backward(dy)
    expected, grads = value_and_grad(net, mse)(params, x, y)
    assert (J.equal(expected), dx.equal(net.bwd(params, net.fwd(params, x)[1], dy)[0])) == (True, True)
    assert [*module.state_dict()] == [path for path, _ in tree_items(params)]
    for parameter, g, p in zip(module.parameters(), tree_leaves(grads), tree_leaves(params), strict=True):
        assert parameter.grad is not None
        assert parameter.grad.equal(g + g)
        assert parameter.equal(p)
        assert parameter.data_ptr() != p.data_ptr()


def slopes(module: NetModule) -> dict[str, Any]:
    return {name: p.grad.tolist() for name, p in module.named_parameters() if p.grad is not None}


def test_numbers_are_looked_up_and_a_params_that_is_one_tensor_has_a_name() -> None:
    module = NetModule(embedding, embedding_init(5, 2, Generator().manual_seed(0)))
    module.backward(torch.ones_like(module(torch.tensor([2, 0, 2]))))
    assert slopes(module)["weight"] == [[1, 1], [0, 0], [2, 2], [0, 0], [0, 0]]
    scale: Layer[Tensor, Tensor] = Layer(lambda p, x: (p * x, x), lambda p, x, dy: (p * dy, (x * dy).sum()))
    module = NetModule(scale, torch.tensor(3.0))
    module.backward(torch.ones_like(module(torch.arange(4.0))))
    assert slopes(module) == {"value": 6.0}


def test_it_moves_and_loads_and_is_copied_as_other_modules() -> None:
    net, params = mlp((3, 2), Generator().manual_seed(0))
    module = NetModule(net, params)
    other = copy.deepcopy(module).double()
    assert other(drawn(7, 3)).dtype == torch.float64
    other.load_state_dict({name: torch.zeros_like(t) for name, t in other.state_dict().items()})
    assert sum(float(t.abs().sum()) for t in tree_leaves(other.params())) == 0
    assert module.params()[0].weight.equal(params[0].weight)


def test_evaluation_keeps_nothing_and_a_cache_serves_once() -> None:
    module, x = NetModule(tanh, ()), drawn(2, 3)
    for early in (module, module.eval()):
        early(x) if not early.training else None
        with pytest.raises(ValueError, match="call the module on x before, in training mode, once for each backward"):
            early.backward(x)
    module.train()(x)
    module.backward(x)
    with pytest.raises(ValueError, match=r"NetModule\.backward"):
        module.backward(x)


@pytest.mark.parametrize("layer", [dropout(0.5), batch_norm()])
def test_layers_that_need_more_are_refused_by_name(layer: Layer[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"NetModule: (dropout|batch_norm) needs more than params and x in training"):
        NetModule(serial(linear, residual(layer)), ())
