from torch.backends import mkldnn as mkldnn
