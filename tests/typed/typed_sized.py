"""The types of nets between spaces: exact, at any depth. Nothing here runs."""

from torch import Generator, Tensor
from typing_extensions import assert_type

from pure_mlp import Layer, Linear, Sized, Space, affine, dense, relu, sized


class Pixels(Space):
    size = 784


class Hidden(Space):
    size = 800


class Digit(Space):
    size = 10


Params = tuple[tuple[Linear, tuple[()]], Linear]
Four = tuple[Linear, tuple[Linear, tuple[Linear, Linear]]]


def nets_that_meet(generator: Generator, x: Tensor) -> None:
    encode, decode = affine(Pixels, Hidden), affine(Hidden, Digit)
    assert_type(encode, Sized[Pixels, Hidden, Linear, Tensor])
    net = encode >> sized(relu, Hidden, Hidden) >> decode
    assert_type(net, Sized[Pixels, Digit, Params, tuple[tuple[Tensor, Tensor], Tensor]])
    assert_type(net.layer, Layer[Params, tuple[tuple[Tensor, Tensor], Tensor]])
    params = net.init(generator)
    assert_type(params, Params)
    y, cache = net.layer.fwd(params, x)
    assert_type(net.layer.bwd(params, cache, y)[1], Params)
    assert_type(net.layer.bwd(params, cache, y)[1][0][0].weight, Tensor)


def nets_of_any_depth() -> None:
    d = sized(dense(relu), Hidden, Hidden)
    assert_type((d >> d >> d >> d >> d).source, type[Hidden])
    ten = d >> (d >> (d >> (d >> (d >> (d >> (d >> (d >> (d >> d))))))))
    assert_type(ten.init(Generator())[1][1][1][1][1][1], Four)
