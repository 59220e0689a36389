"""A table of rows, looked up by whole numbers (Bengio et al., 2003)."""

from __future__ import annotations

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.layer import Layer
from pure_mlp.layers.inits import Device, check_draw
from pure_mlp.layers.linear import NO_DX
from pure_mlp.nodes import is_tensor
from pure_mlp.record import record
from pure_mlp.shapes import check_cotangent, spec

__all__ = ["Embedding", "embedding", "embedding_bwd", "embedding_fwd", "embedding_init", "embedding_jvp"]


@record
@attrs.frozen(eq=False)
class Embedding:
    """Parameters of an embedding: weight (V, n), a row for each of V whole numbers, as in `torch.nn.Embedding`.

    >>> Embedding(weight=torch.ones(5, 2)).weight.shape
    torch.Size([5, 2])
    """

    weight: Tensor


def embedding_init(
    count: int, width: int, generator: Generator, dtype: torch.dtype = torch.float32, device: Device = "cpu"
) -> Embedding:
    """Weights from N(0, 1), as `torch.nn.Embedding` draws them.

    Args:
        count: V, how many whole numbers there are: 0 to V - 1.
        width: n, that of a row.
        generator: what they are drawn from.
        dtype: that of the weight.
        device: that of the generator.

    Returns:
        The params, weight (count, width).

    Raises:
        ValueError: a count or width below 1, what is no generator, or a dtype that is not floating.

    >>> embedding_init(5, 2, Generator()).weight.shape
    torch.Size([5, 2])
    """
    if not all(hasattr(n, "__index__") and n >= 1 for n in (count, width)):
        raise ValueError(f"embedding: count {count}, width {width}, expected whole numbers of at least 1")
    check_draw("embedding", generator, dtype)
    return Embedding(torch.randn(count, width, generator=generator, dtype=dtype, device=device))


def embedding_fwd(params: Embedding, x: Tensor) -> tuple[Tensor, Tensor]:
    """y_b = W_(x_b): the rows of W at the whole numbers x (*), int64 or int32, from 0 to V - 1 -> y (*, n). The cache is x itself.

    Raises `ValueError` where x has another dtype, or a number that has no row.

    >>> embedding_fwd(Embedding(torch.tensor([[1.0], [2.0], [3.0]])), torch.tensor([2, 0]))[0]
    tensor([[3.],
            [1.]])
    """
    try:
        rows = torch.index_select(params.weight, 0, x.flatten())
        return rows.view(*x.shape, rows.shape[1]), x
    except (IndexError, RuntimeError, TypeError, AttributeError) as error:
        weight = getattr(params, "weight", None)
        if not isinstance(weight, Tensor) or weight.dim() != 2:
            raise ValueError(f"params: {spec(params)}, weight: {spec(weight)}, expected Embedding of a weight (V, n)") from error
        if not is_tensor(x) or x.dtype not in (torch.int64, torch.int32):
            raise ValueError(f"input {spec(x)}, expected whole numbers to look up in an embedding: int64") from error
        try:
            least, most, count = int(x.min().item()), int(x.max().item()), params.weight.shape[0]
        except RuntimeError:  # inside vmap, where values cannot be read
            raise ValueError(f"input {spec(x)} with a number that is no row of the weight {spec(weight)}") from error
        if least >= 0 and most < count:
            raise
        raise ValueError(f"input from {least} to {most}, the weight of this embedding has the rows 0 to {count - 1}") from error


def embedding_bwd(params: Embedding, x: Tensor, dy: Tensor) -> tuple[Tensor, Embedding]:
    """dW_v = sum of dy_b over all b with x_b = v; 0 for rows whose number is not in x.

    Whole numbers have no gradient: dx is `NO_DX`, an empty tensor with three dimensions, which any layer put below refuses.

    Raises `ValueError` unless dy has the shape of y.

    >>> embedding_bwd(Embedding(torch.ones(3, 1)), torch.tensor([2, 0, 2]), torch.ones(3, 1))[1].weight.flatten()
    tensor([1., 0., 2.])
    """
    rows = params.weight
    check_cotangent(rows.new_empty(1).expand(*x.shape, rows.shape[1]), dy)
    return NO_DX, Embedding(torch.zeros_like(rows).index_add(0, x.flatten(), dy.reshape(-1, rows.shape[1])))


def embedding_jvp(params: Embedding, x: Tensor, dparams: Embedding, dx: Tensor) -> Tensor:
    """dy_b = V_(x_b), V the tangent of W: x is held; dx is not looked at, and may be `NO_DX`.

    >>> embedding_jvp(Embedding(torch.ones(3, 1)), torch.tensor([2]), Embedding(torch.arange(3.0).unsqueeze(1)), NO_DX)
    tensor([[2.]])
    """
    return embedding_fwd(dparams, x)[0]


def _embedding_bwd_jvp(params: Embedding, x: Tensor, dy: Tensor, dparams: Embedding, dx: Tensor) -> tuple[Tensor, Embedding]:
    """y is linear in W, and nothing moves."""
    return NO_DX, Embedding(torch.zeros_like(params.weight))


embedding: Layer[Embedding, Tensor] = Layer(embedding_fwd, embedding_bwd, embedding_jvp, _embedding_bwd_jvp)
