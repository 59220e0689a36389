"""`python -m tests.benchmarks.quantities`: norms of examples, a private step and Gauss-Newton products, beside `torch.func`.

A private step costs what a plain one does, a pass for the norms, and a normal number for each number of the params. Where a batch
is small beside the params, those take as long as the step ("noise"): torch draws them one after another on a CPU, and more than
half of that is the Mersenne Twister alone. The goal of 1.15 steps is out of reach there by as much. `hvp` multiplies the same
matrices as two tapes do, so that it comes near them and not to the goal of 0.7.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import torch
from torch import Generator, Tensor
from torch.func import functional_call, grad, jvp, vjp, vmap

import pure_mlp as pm

from .machine import described

Calls = dict[str, Callable[[], object]]


def calls(sizes: tuple[int, ...], batch: int) -> Calls:
    """What is timed, by name; everybody has the same params and batch."""
    g = Generator().manual_seed(0)
    net, params = pm.mlp(sizes, g)
    x, y = torch.randn(batch, sizes[0], generator=g), torch.rand(batch, sizes[-1], generator=g)
    layers = [m for a, b in pairwise(sizes) for m in (torch.nn.Linear(a, b), torch.nn.ReLU())][:-1]
    module, leaves = torch.nn.Sequential(*layers), pm.tree_leaves(params)
    theirs = {name: leaf for (name, _), leaf in zip(module.named_parameters(), leaves, strict=True)}
    optimizer = pm.sgd(0.1)
    carry, v = (params, optimizer.init(params)), pm.tree_map(torch.cos, params)
    their_v = {name: torch.cos(leaf) for name, leaf in theirs.items()}
    private = pm.private_grads(net, pm.mse, limit=1.0, noise=1.0, expected_batch=batch)

    def predicted(p: Any, x: Tensor) -> Tensor:
        y_hat: Tensor = functional_call(module, p, (x,))
        return y_hat

    def J(p: Any, x: Tensor, y: Tensor) -> Tensor:
        return torch.nn.functional.mse_loss(predicted(p, x), y)

    def formed() -> list[Tensor]:
        each = vmap(grad(J), in_dims=(None, 0, 0))(theirs, x.unsqueeze(1), y.unsqueeze(1))
        return [t.flatten(1).square().sum(1) for t in each.values()]

    def private_step() -> object:
        J, grads = private(params, x, y, g)
        return optimizer.update(params, grads, carry[1]), J

    def gauss_newton() -> object:
        pushed: Any = jvp(lambda p: predicted(p, x), (theirs,), (their_v,))
        pulled: Any = vjp(lambda p: predicted(p, x), theirs)
        result: object = pulled[1](2 / pushed[0].numel() * pushed[1])
        return result

    leaves_of_theirs = [leaf.clone().requires_grad_() for leaf in leaves]

    def hessian(x: Tensor, y: Tensor) -> object:
        """Double backward: the gradient of <gradient, v>."""
        named = dict(zip(theirs, leaves_of_theirs, strict=True))
        mean = ((predicted(named, x) - y) ** 2).mean()
        grads = torch.autograd.grad(mean, leaves_of_theirs, create_graph=True)
        return torch.autograd.grad(grads, leaves_of_theirs, [*their_v.values()])

    return {
        "gradient": lambda: pm.value_and_grad(net, pm.mse)(params, x, y),
        "norms": lambda: pm.example_norms(net, pm.mse)(params, x, y),
        "norms, vmap(grad)": formed,
        "step": lambda: pm.training_step(net, pm.mse, optimizer)(carry, (x, y)),
        "private step": private_step,
        "noise": lambda: [torch.randn(leaf.shape, generator=g) for leaf in leaves],
        "G v": lambda: pm.ggn_product(net, pm.mse)(params, x, y, v),
        "G v, jvp and vjp": gauss_newton,
        "H v": lambda: pm.hvp(net, pm.mse)(params, x, y, v),
        "H v, two tapes": lambda: hessian(x, y),
    }


PAIRS = [
    ("norms", "gradient"),
    ("norms", "norms, vmap(grad)"),
    ("private step", "step"),
    ("noise", "step"),
    ("G v", "gradient"),
    ("G v", "G v, jvp and vjp"),
    ("H v", "gradient"),
    ("H v", "H v, two tapes"),
]


def main() -> None:
    """Interleaved rounds in random order; medians over the rounds of the ratios within a round."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.quantities", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[784, 800, 10])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{described()}\n{'-'.join(map(str, args.sizes))}, batch {args.batch}, one thread, {args.rounds} rounds")
    timed, order = calls(tuple(args.sizes), args.batch), random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(args.rounds + 2):
        for name in order.sample([*timed], len(timed)):
            begin = perf_counter()
            timed[name]()
            times[name].append(perf_counter() - begin)
    for name, seconds in times.items():
        print(f"  {name:18} {1e3 * statistics.median(seconds[2:]):9.3f} ms")
    for mine, other in PAIRS:
        print(f"  {mine} over {other}: {statistics.median([a / b for a, b in zip(times[mine][2:], times[other][2:])]):.3f}")


if __name__ == "__main__":
    main()
