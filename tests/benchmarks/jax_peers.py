"""The runtime jax: `jit` of a step, the loss read after each one, and `lax.scan` over k of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import Start
from .arrays import load as load
from .arrays import save as save
from .task import BATCHES, Peer


def training(start: Start) -> tuple[Any, Callable[[Any, Any], Any], Any]:
    """jax, `step(carry, batch) -> (carry, loss)`, the first carry: parameters, and Adam's moments and count."""
    jax, task = importlib.import_module("jax"), start.task
    jnp = jax.numpy

    def value(params: Any, x: Any, y: Any) -> Any:
        for i in range(0, len(params), 2):
            x = x @ params[i].T + params[i + 1]
            x = jax.nn.relu(x) if i + 2 < len(params) else x
        return ((x - y) ** 2).mean() if task.loss == "mse" else (jax.nn.softplus(x) - x * y).mean()

    def step(carry: Any, batch: Any) -> Any:
        params, m, v, count = carry
        loss, grads = jax.value_and_grad(value)(params, *batch)
        if task.optimizer == "sgd":
            return ([p - task.lr * g for p, g in zip(params, grads)], m, v, count), loss
        count += 1
        m = [0.9 * a + 0.1 * g for a, g in zip(m, grads)]
        v = [0.999 * b + 0.001 * g * g for b, g in zip(v, grads)]
        root, rate = jnp.sqrt(1 - 0.999**count), task.lr / (1 - 0.9**count)
        return ([p - rate * a / (jnp.sqrt(b) / root + 1e-8) for p, a, b in zip(params, m, v)], m, v, count), loss

    params = [jnp.array(p) for p in start.params]
    m, v = ([jnp.zeros_like(p) for p in params if task.optimizer == "adam"] for _ in range(2))
    return jax, step, (params, m, v, jnp.zeros(()))


def jit(start: Start) -> Peer:
    """A call a step, the carry's memory donated; the loss is read as a Python number, so each call is waited for."""
    jax, step, carry = training(start)
    compiled = jax.jit(step, donate_argnums=0)

    def call(batch: Any) -> float:
        nonlocal carry
        carry, loss = compiled(carry, batch)
        return float(loss)

    return Peer(call, jax.device_put(start.batches), lambda: [np.asarray(p) for p in carry[0]])


def scan(start: Start) -> Peer:
    """k steps a call over batches that are stacked already; all losses are waited for."""
    jax, step, carry = training(start)
    compiled = jax.jit(lambda carry, batches: jax.lax.scan(step, carry, batches), donate_argnums=0)
    chosen = [start.batches[i % BATCHES] for i in range(start.task.k)]
    stacked = tuple(jax.device_put(np.stack([batch[side] for batch in chosen])) for side in range(2))

    def call(batches: Any) -> Any:
        nonlocal carry
        carry, losses = compiled(carry, batches)
        return losses.block_until_ready()

    return Peer(call, [stacked], lambda: [np.asarray(p) for p in carry[0]], start.task.k)


def gemms(start: Start) -> Peer:
    """The matrix products alone, one call."""
    jax = importlib.import_module("jax")
    ws = jax.device_put(start.params[::2])
    hs = jax.device_put([np.ones((start.task.batch, len(w)), np.float32) for w in start.params[::2]])

    def products(x: Any, ws: Any, hs: Any) -> Any:
        xs = [x, *hs[:-1]]
        below = [h @ w for h, w in zip(hs[1:], ws[1:])]
        return [x @ w.T for x, w in zip(xs, ws)], [h.T @ x for h, x in zip(hs, xs)], below

    compiled = jax.jit(products)
    return Peer(lambda x: jax.block_until_ready(compiled(x, ws, hs)), jax.device_put([x for x, _ in start.batches]), None)


def stacked(start: Start) -> Peer:
    """An ensemble: `vmap` of the step over all its nets, in one call."""
    jax, step, carry = training(start)
    n = start.task.nets
    carry = jax.tree.map(lambda t: jax.numpy.stack([t] * n), carry)
    compiled = jax.jit(jax.vmap(step), donate_argnums=0)
    batches = jax.device_put([tuple(np.stack([t] * n) for t in batch) for batch in start.batches])

    def call(batch: Any) -> float:
        nonlocal carry
        carry, losses = compiled(carry, batch)
        return float(losses[-1])

    return Peer(call, batches, lambda: [np.asarray(p[-1]) for p in carry[0]])


PEERS = {"jax_jit": jit, "lax_scan": scan, "jax_gemms": gemms, "jax_vmap": stacked}
