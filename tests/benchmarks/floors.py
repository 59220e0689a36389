"""The floors: the operations of a step and nothing around them, and its matrix products alone."""

from __future__ import annotations

import torch
from torch import Tensor

from pure_mlp.kernels import mse_backward, squared_error, threshold_backward

from .task import Peer
from .tensors import Batch, Start


def bare(start: Start) -> Peer:
    """The operations of the pure step, sixteen for two layers, written out by hand: no checks, no records, no functions of layers.

    Raises `LookupError` for another optimizer or loss than SGD and MSE.
    """
    task, params = start.task, [p.clone() for p in start.params]
    if (task.optimizer, task.loss) != ("sgd", "mse"):
        raise LookupError("written out for sgd and mse")

    def step(batch: Batch) -> Tensor:
        nonlocal params
        xs, y, weights, biases = [batch[0]], batch[1], params[::2], params[1::2]
        for weight, bias in zip(weights[:-1], biases):
            xs.append(torch._addmm_activation(bias, xs[-1], weight.t()))
        y_hat = torch.addmm(biases[-1], xs[-1], weights[-1].t())
        loss = squared_error(y_hat, y).mean()
        dy, grads = mse_backward(y_hat, y), []
        for i in reversed(range(len(xs))):
            grads += [dy.sum(0), torch.mm(dy.t(), xs[i])]
            if i:
                dy = threshold_backward(torch.mm(dy, weights[i]), xs.pop())
        params = [*torch._foreach_add(params, grads[::-1], alpha=-task.lr)]
        return loss

    return Peer(step, start.batches, lambda: params)


def operands(start: Start) -> tuple[list[Tensor], list[Tensor]]:
    """Weights, and for each layer an output, which is the cotangent's shape too."""
    weights = start.params[::2]
    return weights, [torch.empty(start.task.batch, len(w)).normal_() for w in weights]


def gemms(start: Start) -> Peer:
    """By `torch.mm` into memory that is there: MKL, in torch's wheels for x86."""
    weights, hs = operands(start)
    outs, grads, dxs = ([torch.empty_like(t) for t in ts] for ts in (hs, weights, hs))

    def step(batch: Batch) -> None:
        for i, w in enumerate(weights):
            x = hs[i - 1] if i else batch[0]
            torch.mm(x, w.t(), out=outs[i])
            torch.mm(hs[i].t(), x, out=grads[i])
            if i:
                torch.mm(hs[i], w, out=dxs[i - 1])

    return Peer(step, start.batches, None)


def onednn(start: Start) -> Peer:
    """By oneDNN into fresh memory. Raises `LookupError` if this torch has no such operation."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        raise LookupError("torch has no mkldnn._linear_pointwise")
    weights, hs = operands(start)
    product = torch.ops.mkldnn._linear_pointwise

    def step(batch: Batch) -> None:
        for i, w in enumerate(weights):
            x = hs[i - 1] if i else batch[0]
            product(x, w, None, "none", [], "")
            product(hs[i].t(), x.t(), None, "none", [], "")
            if i:
                product(hs[i], w.t(), None, "none", [], "")

    return Peer(step, start.batches, None)
