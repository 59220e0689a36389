"""Nets whose examples do not mix, with params, inputs and labels; and the gradients of their examples, one at a time."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import attrs
import torch
from torch import Generator, Tensor

import pure_mlp as pm
from pure_mlp import Layer, Loss, record, tree_map

F64 = torch.float64


@record
@attrs.frozen(eq=False)
class Scale:
    """The params of a layer that the library does not know."""

    factor: Tensor


def _scale_fwd(params: Scale, x: Tensor) -> tuple[Tensor, Tensor]:
    return params.factor * x, x


def _scale_bwd(params: Scale, x: Tensor, dy: Tensor) -> tuple[Tensor, Scale]:
    return params.factor * dy, Scale((x * dy).flatten(0, -2).sum(0))


def _scale_jvp(params: Scale, x: Tensor, dparams: Scale, dx: Tensor) -> Tensor:
    return dparams.factor * x + params.factor * dx


scale: Layer[Scale, Tensor] = Layer(_scale_fwd, _scale_bwd, _scale_jvp)


class Case(NamedTuple):
    """A net with a loss of one number."""

    net: Layer[Any, Any]
    params: Any
    x: Tensor
    y: Tensor
    loss: Loss


def affine(n_in: int, n_out: int, seed: int) -> pm.Linear:
    return pm.linear_init(n_in, n_out, Generator().manual_seed(seed), F64)


def made(net: Layer[Any, Any], params: Any, lead: tuple[int, ...] = (5,), loss: Loss = pm.mse, classes: bool = False) -> Case:
    """A case with inputs (*lead, 3), and labels that fit."""
    g = Generator().manual_seed(7)
    x = torch.randn(*lead, 3, generator=g, dtype=F64)
    y_hat = net.fwd(params, x)[0]
    drawn = torch.rand(y_hat.shape, generator=g, dtype=F64)
    return Case(net, params, x, drawn.argmax(-1) if classes else drawn, loss)


def draws(*shape: int) -> Tensor:
    return torch.rand(shape, generator=Generator().manual_seed(8), dtype=F64)


MLP = pm.mlp((3, 6, 4, 2), Generator().manual_seed(0), pm.tanh, dtype=F64)
L1, L2, L3 = affine(3, 4, 1), affine(4, 4, 2), affine(4, 2, 3)
FACTOR = Scale(torch.linspace(0.5, 2, 4, dtype=F64))
FORK = pm.parallel(pm.linear, pm.dense(pm.softplus()))
BLOCKS = pm.serial(pm.dense(pm.gelu), pm.residual(pm.dense(pm.silu)), scale, pm.remat(FORK))
BLOCK_PARAMS = (L1, L2, FACTOR, (L3, affine(4, 2, 4)))
WIDE = pm.serial(pm.linear_bottom, pm.fan_sum(pm.linear, pm.serial(pm.sigmoid, pm.linear)))
WIDE_PARAMS = (L1, (L3, ((), affine(4, 2, 5))))
NORMS = pm.serial(pm.linear_bottom, pm.layer_norm(), pm.tanh, pm.residual(pm.rms_norm()), pm.linear)
NORMS_PARAMS = (L1, pm.LayerNorm(FACTOR.factor, L2.bias), (), pm.RMSNorm(FACTOR.factor.flip(0)), L3)

WORDS = pm.serial(pm.embedding, pm.dense(pm.tanh, pm.linear))
WORDS_PARAMS = (pm.embedding_init(5, 4, Generator().manual_seed(3), F64), L3)

COLUMNS = pm.serial(pm.embed_columns(2), pm.dense(pm.tanh, pm.linear))
COLUMNS_PARAMS = ((pm.embedding_init(4, 1, Generator().manual_seed(4), F64), pm.Embedding(L2.weight[:, :2])), L3)
ROWS = torch.tensor([[0.5, 3, 0], [-1, 0, 2], [2, 3, 1], [0, 3, 2]], dtype=F64)

ATTENTION = pm.serial(pm.linear, pm.attention(2), pm.residual(pm.serial(pm.linear, pm.attention())), pm.linear)
ATTENTION_PARAMS = (affine(3, 12, 6), (), (affine(4, 12, 7), ()), L3)

CASES = {
    "mlp": made(*MLP),
    "mlp of one example": made(*MLP, (1,)),
    "mlp of relu": made(pm.mlp((3, 6, 4, 2), Generator(), pm.relu)[0], MLP[1], loss=pm.squared_norm),
    "several rows an example": made(*MLP, (5, 3)),
    "many rows an example": made(*MLP, (2, 3, 2), partial(pm.squared_norm, reduction="mean")),
    "classes": made(*MLP, (6,), partial(pm.cross_entropy, ignore_index=1), classes=True),
    "blocks": made(BLOCKS, BLOCK_PARAMS, loss=pm.bce_with_logits),
    "blocks, several rows": made(BLOCKS, BLOCK_PARAMS, (4, 2), partial(pm.mse, reduction="sum")),
    "norms": made(NORMS, NORMS_PARAMS, (4,)),
    "norms, several rows": made(NORMS, NORMS_PARAMS, (3, 2)),
    "words": Case(WORDS, WORDS_PARAMS, torch.tensor([3, 0, 3, 1]), draws(4, 2), pm.mse),
    "words, several an example": Case(WORDS, WORDS_PARAMS, torch.tensor([[3, 0, 3], [1, 1, 4]]), draws(2, 3, 2), pm.mse),
    "columns": Case(COLUMNS, COLUMNS_PARAMS, ROWS, draws(4, 2), pm.mse),
    "attention": made(ATTENTION, ATTENTION_PARAMS, (2, 3)),
    "wide": made(WIDE, WIDE_PARAMS, loss=partial(pm.bce_with_logits, reduction="batchmean")),
}


def formed(case: Case) -> Any:
    """The gradients of the examples, stacked: of each row dy_hat_b of the batch's own dJ/dy_hat, alone."""
    dy_hat = case.loss(case.y, case.net.fwd(case.params, case.x)[0])[1]
    each = []
    for b in range(len(case.x)):
        cache = case.net.fwd(case.params, case.x[b : b + 1])[1]
        each.append(case.net.bwd(case.params, cache, dy_hat[b : b + 1])[1])
    if not each:
        return tree_map(lambda p: p.new_zeros(0, *p.shape), case.params)
    return each_stacked(each)


def each_stacked(trees: list[Any]) -> Any:
    """One tree whose leaves are stacked."""
    return pm.tree_like(trees[0], [torch.stack(leaves) for leaves in zip(*map(pm.tree_leaves, trees))])


def flat(tree: Any, dims: int = 0) -> Tensor:
    """All numbers of a tree as one vector, or as rows for each example."""
    return torch.cat([t.unsqueeze(-1).flatten(dims) for t in pm.tree_leaves(tree)], -1)
