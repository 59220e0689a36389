import torch
from torch.overrides import TorchFunctionMode

class DeviceContext(TorchFunctionMode):
    device: torch.device
    def __init__(self, device: torch.device | str | int) -> None: ...
