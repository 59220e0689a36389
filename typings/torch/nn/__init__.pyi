from torch.nn import functional as functional
from torch.nn import init as init
