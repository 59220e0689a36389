"""A net as an `nn.Module`, for training loops of torch: the backward pass is that of the net."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pure_mlp.layer import Layer, composition, layer_name
from pure_mlp.record import tree_items, tree_leaves, tree_like
from pure_mlp.registry.layers import row_of

__all__ = ["NetModule"]


class NetModule(nn.Module):
    """`module(x)` is `net.fwd`, and `module.backward(dy)` is `net.bwd`, which adds the gradients to `.grad` of the parameters.

    So everything that reads `.grad` works: optimizers of torch, their schedules, `clip_grad_norm_`. There is no tape: parameters
    require no gradient, and where the loop says `loss.backward()`, it says `module.backward(dy)` with the dJ/dy of a loss of this
    package. Names of the state dict are paths of the params, as `0.weight`. In training mode (`module.train()`, as it begins) the
    cache of the last forward pass is kept for `backward`, in evaluation nothing is.

    Args:
        net: a layer of tensors. `dropout` and `batch_norm` need more than params and x in training: see `seeded`, `evaluated`.
        params: those of the net; they are copied.

    Raises:
        ValueError: a net with `dropout` or `batch_norm`.

    >>> import torch
    >>> from pure_mlp import Linear, linear_bottom, mse
    >>> module = NetModule(linear_bottom, Linear(torch.tensor([[2.0]]), torch.tensor([0.0])))
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.25)
    >>> J, dy = mse(torch.tensor([[1.0]]), module(torch.tensor([[1.0]])))
    >>> _ = module.backward(dy)
    >>> optimizer.step()
    >>> module.params().weight
    tensor([[1.5000]])
    """

    def __init__(self, net: Layer[Any, Any], params: Any) -> None:  # Any: the params of any net
        super().__init__()
        _refuse(net)
        self._net, self._like = net, params
        self._cache: tuple[Any, ...] = ()
        for path, leaf in tree_items(params):
            *above, name = (path or "value").split(".")
            place: nn.Module = self
            for part in above:
                inner = dict(place.named_children()).get(part) or nn.Module()
                place.add_module(part, inner)
                place = inner
            place.register_parameter(name, nn.Parameter(leaf.detach().clone(), False))

    def params(self) -> Any:
        """The params as they are now, in the memory of the parameters."""
        return tree_like(self._like, [leaf.detach() for leaf in self._leaves()])

    def forward(self, x: Tensor) -> Tensor:
        """y of the net; its cache is kept in training mode."""
        y, cache = self._net.fwd(self.params(), x)
        self._cache = (cache,) if self.training else ()
        return y

    def backward(self, dy: Tensor) -> Tensor:
        """dx, after the gradients have been added to those of the parameters.

        Raises `ValueError` where no forward pass in training mode came before, or its cache was used.
        """
        if not self._cache:
            raise ValueError("NetModule.backward: call the module on x before, in training mode, once for each backward")
        (cache,), self._cache = self._cache, ()
        dx, grads = self._net.bwd(self.params(), cache, dy)
        for leaf, grad in zip(self._leaves(), tree_leaves(grads)):
            leaf.grad = grad if leaf.grad is None else leaf.grad + grad
        return dx

    def _leaves(self) -> list[nn.Parameter]:
        return [self.get_parameter(path or "value") for path, _ in tree_items(self._like)]


def _refuse(net: Layer[Any, Any]) -> None:
    """Raise `ValueError` that names the first layer which is another one in evaluation."""
    made, row = composition(net), row_of(net)
    if made is None and row and row.evaluated:
        raise ValueError(f"NetModule: {layer_name(net)} needs more than params and x in training: use to_torch, or fit")
    for part in made.parts() if made else ():
        _refuse(part)
