from torch import Tensor
from torch.nn import functional as functional

class Parameter(Tensor): ...
