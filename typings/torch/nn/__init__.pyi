from torch.nn import functional as functional
from torch import Tensor

class Parameter(Tensor): ...
