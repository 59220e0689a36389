"""`python -m tests.benchmarks.quantities`: norms of examples, private steps, products with curvature, beside their peers.

Every peer computes from the same params and batch, and its values are compared with ours before anything is timed; steps of
DP-SGD without noise, since generators differ. Peers that are not installed are named: `pip install '.[bench]'` brings them.
"""

from __future__ import annotations

import argparse
import random
import statistics
from functools import partial
from time import perf_counter

import torch
from torch import Generator, Tensor

import pure_mlp as pm

from .machine import described
from .quantity_peers import Call, Task, autograd, backpack, curvlinops, func, missing, opacus, task


def ours(t: Task) -> dict[str, Call]:
    """What is compared and timed, the quantity first in the name."""
    net, params, x, y, v = t.net, t.params, t.x, t.y, t.v
    product = pm.hvp_at(net, pm.mse, params, x, y)
    return {
        "norms": lambda: pm.example_norms(net, pm.mse)(params, x, y)[1],
        "G v": lambda: pm.ggn_product(net, pm.mse)(params, x, y, v),
        "H v": lambda: pm.hvp_at(net, pm.mse, params, x, y)(v),
        "H v and gradient": lambda: pm.hvp(net, pm.mse)(params, x, y, v)[1],
        "H v, another v": lambda: product(v),
    }


def private(t: Task, noise: float) -> Call:
    """A step of DP-SGD with limit 1."""
    optimizer, g = pm.sgd(t.rate), Generator().manual_seed(1)
    grads, state = pm.private_grads(t.net, pm.mse, 1.0, noise, len(t.x)), optimizer.init(t.params)
    return lambda: optimizer.update(t.params, grads(t.params, t.x, t.y, g)[1], state)[0]


def plain(t: Task) -> dict[str, Call]:
    """The units: a gradient, a step, a step with noise and without clipping, and the draws alone into memory that is there."""
    optimizer, g, leaves = pm.sgd(t.rate), Generator().manual_seed(1), pm.tree_leaves(t.params)
    carry = t.params, optimizer.init(t.params)
    f, space = pm.value_and_grad(t.net, pm.mse), [torch.empty_like(leaf) for leaf in leaves]
    clipped = pm.clipped_grads(t.net, pm.mse, 1.0)

    def noisy() -> object:
        grads = pm.tree_map(lambda p: torch.randn(p.shape, generator=g).add_(p), f(t.params, t.x, t.y)[1])
        return optimizer.update(t.params, grads, carry[1])

    return {
        "gradient": lambda: f(t.params, t.x, t.y),
        "step": lambda: pm.training_step(t.net, pm.mse, optimizer)(carry, (t.x, t.y)),
        "clipped step": lambda: optimizer.update(t.params, clipped(t.params, t.x, t.y)[1], carry[1]),
        "step with noise": noisy,
        "noise": lambda: [leaf.normal_(generator=g) for leaf in space],
    }


def compare(name: str, call: Call, expected: list[Tensor]) -> None:
    """Up to the rounding of float32, and what Opacus adds to a norm before it divides by it."""
    for a, b in zip(pm.tree_leaves(call()), expected, strict=True):
        error = float((a.detach() - b).abs().max() / b.abs().max())
        assert error < 1e-4, f"{name}: off by {error}"


def everybody(t: Task) -> dict[str, Call]:
    """All calls, compared with the first one of their quantity."""
    absent = missing()
    compared = {**ours(t), **func(t), **autograd(t)}
    for library in (backpack, curvlinops):
        compared |= library(t) if library.__name__ not in absent else {}
    steps = {"private step": partial(private, t)}
    if "opacus" not in absent:
        steps |= {f"private step, Opacus {how}": partial(opacus, t, ghost=how == "ghost") for how in ("formed", "ghost")}
    silent = {name: make(noise=0.0) for name, make in steps.items()}
    for group in (compared, silent):
        for name, call in group.items():
            first = next(other for other in group if name.startswith(other))
            compare(name, call, pm.tree_leaves(group[first]()))
    noisy = {name: make(noise=1.0) for name, make in steps.items()}
    return {**plain(t), **compared, **noisy}


PAIRS = {
    "gradient": ("norms", "G v", "H v", "H v and gradient", "H v, another v"),
    "step": ("private step", "clipped step", "step with noise", "noise"),
    "step with noise": ("private step",),
}


def main() -> None:
    """Interleaved rounds in random order; medians over the rounds of the ratios within a round."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.quantities", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[784, 800, 10])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{described()}\n{'-'.join(map(str, args.sizes))}, batch {args.batch}, one thread, {args.rounds} rounds")
    for module, package in missing().items():
        print(f"  {module}: not installed (pip install {package})")
    timed, order = everybody(task(tuple(args.sizes), args.batch)), random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(args.rounds + 2):
        for name in order.sample([*timed], len(timed)):
            begin = perf_counter()
            timed[name]()
            times[name].append(perf_counter() - begin)

    def over(mine: str, other: str) -> float:
        return statistics.median([a / b for a, b in zip(times[mine][2:], times[other][2:])])

    for name, seconds in times.items():
        print(f"  {name:34} {1e3 * statistics.median(seconds[2:]):9.3f} ms")
    for unit, names in PAIRS.items():
        print(f"in units of a {unit}: " + "; ".join(f"{name} {over(name, unit):.2f}" for name in names))
    for mine in ("norms", "private step", "G v", "H v", "H v, another v"):
        others = [name for name in timed if name.startswith(mine.partition(", ")[0] + ", ") and name != mine]
        print(f"{mine} over: " + "; ".join(f"{name.partition(', ')[2]} {over(mine, name):.2f}" for name in others))


if __name__ == "__main__":
    main()
