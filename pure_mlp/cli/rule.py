"""The rule by which a net of `train` computes its cotangents dx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Generator

from pure_mlp.cli.model import Params, net_like, net_of, tables_of, widths_of
from pure_mlp.cli.setup import Setup
from pure_mlp.combinators.embed_columns import embed_columns_init
from pure_mlp.layer import Layer, Rule, over
from pure_mlp.layers.embedding import embedding_fwd
from pure_mlp.layers.inits import linear_init
from pure_mlp.layers.linear import linear_fwd
from pure_mlp.quantities.credit import (
    direct_feedback_alignment,
    feedback_alignment,
    kolen_pollack,
    sign_symmetric,
    straight_through,
)

DECAY = 1e-2
"""The weight decay of Kolen-Pollack."""


def ruled(setup: Setup) -> Layer[Any, Any]:  # Any: of params, or of a pair of them
    """The net under the rule of the setup, its feedback drawn by the seed: the same whenever a run goes on.

    >>> from pure_mlp.cli.model import example
    >>> ruled(example().setup)
    serial
      dense_relu
        linear
        relu
      dense_identity
        linear
        identity
    """
    return _RULES[setup.rule](setup, net_like(setup))


def _feedback(setup: Setup) -> Params:
    return net_of(setup, _generator(setup))[1]


def _direct(setup: Setup) -> Params:
    generator, tables = _generator(setup), tables_of(setup)
    layers = tuple(linear_init(n, setup.sizes[-1], generator) for n in widths_of(setup)[:-1])
    return (embed_columns_init(tables), *layers) if tables else layers


def _generator(setup: Setup) -> Generator:
    """Another generator than that of the params: the feedback would equal the params otherwise."""
    return Generator().manual_seed(setup.seed + 1)


def _straight(layer: Layer[Any, Any]) -> Layer[Any, Any]:
    return layer if layer.fwd in (linear_fwd, embedding_fwd) else straight_through(layer)


_RULES: dict[str, Callable[[Setup, Layer[Any, Any]], Layer[Any, Any]]] = {
    "backprop": lambda setup, net: net,
    "fa": lambda setup, net: feedback_alignment(net, _feedback(setup)),
    "dfa": lambda setup, net: direct_feedback_alignment(net, _direct(setup)),
    "sign": lambda setup, net: sign_symmetric(net, _feedback(setup)),
    "kp": lambda setup, net: kolen_pollack(net, DECAY),
    "straight": lambda setup, net: over(cast(Rule, _straight), net),
}


def begun(setup: Setup, params: Params) -> Any:
    """What is trained from the start: the params, or for Kolen-Pollack their pair with the feedback, which learns too.

    >>> from pure_mlp.cli.model import example
    >>> begun(example().setup, example().params) is example().params
    False
    """
    return (params, _feedback(setup)) if setup.rule == "kp" else params


def own_params(setup: Setup, trained: Any) -> Params:
    """The params of what is trained.

    >>> from pure_mlp.cli.model import example
    >>> own_params(example().setup, ())
    ()
    """
    params: Params = trained[0] if setup.rule == "kp" else trained
    return params
