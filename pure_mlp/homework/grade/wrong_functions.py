"""What a mistake computes in the place of an activation, its slope, dJ/dy_hat or y_hat, by the name of the mistake."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SIGMOID_SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "from output": lambda z, a: torch.sigmoid(a) * (1 - torch.sigmoid(a)),
    "from input": lambda z, a: z * (1 - z),
    "mixed": lambda z, a: a * (1 - z),
    "overflows": lambda z, a: (-z).exp() / (1 + (-z).exp()) ** 2,
    "overflows above": lambda z, a: z.exp() / (1 + z.exp()) ** 2,
    "0 for sigmoid": lambda z, a: torch.zeros_like(a),
    "negative": lambda z, a: a * (a - 1),
    "1 for sigmoid": lambda z, a: torch.ones_like(a),
    "of tanh": lambda z, a: 1 - a * a,
    "of tanh at z": lambda z, a: 1 - torch.tanh(z) ** 2,
    "a alone": lambda z, a: a,
    "1 - a alone": lambda z, a: 1 - a,
    "a squared": lambda z, a: a * a,
    "a (1 + a)": lambda z, a: a * (1 + a),
    "exponential": lambda z, a: (-z).exp(),
}
"""In the place of the slope of sigmoid, of z and a."""

RELU_SLOPES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "1 for relu": lambda z, a, dJda: torch.ones_like(z),
    "inverted": lambda z, a, dJda: (z <= 0).to(z.dtype),
    "below 0": lambda z, a, dJda: (z < 0).to(z.dtype),
    "of sigmoid": lambda z, a, dJda: torch.sigmoid(z) * (1 - torch.sigmoid(z)),
    "a (1 - a) for relu": lambda z, a, dJda: a * (1 - a),
    "of cotangent": lambda z, a, dJda: (dJda > 0).to(z.dtype),
    "leaky": lambda z, a, dJda: torch.where(z > 0, torch.ones_like(z), torch.full_like(z, 0.01)),
    "value": lambda z, a, dJda: torch.relu(z),
    "sign": lambda z, a, dJda: z.sign(),
    "0/0 at 0": lambda z, a, dJda: torch.relu(z) / z,
    "1/2 at 0": lambda z, a, dJda: 0.5 * ((z > 0).to(z.dtype) + (z >= 0).to(z.dtype)),
    "1 at 0": lambda z, a, dJda: (z >= 0).to(z.dtype),
}
"""In the place of the slope of relu, of z, a and dJ/da."""

RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "leaky relu": lambda z: torch.where(z > 0, z, 0.01 * z),
    "softplus": torch.nn.functional.softplus,
    "absolute value": torch.abs,
    "gelu": torch.nn.functional.gelu,
    "elu": torch.nn.functional.elu,
    "min(0, z)": lambda z: z.clamp(max=0),
}
"""In the place of relu."""

SIGMOIDS: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda z: torch.softmax(z, 1),
    "exp(z) / (1 + exp(z))": lambda z: z.exp() / (1 + z.exp()),
    "1 / 1 + exp(-z)": lambda z: 1 + (-z).exp(),
    "log sigmoid": torch.nn.functional.logsigmoid,
    "sigmoid of -z": lambda z: torch.sigmoid(-z),
    "tanh": torch.tanh,
}
"""In the place of sigmoid."""

UPSTREAM: dict[str, Callable[[Tensor], Tensor]] = {
    "last example": lambda dJ: torch.cat((torch.zeros_like(dJ[:-1]), dJ[-1:])),
    "first example": lambda dJ: torch.cat((dJ[:1], torch.zeros_like(dJ[1:]))),
    "last example left out": lambda dJ: torch.cat((dJ[:-1], torch.zeros_like(dJ[-1:]))),
    "first example left out": lambda dJ: torch.cat((torch.zeros_like(dJ[:1]), dJ[1:])),
    "ones for dJ": torch.ones_like,
    "batch summed first": lambda dJ: dJ.sum(0).expand_as(dJ),
    "batch averaged first": lambda dJ: dJ.mean(0).expand_as(dJ),
}
"""What dJ/dy_hat is taken for."""

ON_TOP: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid on top": torch.sigmoid,
    "softmax on top": lambda y: torch.softmax(y, 1),
    "rounded": torch.round,
    "thresholded": lambda y: (y > 0.5).to(y.dtype),
    "last row missing": lambda y: torch.cat((y[:-1], torch.zeros_like(y[-1:]))),
}
"""What is done to y_hat besides, in this order."""
