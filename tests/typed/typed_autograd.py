"""Autograd is a type error: `typings/torch` has none. `# E: text` expects an error of mypy with that text, and one of pyright."""

import torch
from torch import Tensor
from torch.func import vjp  # E: has no attribute "vjp"


def tensors(x: Tensor) -> None:
    x.backward()  # E: "Tensor" has no attribute "backward"
    x.requires_grad_()  # E: "Tensor" has no attribute "requires_grad_"
    x.requires_grad = True  # E: "Tensor" has no attribute "requires_grad"
    print(x.grad)  # E: "Tensor" has no attribute "grad"
    x.register_hook(print)  # E: "Tensor" has no attribute "register_hook"
    x.retain_grad()  # E: "Tensor" has no attribute "retain_grad"
    torch.ones(3, requires_grad=True)  # E: No overload variant of "ones"


def functions(x: Tensor) -> None:
    torch.autograd.grad(x, x)  # E: Module has no attribute "autograd"
    torch.func.grad(torch.relu)(x)  # E: Module has no attribute "grad"
    torch.func.jvp(torch.relu, (x,), (x,))  # E: Module has no attribute "jvp"
    torch.no_grad()  # E: Module has no attribute "no_grad"
    torch.enable_grad()  # E: Module has no attribute "enable_grad"
    torch.set_grad_enabled(True)  # E: Module has no attribute "set_grad_enabled"
    torch.nn.Parameter(x)  # E: Missing positional argument "requires_grad" in call to "Parameter"
    print(vjp)


def slips(x: Tensor) -> None:
    x @ 2  # E: Unsupported operand types for @
    x * "a"  # E: Unsupported operand types for *
    torch.ops.aten.mm(x, x)  # E: has no attribute "mm"
