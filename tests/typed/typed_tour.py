"""A tour of the library as a script: all of it is checked, and nothing in it is an error."""

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp import (
    Linear,
    Plan,
    adam,
    bce_with_logits,
    chain,
    clip_by_global_norm,
    cosine,
    ensemble,
    fit,
    fold,
    linear,
    linear_bottom,
    linear_init,
    mlp,
    mse,
    relu,
    remat,
    residual,
    serial,
    sgd,
    sigmoid,
    tanh,
    training_step,
    tree_map,
    value_and_grad,
)

g = Generator().manual_seed(0)
net = serial(linear_bottom, relu, linear, sigmoid)
params = (linear_init(64, 32, g), (), linear_init(32, 10, g), ())
x, y = torch.rand(5, 64, generator=g), torch.rand(5, 10, generator=g)

y_hat, cache = net.fwd(params, x)
J, dy_hat = mse(y, y_hat)
_, grads = net.bwd(params, cache, dy_hat)
print(grads[0].weight.shape == params[0].weight.shape)

better = tree_map(lambda p, g: p - 0.5 * g, params, grads)
print(bool(mse(y, net.fwd(better, x)[0])[0] < J))

perceptron, weights = mlp((64, 32, 10), Generator().manual_seed(0), f=relu)
optimizer = chain(clip_by_global_norm(1.0), adam(cosine(1e-2, steps=60)))
step = training_step(perceptron, bce_with_logits, optimizer)
carry, history = fit(step, (weights, optimizer.init(weights)), (x, y.round()), epochs=20, batch=2, generator=g)
print(history[-1].loss < history[0].loss, history[-1].engine)

fixed = torch.randn(10, 32, generator=g)


def feedback(params: Linear, x: Tensor, dy: Tensor) -> tuple[Tensor, Linear]:
    return dy @ fixed, linear.bwd(params, x, dy)[1]


aligned = serial(linear_bottom, relu, attrs.evolve(linear, bwd=feedback))

block = remat(residual(serial(linear, tanh)))
a, b = (mlp((64, 32, 10), Generator().manual_seed(seed))[1] for seed in (0, 1))
both = tree_map(lambda p, q: torch.stack((p, q)), a, b)
print(ensemble(perceptron).fwd(both, torch.stack((x, x)))[0].shape)
each = torch.func.vmap(value_and_grad(perceptron, mse), in_dims=(None, 0, 0))
print(each(weights, x.unsqueeze(1), y.unsqueeze(1))[1][0].weight.shape)

data = [(x, y)] * 10
descend, start = training_step(perceptron, mse, sgd(0.1)), (weights, sgd(0.1).init(weights))
after, losses = fold(descend)(start, data)
print(bool(losses[-1] < losses[0]), torch.equal(start[0][0].weight, weights[0].weight))
print(Plan(descend, start, data[0]).source)
