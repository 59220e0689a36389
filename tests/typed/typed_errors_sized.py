"""A gallery of wrong nets between spaces, shown on the page on types.

`# E: text` expects an error of mypy with that text, and one of pyright. Nothing here runs.
"""

from torch import Generator, Tensor

from pure_mlp import Linear, Sized, Space, adam, affine, linear, mse, relu, sized, training_step


class Pixels(Space):
    size = 784


class Hidden(Space):
    size = 800


class Digit(Space):
    size = 10


def sizes_that_do_not_meet() -> None:
    affine(Pixels, Hidden) >> affine(Pixels, Digit)  # E: "affine" has incompatible type "type[Pixels]"; expected "type[Hidden]"
    affine(Pixels, Hidden) >> sized(relu, Pixels, Pixels)  # E: has incompatible type "type[Pixels]"; expected "type[Hidden]"
    affine(Pixels, Hidden) >> (affine(Pixels, Hidden) >> affine(Hidden, Digit))  # E: Unsupported operand types for >>


def named_layers_that_do_not_meet() -> None:
    encode, decode = affine(Pixels, Hidden), affine(Hidden, Digit)
    decode >> encode  # E: Unsupported operand types for >> ("Sized[Hidden, Digit, Linear, Tensor]" and "Sized[Pixels, Hidden,


def train(net: Sized[Pixels, Digit, Linear, Tensor]) -> None:
    train(affine(Pixels, Hidden))  # E: "affine" has incompatible type "type[Hidden]"; expected "type[Digit]"
    encode = affine(Pixels, Hidden)
    train(encode)  # E: has incompatible type "Sized[Pixels, Hidden, Linear, Tensor]"; expected "Sized[Pixels, Digit,


def no_spaces(net: Sized[Pixels, Digit, Linear, Tensor]) -> None:
    affine(784, Hidden)  # E: Argument 1 to "affine" has incompatible type "int"; expected "type[Never]"
    affine(Tensor, Hidden)  # E: Value of type variable "X" of "affine" cannot be "Tensor"
    affine(Pixels, Hidden) >> relu  # E: Unsupported operand types for >>
    training_step(net, mse, adam())  # E: Argument 1 to "training_step" has incompatible type "Sized[Pixels, Digit, Linear, Tensor]"


def params_of_another_net(generator: Generator, x: Tensor) -> None:
    net = affine(Pixels, Hidden) >> affine(Hidden, Digit)
    net.layer.fwd(affine(Pixels, Hidden).init(generator), x)  # E: has incompatible type "Linear"; expected "tuple[Linear, Linear]"
    net.init(generator)[2]  # E: Tuple index out of range
    (net >> sized(linear, Digit, Digit)).init(generator)[1][0]  # E: Value of type "Linear" is not indexable
