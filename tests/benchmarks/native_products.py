"""The matrix products of a step and nothing else, as a program on the native engine."""

from __future__ import annotations

from torch import Tensor

from pure_mlp import Plan

from .floors import operands
from .task import Peer
from .tensors import Start


def native_gemms(start: Start) -> Peer:
    """Each product is a leaf of the carry. Raises `LookupError` where the plan chose another engine."""
    weights, hs = operands(start)
    made = tuple(t.new_zeros(t.shape) for t in (*hs, *weights, *hs[:-1]))

    def step(carry: tuple[Tensor, ...], batch: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        xs = [batch, *hs[:-1]]
        outs = [x @ w.t() for x, w in zip(xs, weights)]
        grads = [h.t() @ x for h, x in zip(hs, xs)]
        return (*outs, *grads, *[h @ w for h, w in zip(hs[1:], weights[1:])]), batch[0, 0] * 1.0

    program = Plan(step, made, start.batches[0][0], engine="native")
    if program.engine != "native":
        raise LookupError(f"the engine is {program.engine}")
    return Peer(program.step, [x for x, _ in start.batches], None)
