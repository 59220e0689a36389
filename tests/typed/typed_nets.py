"""The types that mypy and pyright infer for nets: exact, from layers to gradients. Nothing here runs."""

from torch import Generator, Tensor
from typing_extensions import assert_type

from pure_mlp import (
    MLP,
    BatchNorm,
    Embedding,
    Layer,
    Linear,
    RMSNorm,
    Statistics,
    batch_norm,
    dense,
    dropout,
    embedding,
    embedding_init,
    ensemble,
    evaluated,
    fan_sum,
    glu,
    linear,
    linear_bottom,
    linear_init,
    mlp,
    mse,
    parallel,
    relu,
    remat,
    residual,
    rms_norm,
    running_statistics,
    scored,
    seeded,
    serial,
    sigmoid,
    silu,
    softmax,
    tag,
    tanh,
    unit,
)


class Pixels(Tensor): ...


class Hidden(Tensor): ...


def serial_of_nothing_to_eight() -> None:
    nothing: Layer[tuple[()], tuple[()]] = serial()
    assert_type(nothing, Layer[tuple[()], tuple[()], Tensor, Tensor])
    assert_type(unit, Layer[tuple[()], tuple[()]])
    assert_type(
        serial(linear),
        Layer[tuple[Linear], tuple[Tensor]],
    )
    assert_type(
        serial(linear, relu),
        Layer[tuple[Linear, tuple[()]], tuple[Tensor, Tensor]],
    )
    assert_type(
        serial(linear, relu, dense(relu)),
        Layer[tuple[Linear, tuple[()], Linear], tuple[Tensor, Tensor, tuple[Tensor, Tensor]]],
    )
    assert_type(
        serial(linear, relu, dense(relu), sigmoid),
        Layer[tuple[Linear, tuple[()], Linear, tuple[()]], tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor]],
    )
    assert_type(
        serial(linear, relu, dense(relu), sigmoid, linear_bottom),
        Layer[tuple[Linear, tuple[()], Linear, tuple[()], Linear], tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor]],
    )
    assert_type(
        serial(linear, relu, dense(relu), sigmoid, linear_bottom, tanh),
        Layer[
            tuple[Linear, tuple[()], Linear, tuple[()], Linear, tuple[()]],
            tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor, Tensor],
        ],
    )
    assert_type(
        serial(linear, relu, dense(relu), sigmoid, linear_bottom, tanh, linear),
        Layer[
            tuple[Linear, tuple[()], Linear, tuple[()], Linear, tuple[()], Linear],
            tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor, Tensor, Tensor],
        ],
    )
    assert_type(
        serial(linear, relu, dense(relu), sigmoid, linear_bottom, tanh, linear, softmax),
        Layer[
            tuple[Linear, tuple[()], Linear, tuple[()], Linear, tuple[()], Linear, tuple[()]],
            tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor, Tensor, Tensor, Tensor, Tensor],
        ],
    )


def serial_of_a_list() -> None:
    assert_type(serial(*[linear] * 3), Layer[tuple[Linear, ...], tuple[Tensor, ...]])


def values(generator: Generator, x: Tensor) -> None:
    net = serial(linear, relu, linear)
    params = (linear_init(3, 2, generator), (), linear_init(2, 1, generator))
    y, cache = net.fwd(params, x)
    assert_type(y, Tensor)
    assert_type(cache, tuple[Tensor, Tensor, Tensor])
    dx, grads = net.bwd(params, cache, y)
    assert_type(dx, Tensor)
    assert_type(grads, tuple[Linear, tuple[()], Linear])
    assert_type(grads[0].weight, Tensor)


def nested() -> None:
    assert_type(
        serial(serial(linear, relu), linear),
        Layer[tuple[tuple[Linear, tuple[()]], Linear], tuple[tuple[Tensor, Tensor], Tensor]],
    )


def combinators(y: Tensor) -> None:
    assert_type(remat(serial(linear, relu)), Layer[tuple[Linear, tuple[()]], Tensor, Tensor, Tensor])
    assert_type(residual(linear), Layer[Linear, Tensor])
    assert_type(fan_sum(linear, unit), Layer[tuple[Linear, tuple[()]], tuple[Tensor, tuple[()]]])
    assert_type(parallel(linear, relu), Layer[tuple[Linear, tuple[()]], tuple[Tensor, Tensor, Tensor]])
    assert_type(ensemble(serial(linear, relu)), Layer[tuple[Linear, tuple[()]], tuple[Tensor, Tensor]])
    assert_type(dense(relu, linear_bottom), Layer[Linear, tuple[Tensor, Tensor]])
    assert_type(scored(mse, y), Layer[tuple[()], Tensor])


def ready_made(generator: Generator) -> None:
    net, params = mlp((64, 32, 10), generator)
    assert_type(net, MLP)
    assert_type(net, Layer[tuple[Linear, ...], tuple[tuple[Tensor, Tensor], ...], Tensor, Tensor])
    assert_type(params, tuple[Linear, ...])


def spaces(params: tuple[Linear, Linear], x: Pixels) -> None:
    encode, decode = tag(linear, Pixels, Hidden), tag(linear, Hidden, Pixels)
    assert_type(encode, Layer[Linear, Tensor, Pixels, Hidden])
    there_and_back = serial(encode, decode)
    assert_type(there_and_back, Layer[tuple[Linear, Linear], tuple[Tensor, Tensor], Pixels, Pixels])
    assert_type(there_and_back.fwd(params, x)[0], Pixels)


def layers_with_params_and_caches_of_their_own(seed: Tensor, statistics: tuple[Statistics, ...]) -> None:
    net = serial(embedding, rms_norm(), dropout(0.1), glu(silu), linear)
    assert_type(
        net,
        Layer[
            tuple[Embedding, RMSNorm, tuple[()], tuple[()], Linear],
            tuple[Tensor, tuple[Tensor, Tensor], Tensor, tuple[Tensor, Tensor, Tensor], Tensor],
        ],
    )
    params = (embedding_init(5, 4, Generator()), RMSNorm(seed), (), (), linear_init(2, 3, Generator()))
    y, cache = seeded(net, 1).fwd(params, seed)
    assert_type(net.bwd(params, cache, y)[1][0].weight, Tensor)
    assert_type(evaluated(serial(batch_norm()), statistics).fwd((BatchNorm(seed, seed),), seed)[0], Tensor)
    assert_type(running_statistics(cache, statistics), tuple[Statistics, ...])
