from torch.backends import cpu as cpu
from torch.backends import mkldnn as mkldnn
