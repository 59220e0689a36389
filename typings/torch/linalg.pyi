from typing import NamedTuple, type_check_only

from torch import Tensor

@type_check_only
class _SVD(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor

@type_check_only
class _LeastSquares(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

def qr(A: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]: ...
def svd(A: Tensor, full_matrices: bool = True) -> _SVD: ...
def svdvals(A: Tensor) -> Tensor: ...
def det(A: Tensor) -> Tensor: ...
def lstsq(A: Tensor, B: Tensor) -> _LeastSquares: ...
def matrix_norm(A: Tensor, ord: float | str = "fro") -> Tensor: ...
def vector_norm(x: Tensor, ord: float = 2, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
