from torch.optim import Optimizer

class LRScheduler:
    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None: ...

class ConstantLR(LRScheduler):
    def __init__(self, optimizer: Optimizer, factor: float = ..., total_iters: int = 5, last_epoch: int = -1) -> None: ...

class StepLR(LRScheduler):
    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None: ...

class CosineAnnealingLR(LRScheduler):
    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None: ...

class LinearLR(LRScheduler):
    def __init__(
        self, optimizer: Optimizer, start_factor: float = ..., end_factor: float = 1.0, total_iters: int = 5, last_epoch: int = -1
    ) -> None: ...
