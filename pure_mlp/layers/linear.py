"""The affine layer and its record of parameters."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from pure_mlp.layer import Layer
from pure_mlp.nodes import is_tensor
from pure_mlp.record import record
from pure_mlp.shapes import check_tangent, spec

__all__ = [
    "NO_DX",
    "Linear",
    "fits",
    "linear",
    "linear_bottom",
    "linear_bottom_bwd",
    "linear_bottom_jvp",
    "linear_bwd",
    "linear_fwd",
    "linear_jvp",
    "mismatch",
    "weight_grads",
]


@record
@attrs.frozen(eq=False)
class Linear:
    """Parameters of a linear layer: weight (out, in) and bias (out,), as in `torch.nn.Linear`.

    >>> Linear(weight=torch.ones(2, 3), bias=torch.zeros(2)).weight.shape
    torch.Size([2, 3])
    """

    weight: Tensor
    bias: Tensor


def linear_fwd(params: Linear, x: Tensor) -> tuple[Tensor, Tensor]:
    """y = x W^T + b, handout 1.1 in rows: x (*, in) -> y (*, out), equal to `torch.nn.Linear` to the bit. The cache is x itself.

    Raises `ValueError` with both shapes where x does not fit the weight, or the bias does not.

    >>> linear_fwd(Linear(torch.ones(2, 3), torch.zeros(2)), torch.ones(1, 3))[0]
    tensor([[3., 3.]])
    """
    try:
        y = torch.nn.functional.linear(x, params.weight, params.bias)
        if params.bias.shape == params.weight.shape[:1]:  # torch would broadcast another one
            return y, x
    except (RuntimeError, TypeError, AttributeError) as error:
        if fits(params, x):
            raise
        raise ValueError(mismatch(params, x)) from error
    raise ValueError(mismatch(params, x))


def linear_bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    """dx = dy W, dW = dy^T x, db = sum of dy over the batch (handout (9), (12), (14), (16) for one example).

    dy (*, out), x (*, in) -> dx (*, in), grads with W (out, in) and b (out,). Raises `ValueError` where dy does not fit.

    >>> params = Linear(torch.tensor([[1.0, 2.0]]), torch.zeros(1))
    >>> dx, grads = linear_bwd(params, torch.tensor([[3.0, 4.0]]), torch.tensor([[10.0]]))
    >>> dx, grads.weight
    (tensor([[10., 20.]]), tensor([[30., 40.]]))
    """
    grads = weight_grads(params, x, dy)
    return torch.matmul(dy, params.weight), grads


def linear_bottom_bwd(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    """The grads of `linear_bwd` alone, for the layer below which there is nothing to train: saves a third of the layer's FLOPs.

    dx is `NO_DX`, an empty tensor with three dimensions, which any layer put below refuses.

    >>> linear_bottom_bwd(Linear(torch.ones(1, 2), torch.zeros(1)), torch.ones(1, 2), torch.ones(1, 1))[0].shape
    torch.Size([0, 0, 0])
    """
    return NO_DX, weight_grads(params, x, dy)


def linear_jvp(params: Linear, x: Tensor, dparams: Linear, dx: Tensor) -> Tensor:
    """dy = dx W^T + x dW^T + db; dx (*, in) -> dy (*, out). Raises `ValueError` where dx does not fit.

    >>> params, dparams = Linear(torch.ones(1, 2), torch.zeros(1)), Linear(torch.zeros(1, 2), torch.ones(1))
    >>> linear_jvp(params, torch.ones(1, 2), dparams, torch.ones(1, 2))
    tensor([[3.]])
    """
    check_tangent(x, dx)
    return linear_fwd(dparams, x)[0] + torch.matmul(dx, params.weight.t())


def linear_bottom_jvp(params: Linear, x: Tensor, dparams: Linear, dx: Tensor) -> Tensor:
    """dy = x dW^T + db: x is held, as nothing below has params; dx is not looked at, and may be `NO_DX`.

    >>> dparams = Linear(torch.zeros(1, 2), torch.ones(1))
    >>> linear_bottom_jvp(Linear(torch.ones(1, 2), torch.zeros(1)), torch.ones(1, 2), dparams, NO_DX)
    tensor([[1.]])
    """
    return linear_fwd(dparams, x)[0]


def weight_grads(params: Linear, x: Tensor, dy: Tensor) -> Linear:
    """dW_oi = sum_b dy_bo x_bi and db_o = sum_b dy_bo, where b runs over all leading dimensions.

    >>> weight_grads(Linear(torch.ones(1, 2), torch.zeros(1)), torch.ones(3, 2), torch.ones(3, 1)).bias
    tensor([3.])
    """
    try:
        rows, x_rows = dy, x
        if dy.dim() != 2 or x.dim() != 2:
            if dy.shape[:-1] != x.shape[:-1] or dy.dim() == 0:
                raise ValueError(mismatch(params, x, dy))
            rows, x_rows = dy.reshape(-1, dy.shape[-1]), x.reshape(-1, x.shape[-1])
        grads = Linear(torch.mm(rows.t(), x_rows), rows.sum(0))
        fit = grads.weight.shape == params.weight.shape and grads.bias.shape == params.bias.shape
    except (RuntimeError, TypeError, AttributeError) as error:
        if not (is_tensor(dy) and fits(params, x, dy)):
            raise ValueError(mismatch(params, x, dy) if is_tensor(dy) else f"dy: {spec(dy)}, expected a tensor") from error
        raise
    if not fit:
        raise ValueError(mismatch(params, x, dy))
    return grads


def fits(params: Linear, x: Tensor, dy: Tensor | None = None) -> bool:
    """Whether these are tensors whose shapes, dtypes and devices go together: an error has another cause then.

    >>> params = Linear(torch.ones(2, 3), torch.ones(2))
    >>> fits(params, torch.ones(5, 3)), fits(params, torch.ones(5, 2))
    (True, False)
    """
    if _strange(params, x, dy):
        return False
    w, b = params.weight, params.bias
    given = (w, b, x) if dy is None else (w, b, x, dy)
    met = x.shape[-1:] == w.shape[1:] and b.shape == w.shape[:1] and (dy is None or dy.shape == x.shape[:-1] + b.shape)
    return met and len({(t.dtype, t.device) for t in given}) == 1


def mismatch(params: Linear, x: Tensor, dy: Tensor | None = None) -> str:
    """What came and what was expected, for an error.

    >>> mismatch(Linear(torch.ones(10, 20), torch.ones(10)), torch.ones(64, 30))
    'input (64, 30) float32, weight (10, 20) float32 takes (*, 20)'
    """
    if told := _strange(params, x, dy):
        return told
    out, n_in = params.weight.shape[-2:] if params.weight.dim() > 1 else ("out", "in")
    taken = f"input {spec(x)}, weight {spec(params.weight)} takes (*, {n_in})"
    if params.bias.shape != params.weight.shape[:-1] or params.bias.dtype != params.weight.dtype:
        return f"bias {spec(params.bias)}, expected {(out,)} as weight {spec(params.weight)}"
    return taken if dy is None else f"dy {spec(dy)}, expected {(*x.shape[:-1], out)} {str(params.weight.dtype)[6:]}; {taken}"


def _strange(params: object, x: object, dy: object) -> str:
    """What is no tensor among them, in words; dy is not given where it is None."""
    inside = [getattr(params, name, None) for name in ("weight", "bias")]
    if not all(map(is_tensor, inside)):
        held = f" of {spec(inside[0])} and {spec(inside[1])}" if isinstance(params, Linear) else ""
        return f"params: {spec(params)}{held}, expected a Linear of two tensors"
    given = {"input": x} if dy is None else {"input": x, "dy": dy}
    return ", ".join(f"{name}: {spec(t)}, expected a tensor" for name, t in given.items() if not is_tensor(t))


def _linear_bwd_jvp(params: Linear, x: Tensor, dy: Tensor, dparams: Linear, dx: Tensor) -> tuple[Tensor, Linear]:
    """ddx = dy V and ddW = dy^T dx, V the tangent of W; the bias has none."""
    return torch.matmul(dy, dparams.weight), Linear(weight_grads(params, dx, dy).weight, torch.zeros_like(params.bias))


def _linear_bottom_bwd_jvp(params: Linear, x: Tensor, dy: Tensor, dparams: Linear, dx: Tensor) -> tuple[Tensor, Linear]:
    """x is held, and nothing moves."""
    return NO_DX, Linear(torch.zeros_like(params.weight), torch.zeros_like(params.bias))


NO_DX = torch.empty(0, 0, 0)
linear: Layer[Linear, Tensor] = Layer(linear_fwd, linear_bwd, linear_jvp, _linear_bwd_jvp)
linear_bottom: Layer[Linear, Tensor] = Layer(linear_fwd, linear_bottom_bwd, linear_bottom_jvp, _linear_bottom_bwd_jvp)
"""`linear` for the first layer of a net: it computes no dx."""
