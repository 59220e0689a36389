"""What both checkers refuse. `# E: text` expects an error of mypy with that text, and one of pyright; `# M:` one of mypy alone."""

import attrs
from torch import Generator, Tensor

from pure_mlp import Layer, Linear, State, adam, linear, linear_init, mse, relu, serial, tag, training_step, tree_map

Params = tuple[Linear, tuple[()], Linear]


class Pixels(Tensor): ...


class Hidden(Tensor): ...


def records(params: Params, x: Tensor) -> None:
    params[0].weight = x  # E: "weight" defined in "Linear" is read-only
    Linear(x)  # E: Missing positional argument "bias"
    Linear(x, x, x)  # E: Too many arguments for "Linear"
    attrs.evolve(params[0], wieght=x)  # M: Unexpected keyword argument "wieght"
    attrs.evolve(params[0], weight="x")  # M: has incompatible type "str"; expected "Tensor"
    tree_map(lambda p: p, params)[0].wieght  # E: has no attribute "wieght"


def backward_rules() -> None:
    attrs.evolve(linear, bwd=relu.bwd)  # M: incompatible type
    Layer(linear.fwd, relu.bwd)  # E: Cannot infer value of type parameter "P"


def nets(generator: Generator, params: Params, x: Tensor) -> None:
    net = serial(linear, relu, linear)
    net.fwd((params[0], params[2]), x)  # E: incompatible type "tuple[Linear, Linear]"
    y, cache = net.fwd(params, x)
    net.bwd(params, cache[:2], y)  # E: incompatible type "tuple[Tensor, Tensor]"
    net.bwd(params, cache, y)[1][3]  # E: Tuple index out of range
    net.bwd(params, cache, y)[1][1].weight  # E: has no attribute "weight"
    linear_init(3, 2)  # E: Missing positional argument "generator"


def spaces() -> None:
    encode, decode = tag(linear, Pixels, Hidden), tag(linear, Hidden, Pixels)
    serial(decode, encode)
    serial(encode, encode)  # E: Cannot infer value of type parameter
    serial(decode, relu, encode)  # E: Cannot infer value of type parameter


def optimizers(params: Params, state: State[Linear]) -> None:
    adam().update(params, params, state)  # E: Cannot infer value of type parameter "T"
    training_step(linear, mse, adam())((params, adam().init(params)), (params[0].bias, params[0].bias))  # E: incompatible type
