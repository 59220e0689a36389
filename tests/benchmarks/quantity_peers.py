"""The peers of `quantities`: the same numbers of the same net by torch.func, torch.autograd, Opacus, BackPACK and curvlinops."""

from __future__ import annotations

import copy
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, grad, jvp, vjp, vmap

import pure_mlp as pm

Call = Callable[[], Any]


class Task(NamedTuple):
    """A net of relu with a batch, and the same net in `torch.nn`; v is a direction. The loss is the mean squared error."""

    net: pm.MLP
    params: Any
    module: nn.Sequential
    x: Tensor
    y: Tensor
    v: Any

    @property
    def rate(self) -> float:
        """Of plain gradient descent."""
        return 0.1


def task(sizes: tuple[int, ...], batch: int) -> Task:
    """Everybody has the same params and batch."""
    g = Generator().manual_seed(0)
    net, params = pm.mlp(sizes, g)
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())][:-1]
    module = nn.Sequential(*layers)
    with torch.no_grad():
        for p, leaf in zip(module.parameters(), pm.tree_leaves(params), strict=True):
            p.copy_(leaf)
    x, y = torch.randn(batch, sizes[0], generator=g), torch.rand(batch, sizes[-1], generator=g)
    return Task(net, params, module, x, y, pm.tree_map(torch.cos, params))


def func(t: Task) -> dict[str, Call]:
    """By `torch.func`."""
    names = [name for name, _ in t.module.named_parameters()]
    params, v = (dict(zip(names, pm.tree_leaves(tree), strict=True)) for tree in (t.params, t.v))

    def predicted(p: Any) -> Any:
        return functional_call(t.module, p, (t.x,))

    def J(p: Any, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(functional_call(t.module, p, (x,)), y)

    def norms() -> list[Tensor]:
        each = vmap(grad(J), in_dims=(None, 0, 0))(params, t.x.unsqueeze(1), t.y.unsqueeze(1))
        return [g.flatten(1).square().sum(1) / len(t.x) ** 2 for g in each.values()]

    def ggn() -> Any:
        moved: Any = jvp(predicted, (params,), (v,))
        pulled: Any = vjp(predicted, params)
        return [*pulled[1](2 / t.y.numel() * moved[1])[0].values()]

    return {"norms, vmap(grad)": norms, "G v, jvp and vjp": ggn}


def autograd(t: Task) -> dict[str, Call]:
    """H v by double backward, anew and from one graph."""
    leaves, v = [*t.module.parameters()], pm.tree_leaves(t.v)

    def graph() -> Any:
        return torch.autograd.grad(nn.functional.mse_loss(t.module(t.x), t.y), leaves, create_graph=True)

    kept = graph()
    return {
        "H v, double backward": lambda: torch.autograd.grad(graph(), leaves, v),
        "H v, double backward, graph kept": lambda: torch.autograd.grad(kept, leaves, v, retain_graph=True),
    }


class _RowMSE(nn.Module):
    """The mean squared error of each row, as Opacus' ghost clipping takes losses."""

    reduction = "mean"

    def forward(self, y_hat: Tensor, y: Tensor) -> Tensor:
        each = (y_hat - y).square().mean(1)
        return each if self.reduction == "none" else each.mean()


def opacus(t: Task, noise: float, ghost: bool) -> Call:
    """A step of DP-SGD with limit 1 that changes its module and returns the params; ghost: gradients of examples are not formed."""
    clipping: Any = import_module("opacus.grad_sample")
    optimizers: Any = import_module("opacus.optimizers")
    utils: Any = import_module("opacus.utils.fast_gradient_clipping_utils")
    module = copy.deepcopy(t.module)
    inner = torch.optim.SGD(module.parameters(), lr=t.rate)
    options: dict[str, Any] = {"noise_multiplier": noise, "max_grad_norm": 1.0, "expected_batch_size": len(t.x)}
    options["generator"] = Generator().manual_seed(1)
    criterion: Any = _RowMSE()
    if ghost:
        wrapped = clipping.GradSampleModuleFastGradientClipping(module, max_grad_norm=1.0, loss_reduction="mean")
        optimizer = optimizers.DPOptimizerFastGradientClipping(inner, **options)
        criterion = utils.DPLossFastGradientClipping(wrapped, optimizer, criterion, "mean")
    else:
        wrapped, optimizer = clipping.GradSampleModule(module), optimizers.DPOptimizer(inner, **options)

    def step() -> list[Tensor]:
        optimizer.zero_grad()
        criterion(wrapped(t.x), t.y).backward()
        optimizer.step()
        return [*module.parameters()]

    return step


def backpack(t: Task) -> dict[str, Call]:
    """Norms of examples, Gauss-Newton and Hessian products."""
    back: Any = import_module("backpack")
    extension = import_module("backpack.extensions").BatchL2Grad
    products = [import_module(f"backpack.hessianfree.{name}") for name in ("ggnvp", "hvp")]
    module, criterion, v = back.extend(copy.deepcopy(t.module)), back.extend(nn.MSELoss()), pm.tree_leaves(t.v)

    def norms() -> list[Tensor]:
        module.zero_grad()
        with back.backpack(extension()):
            criterion(module(t.x), t.y).backward()
        return [p.batch_l2 for p in module.parameters()]

    def ggn() -> Any:
        y_hat = t.module(t.x)
        return products[0].ggn_vector_product(nn.functional.mse_loss(y_hat, t.y), y_hat, t.module, v)

    def hessian() -> Any:
        J = nn.functional.mse_loss(t.module(t.x), t.y)
        return products[1].hessian_vector_product(J, [*t.module.parameters()], v)

    return {"norms, BackPACK": norms, "G v, BackPACK": ggn, "H v, BackPACK": hessian}


def curvlinops(t: Task) -> dict[str, Call]:
    """Gauss-Newton and Hessian products by linear operators, which run the net anew for every product."""
    operators: Any = import_module("curvlinops")
    given = nn.Sequential(*t.module), nn.MSELoss(), [*t.module.parameters()], [(t.x, t.y)]
    ggn = operators.GGNLinearOperator(*given, check_deterministic=False)
    hessian = operators.HessianLinearOperator(*given, check_deterministic=False)
    v = pm.tree_leaves(t.v)
    return {"G v, curvlinops": lambda: ggn @ v, "H v, curvlinops": lambda: hessian @ v}


def missing() -> dict[str, str]:
    """The libraries that are not there, by the name of their module, and how to get them."""
    names = {"opacus": "opacus", "backpack": "backpack-for-pytorch", "curvlinops": "curvlinops-for-pytorch"}
    return {module: package for module, package in names.items() if find_spec(module) is None}
