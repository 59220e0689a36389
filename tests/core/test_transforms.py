"""Every layer, every loss and the whole step under the transforms and compilers of torch: the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from loss_table import LOSSES, LossRow
from tables import IN, LAYERS, Row
from torch import Generator, Tensor
from torch.func import functional_call, hessian, jacfwd, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.functional import mse_loss
from tracing import traces_records

import pure_mlp as pm
from pure_mlp import tree_leaves, tree_like, tree_map

# torch's own rules for forward derivatives are compiled by what torch has deprecated
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

F64 = torch.float64
NAMES = [row.name for row in LAYERS]
LOSS_NAMES = [row.name for row in LOSSES]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    torch.compiler.reset()


def passes(row: Row) -> Callable[..., Any]:
    """y and what `bwd` returns, as one function of params, x and dy; no dx where there is none."""

    def both(params: Any, x: Tensor, dy: Tensor) -> Any:
        y, cache = row.layer.fwd(params, x)
        dx, grads = row.layer.bwd(params, cache, dy)
        return (y, dx, grads) if row.has_dx else (y, grads)

    return both


def close(a: object, b: object, *, atol: float = 1e-14, rtol: float = 1e-13) -> None:
    torch.testing.assert_close(tree_leaves(a), tree_leaves(b), atol=atol, rtol=rtol)


def reference(row: Row) -> Callable[..., Any]:
    """The same by torch's functions and its tape."""

    def both(params: Any, x: Tensor, dy: Tensor) -> Any:
        f = row.reference or row.layer.fwd
        moving = (params, x) if row.has_dx else (params,)
        pulled: Any = torch.func.vjp(lambda p, x=x: f(p, x), *moving)
        y, pull = pulled
        grads, *dx = pull(dy)
        return (y, *dx, grads)

    return both


def moved(*trees: Any) -> Any:
    """Tangents of trees."""
    return tree_map(lambda t: torch.cos(3 * t + 1), trees)


def pushed(f: Callable[..., Any], params: Any, x: Tensor, dy: Tensor) -> Any:
    """f and its tangent; whole numbers do not move."""
    if x.is_floating_point():
        return jvp(f, (params, x, dy), moved(params, x, dy))
    return jvp(lambda p, u: f(p, x, u), (params, dy), moved(params, dy))


@pytest.mark.parametrize("row", LAYERS, ids=NAMES)
@pytest.mark.parametrize("shape", [(5, IN), (2, 3, IN)])
def test_jvp_of_both_passes(row: Row, shape: tuple[int, ...]) -> None:
    given = row.draw(shape)
    ours, theirs = (pushed(f, *given) for f in (passes(row), reference(row)))
    close(ours, theirs, atol=1e-13)


@pytest.mark.parametrize("row", LAYERS, ids=NAMES)
def test_vmap_and_vmap_of_jvp(row: Row) -> None:
    """Over params, x and dy together; each member alone gives the same."""
    members = [row.draw((5, IN), seed=seed) for seed in range(3)]
    stacked = tree_map(lambda a, b, c: torch.stack((a, b, c)), *members)

    def tangent(*given: Any) -> Any:
        return pushed(passes(row), *given)

    for f in (passes(row), tangent):
        together = tree_leaves(vmap(f)(*stacked))
        for i, one in enumerate(members):
            close([t[i] for t in together], tree_leaves(f(*one)))


@traces_records
@pytest.mark.parametrize("row", LAYERS, ids=NAMES)
@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_make_fx_of_layers(row: Row, mode: Any) -> None:
    given, other = row.draw((5, IN)), row.draw((5, IN), seed=1)
    close(make_fx(passes(row), tracing_mode=mode)(*given)(*other), passes(row)(*other))


@traces_records
@pytest.mark.parametrize("row", LAYERS, ids=NAMES)
def test_compiled_layers_and_their_jvp(row: Row) -> None:
    def tangent(*given: Any) -> Any:
        return pushed(passes(row), *given)

    for f in (passes(row), tangent):
        close(torch.compile(f, fullgraph=True, backend="aot_eager")(*row.draw((5, IN))), f(*row.draw((5, IN))))


@traces_records
def test_every_layer_in_a_compiled_step() -> None:
    """The step of a net of each, all in one graph; exact to the plain calls. One row a kind of layer."""
    rows = [*{row.name.split("(")[0]: row for row in LAYERS}.values()]
    optimizer, given, g = pm.sgd(0.1), [row.draw((5, IN)) for row in rows], Generator().manual_seed(0)
    under = [row.has_dx for row in rows]  # a linear layer below, so that every step has params
    nets: list[Any] = [pm.serial(*[pm.linear_bottom] * count, row.layer) for count, row in zip(under, rows)]
    params: list[Any] = [(*[pm.linear_init(x.shape[-1], x.shape[-1], g, F64)] * n, p) for n, (p, x, _) in zip(under, given)]
    steps = [pm.training_step(net, pm.mse, optimizer) for net in nets]
    carries, batches = [(p, optimizer.init(p)) for p in params], [(x, y) for _, x, y in given]

    def every(carries: Any, batches: Any) -> Any:
        return [step(carry, batch) for step, carry, batch in zip(steps, carries, batches)]

    compiled = torch.compile(every, fullgraph=True, backend="aot_eager")(carries, batches)
    for row, ours, plain in zip(rows, compiled, every(carries, batches), strict=True):
        try:
            close(ours, plain)
        except AssertionError as error:
            raise AssertionError(f"{row.name}: {error}") from error


def in_y_hat(row: LossRow, y: Tensor, reduction: Any) -> Callable[..., Any]:
    return lambda y_hat: row.loss(y, y_hat, reduction)


@pytest.mark.parametrize("row", LOSSES, ids=LOSS_NAMES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(row: LossRow, reduction: Any) -> None:
    """jvp and grad against the reference's derivatives; vmap, vmap of jvp, make_fx and the compiler against the plain call."""
    y, y_hat = row.draw((5, IN))
    f, v = in_y_hat(row, y, reduction), torch.cos(y_hat)
    close(jvp(f, (y_hat,), (v,))[0], f(y_hat))
    dJ = jvp(lambda t: row.expected(y, t, reduction), (y_hat,), (v,))[1]
    grad = torch.func.grad(lambda t: row.expected(y, t, reduction).sum())
    slope = torch.func.grad(lambda t: (grad(t) * v).sum())(y_hat)  # torch itself cannot push forward through its own mse
    close(jvp(f, (y_hat,), (v,))[1], (dJ, slope), atol=1e-13, rtol=1e-10)  # bce's slope cancels where it is steep
    close(torch.func.grad(lambda t: f(t)[0].sum())(y_hat), f(y_hat)[1], atol=1e-13, rtol=1e-10)

    def tangent(t: Tensor) -> Any:
        return jvp(f, (t,), (torch.cos(t),))

    shifted = [y_hat, 0.75 * y_hat + 0.125]
    for g in (f, tangent):
        for i, one in enumerate(shifted):
            close([t[i] for t in tree_leaves(vmap(g)(torch.stack(shifted)))], tree_leaves(g(one)))
        if reduction == "mean":
            close(torch.compile(g, fullgraph=True, backend="aot_eager")(y_hat), g(y_hat))
    for mode in ("real", "fake", "symbolic"):
        traced = make_fx(lambda y, y_hat: row.loss(y, y_hat, reduction), tracing_mode=mode, _allow_non_fake_inputs=True)(y, y_hat)
        close(traced(y, shifted[1]), f(shifted[1]))


def perceptron(f: pm.Activation = pm.relu) -> tuple[pm.MLP, Any, Tensor, Tensor]:
    net, params = pm.mlp((3, 6, 4, 2), Generator().manual_seed(0), f, dtype=F64)
    g = Generator().manual_seed(1)
    return net, params, torch.randn(7, 3, generator=g, dtype=F64), torch.randn(7, 2, generator=g, dtype=F64)


def dense_hessian(params: Any, x: Tensor, y: Tensor) -> Tensor:
    """That of the mean squared error of the same net in torch.nn, in the flat params."""
    layers = [m for p in params for m in (torch.nn.Linear(p.weight.shape[1], p.weight.shape[0], dtype=F64), torch.nn.ReLU())][:-1]
    module, flat = torch.nn.Sequential(*layers), torch.cat([t.flatten() for t in tree_leaves(params)])
    shapes = {name: p.shape for name, p in module.named_parameters()}

    def J(flat: Tensor) -> Tensor:
        pieces = torch.split(flat, [s.numel() for s in shapes.values()])
        found: Tensor = mse_loss(functional_call(module, {n: p.view(s) for (n, s), p in zip(shapes.items(), pieces)}, (x,)), y)
        return found

    H: Tensor = hessian(J)(flat)
    return H


@traces_records
def test_hessian_vector_products_are_those_of_the_dense_hessian() -> None:
    """Forward over our backward pass, alone, in batches by vmap, and compiled."""
    net, params, x, y = perceptron()
    f, v = pm.value_and_grad(net, pm.mse), moved(params)[0]
    H = dense_hessian(params, x, y)

    def flat(tree: Any) -> Tensor:
        return torch.cat([t.flatten() for t in tree_leaves(tree)])

    def product(params: Any, v: Any) -> Any:
        return jvp(lambda p: f(p, x, y)[1], (params,), (v,))[1]

    close(flat(product(params, v)), H @ flat(v))
    several = tree_map(lambda t: torch.stack((t, t.cos(), t.exp())), v)
    together = vmap(product, in_dims=(None, 0))(params, several)
    for i in range(3):
        one, got = (tree_like(tree, [t[i] for t in tree_leaves(tree)]) for tree in (several, together))
        close(flat(got), H @ flat(one))
    close(torch.compile(product, fullgraph=True, backend="aot_eager")(params, v), product(params, v))


def along(params: Any, v: Any, h: float) -> Any:
    return tree_map(lambda p, t: p + h * t, params, v)


def test_the_jacobian_of_a_net_with_a_fused_layer() -> None:
    net, params, x, _ = perceptron()
    layer, p = pm.dense(pm.relu), params[0]
    J = jacfwd(lambda t: layer.fwd(p, t)[0])(x[:1])[0, :, 0]
    cache = layer.fwd(p, x[:1])[1]
    rows = [layer.bwd(p, cache, row.unsqueeze(0))[0] for row in torch.eye(6, dtype=F64)]
    close(J, torch.cat(rows))
    v, h = moved(params)[0], 1e-6
    pushed: Any = jvp(lambda p: net.fwd(p, x)[0], (params,), (v,))
    y, dy = pushed
    up, down = (net.fwd(along(params, v, s), x)[0] for s in (h, -h))
    torch.testing.assert_close(dy, (up - down) / (2 * h), atol=1e-8, rtol=1e-7)
    assert torch.equal(y, net.fwd(params, x)[0])


@traces_records
@pytest.mark.parametrize("name", ["sgd", "adam", "clipped"])
def test_the_whole_step(name: str) -> None:
    """Traced, compiled, and its directional derivative against differences."""
    optimizer = {"sgd": pm.sgd(0.1, 0.9), "adam": pm.adam(0.1), "clipped": pm.chain(pm.clip_by_global_norm(0.1), pm.sgd(0.1))}[name]
    net, params, x, y = perceptron(pm.tanh)  # a unit of relu that is off has slope 0, at which Adam's root has none
    step = pm.training_step(net, pm.mse, optimizer)
    carry, _ = step((params, optimizer.init(params)), (x, y))
    for mode in ("real", "fake"):
        close(make_fx(step, tracing_mode=mode)(carry, (x, y))(carry, (x, 2 * y)), step(carry, (x, 2 * y)), atol=1e-12)
    close(torch.compile(step, fullgraph=True, backend="aot_eager")(carry, (x, y)), step(carry, (x, y)), atol=1e-12)

    def J_after(params: Any) -> Tensor:
        return pm.mse(y, net.fwd(step((params, carry[1]), (x, y))[0][0], x)[0])[0]

    v, h = moved(carry[0])[0], 1e-6
    up, down = (J_after(along(carry[0], v, s)) for s in (h, -h))
    torch.testing.assert_close(jvp(J_after, (carry[0],), (v,))[1], (up - down) / (2 * h), atol=1e-8, rtol=1e-6)
