"""The runtime numpy: every result into memory that is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Array, Batch, Start, views
from .arrays import load as load
from .arrays import save as save
from .task import Peer, Task


def mse(z: Array, y: Array, d: Array, _: Array) -> float:
    """The mean of the squares; d becomes its derivative by z."""
    np.subtract(z, y, out=d)
    loss = float(np.dot(d.ravel(), d.ravel()) / d.size)
    np.multiply(d, 2 / d.size, out=d)
    return loss


def bce(z: Array, y: Array, d: Array, e: Array) -> float:
    """The mean of max(z, 0) - z y + log(1 + exp(-|z|)); d becomes (sigmoid(z) - y) / N."""
    np.abs(z, out=e)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.log1p(e, out=e)
    loss = float(e.sum() + np.maximum(z, 0, out=d).sum() - np.dot(z.ravel(), y.ravel())) / z.size
    np.multiply(z, 0.5, out=d)
    np.tanh(d, out=d)
    np.multiply(d, 0.5, out=d)
    np.add(d, 0.5, out=d)
    np.subtract(d, y, out=d)
    np.multiply(d, 1 / d.size, out=d)
    return loss


def updater(task: Task, params: list[Array], grads: list[Array]) -> Callable[[], None]:
    """The update in place; it may overwrite the gradients."""
    m, v, scratch = ([np.zeros_like(p) for p in params] for _ in range(3))
    count = 0

    def sgd() -> None:
        for p, g in zip(params, grads):
            np.multiply(g, task.lr, out=g)
            np.subtract(p, g, out=p)

    def adam() -> None:
        nonlocal count
        count += 1
        root, rate = (1 - 0.999**count) ** 0.5, task.lr / (1 - 0.9**count)
        for p, g, a, b, s in zip(params, grads, m, v, scratch):
            np.multiply(a, 0.9, out=a)
            np.multiply(g, 0.1, out=s)
            np.add(a, s, out=a)
            np.multiply(b, 0.999, out=b)
            np.multiply(g, g, out=s)
            np.multiply(s, 0.001, out=s)
            np.add(b, s, out=b)
            np.sqrt(b, out=s)
            np.multiply(s, 1 / root, out=s)
            np.add(s, 1e-8, out=s)
            np.divide(a, s, out=s)
            np.multiply(s, rate, out=s)
            np.subtract(p, s, out=p)

    return sgd if task.optimizer == "sgd" else adam


def by_hand(start: Start, packed: bool = False) -> Peer:
    """The step as one writes it; packed: the update goes over one flat array."""
    task = start.task
    flat = np.concatenate([p.ravel() for p in start.params])
    d_flat = np.empty_like(flat)
    params, grads = views(flat, task.shapes()), views(d_flat, task.shapes())
    update = updater(task, [flat] if packed else params, [d_flat] if packed else grads)
    ws, bs, gws, gbs = params[::2], params[1::2], grads[::2], grads[1::2]
    hs, ds = ([np.empty((task.batch, len(b)), np.float32) for b in bs] for _ in range(2))
    masks, spare = [np.empty(h.shape, np.bool_) for h in hs], np.empty_like(hs[-1])
    criterion = mse if task.loss == "mse" else bce

    def step(batch: Batch) -> float:
        x, y = batch
        for i, (w, b, h) in enumerate(zip(ws, bs, hs)):
            np.dot(hs[i - 1] if i else x, w.T, out=h)
            np.add(h, b, out=h)
            if i + 1 < len(hs):
                np.maximum(h, 0, out=h)
        loss = criterion(hs[-1], y, ds[-1], spare)
        for i in reversed(range(len(ws))):
            np.dot(ds[i].T, hs[i - 1] if i else x, out=gws[i])
            np.sum(ds[i], axis=0, out=gbs[i])
            if i:
                np.dot(ds[i], ws[i], out=ds[i - 1])
                np.greater(hs[i - 1], 0, out=masks[i - 1])
                np.multiply(ds[i - 1], masks[i - 1], out=ds[i - 1])
        update()
        return loss

    return Peer(step, start.batches, lambda: params)


def gemms(start: Start) -> Peer:
    """The matrix products alone."""
    ws = start.params[::2]
    hs, dxs = ([np.ones((start.task.batch, len(w)), np.float32) for w in ws] for _ in range(2))
    outs, grads = [np.empty_like(h) for h in hs], [np.empty_like(w) for w in ws]

    def step(batch: Batch) -> None:
        for i, w in enumerate(ws):
            x = hs[i - 1] if i else batch[0]
            np.dot(x, w.T, out=outs[i])
            np.dot(hs[i].T, x, out=grads[i])
            if i:
                np.dot(hs[i], w, out=dxs[i - 1])

    return Peer(step, start.batches, None)


PEERS = {"numpy_gemms": gemms, "numpy": by_hand, "numpy_packed": lambda start: by_hand(start, packed=True)}
