from collections.abc import Iterator, Mapping
from typing import Any, Literal

from torch import Size as _Size
from torch import Tensor
from torch import device as _device
from torch import dtype as _dtype
from torch.nn import functional as functional
from torch.nn import init as init
from typing_extensions import Self

class Parameter(Tensor):
    grad: Tensor | None
    def __new__(cls, data: Tensor, requires_grad: Literal[False]) -> Self: ...

class Module:
    training: bool
    def add_module(self, name: str, module: Module | None) -> None: ...
    def get_parameter(self, target: str) -> Parameter: ...
    def register_parameter(self, name: str, param: Parameter | None) -> None: ...
    def eval(self) -> Self: ...
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any: ...
    def named_children(self) -> Iterator[tuple[str, Module]]: ...

class Sequential(Module):
    def __init__(self, *args: Module) -> None: ...

class Linear(Module):
    weight: Tensor
    bias: Tensor
    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
    ) -> None: ...

class Identity(Module):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

class ReLU(Module):
    def __init__(self, inplace: bool = False) -> None: ...

class SiLU(Module):
    def __init__(self, inplace: bool = False) -> None: ...

class Sigmoid(Module): ...
class Tanh(Module): ...

class GELU(Module):
    approximate: str
    def __init__(self, approximate: str = "none") -> None: ...

class Dropout(Module):
    p: float
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None: ...

class MultiheadAttention(Module):
    num_heads: int
    dropout: float
    batch_first: bool
    in_proj_weight: Tensor | None
    in_proj_bias: Tensor | None
    out_proj: Linear
    bias_k: Tensor | None
    add_zero_attn: bool
    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
    ) -> None: ...

class GLU(Module):
    dim: int
    def __init__(self, dim: int = -1) -> None: ...

class Embedding(Module):
    padding_idx: int | None
    max_norm: float | None
    scale_grad_by_freq: bool
    weight: Tensor
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
    ) -> None: ...

class BatchNorm1d(Module):
    eps: float
    affine: bool
    weight: Tensor
    bias: Tensor
    running_mean: Tensor | None
    running_var: Tensor | None
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
        *,
        bias: bool = True,
    ) -> None: ...

class ELU(Module):
    alpha: float
    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None: ...

class LeakyReLU(Module):
    negative_slope: float
    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None: ...

class Softplus(Module):
    beta: float
    threshold: float
    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None: ...

class LayerNorm(Module):
    normalized_shape: tuple[int, ...]
    eps: float
    weight: Tensor
    bias: Tensor
    def __init__(
        self,
        normalized_shape: int | list[int] | _Size,
        eps: float = 1e-05,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
    ) -> None: ...

class RMSNorm(Module):
    normalized_shape: tuple[int, ...]
    eps: float | None
    weight: Tensor
    def __init__(
        self,
        normalized_shape: int | list[int] | _Size,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: _device | str | None = None,
        dtype: _dtype | None = None,
    ) -> None: ...

class Softmax(Module):
    dim: int | None
    def __init__(self, dim: int | None = None) -> None: ...
