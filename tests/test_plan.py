"""A plan is the pure step: the same values, no memory of its own by the step, no alias with anybody's tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor
from torch.profiler import ProfilerActivity, profile

import pure_mlp as pm
from pure_mlp.plan.fold import fold
from pure_mlp.plan.graph import Unplannable
from pure_mlp.plan.host import HOST
from pure_mlp.plan.plan import Plan, plan
from pure_mlp.record import tree_leaves, tree_map

F64 = torch.float64
Batches = list[tuple[Tensor, Tensor]]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=F64)


def pieces(n_in: int, n_out: int, sizes: tuple[int, ...] = (10, 10, 10, 10)) -> Batches:
    return [(draw(n, n_in, seed=i), draw(n, n_out, seed=100 + i)) for i, n in enumerate(sizes)]


def pure(step: Callable[..., Any], carry: Any, batches: Batches) -> tuple[Any, Tensor]:
    losses = []
    for batch in batches:
        carry, loss = step(carry, batch)
        losses.append(loss)
    return carry, torch.stack(losses)


def same(step: Callable[..., Any], carry: Any, batches: Batches, *, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    """The fold by a plan gives the carry and the losses of the fold of pure steps, and the carry given is as it was."""
    kept = tree_map(torch.clone, carry)
    expected, losses = pure(step, carry, batches)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got, planned_losses = fold(step)(carry, batches)
    for mine, theirs in zip([*tree_leaves(got), planned_losses], [*tree_leaves(expected), losses], strict=True):
        assert mine.dtype == theirs.dtype
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol)
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(carry), tree_leaves(kept)))


def training(net: Any, params: Any, loss: Any, optimizer: Any) -> tuple[Callable[..., Any], Any]:
    return pm.training_step(net, loss, optimizer), (params, optimizer.init(params))


def deep(layers: int, optimizer: Any, width: int = 6) -> tuple[Callable[..., Any], Any]:
    net, params = pm.mlp((width,) * (layers + 1), Generator().manual_seed(0), dtype=F64)
    return training(net, params, pm.mse, optimizer)


OPTIMIZERS = {
    "sgd": pm.sgd(0.1),
    "sgd at rate 0": pm.sgd(0.0),
    "weight decay": pm.sgd(0.1, weight_decay=0.01),
    "momentum": pm.sgd(0.1, momentum=0.9),
    "nesterov": pm.sgd(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": pm.adam(1e-2),
    "adam with decay": pm.adam(1e-2, weight_decay=0.1),
    "adamw": pm.adamw(1e-2),
    "rmsprop": pm.rmsprop(1e-2, momentum=0.5),
    "cosine": pm.sgd(pm.cosine(0.1, 3)),
    "warmup, momentum": pm.sgd(pm.warmup(pm.constant(0.1), 3), momentum=0.9),
    "step decay": pm.sgd(pm.step_decay(0.1, 2, 0.5)),
    "constant": pm.sgd(pm.constant(0.1)),
    "adam by schedule": pm.adam(pm.cosine(1e-2, 3)),
    "clipped norm": pm.chain(pm.clip_by_global_norm(0.1), pm.sgd(0.1)),
    "clipped values": pm.chain(pm.clip_by_value(0.01), pm.adam(1e-2)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers(optimizer: Any) -> None:
    same(*deep(3, optimizer), pieces(6, 6))


LOSSES = {
    "mse": pm.mse,
    "mse, sum": lambda y, z: pm.mse(y, z, "sum"),
    "mse, batchmean": lambda y, z: pm.mse(y, z, "batchmean"),
    "squared norm": pm.squared_norm,
    "bce": lambda y, z: pm.bce(torch.sigmoid(y), torch.sigmoid(z)),
    "bce with logits": lambda y, z: pm.bce_with_logits(torch.sigmoid(y), z),
    "cross entropy": lambda y, z: pm.cross_entropy(torch.softmax(y, -1), z),
    "cross entropy of indices": lambda y, z: pm.cross_entropy(y.argmax(-1), z),
    "smoothed": lambda y, z: pm.cross_entropy(y.argmax(-1), z, "sum", label_smoothing=0.1),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses(loss: Any) -> None:
    net, params = pm.mlp((6, 7, 5), Generator().manual_seed(0), dtype=F64)
    same(*training(net, params, loss, pm.sgd(0.01)), pieces(6, 5))


def affine(n_in: int, n_out: int, seed: int = 0) -> pm.Linear:
    return pm.linear_init(n_in, n_out, Generator().manual_seed(seed), F64)


ACTIVATIONS: dict[str, Any] = {"tanh": pm.tanh, "softplus": pm.softplus(), "gelu": pm.gelu, "silu": pm.silu, "softmax": pm.softmax}
NETS: dict[str, tuple[Any, Any]] = {
    "linear": (pm.linear, affine(6, 6)),
    "serial": (pm.serial(pm.linear, pm.relu, pm.linear, pm.sigmoid), (affine(6, 7), (), affine(7, 6), ())),
    "residual": (pm.serial(pm.linear, pm.residual(pm.linear)), (affine(6, 6), ((), affine(6, 6, 1)))),
    "parallel": (pm.parallel(pm.linear, pm.linear), (affine(6, 2), affine(6, 4, 1))),
    "remat": (pm.remat(pm.serial(pm.linear, pm.tanh, pm.linear)), (affine(6, 7), (), affine(7, 6))),
    "leaky": (pm.serial(pm.linear, pm.leaky_relu(0.1)), (affine(6, 6), ())),
    **{
        name: (pm.serial(pm.linear, layer, pm.linear), (affine(6, 7), (), affine(7, 6)))
        for name, layer in ACTIVATIONS.items()
    },
}


@pytest.mark.parametrize(("net", "params"), NETS.values(), ids=NETS)
def test_nets(net: Any, params: Any) -> None:
    same(*training(net, params, pm.mse, pm.sgd(0.1)), pieces(6, 6))


def test_an_ensemble() -> None:
    params = tree_map(lambda *ps: torch.stack(ps), affine(6, 5), affine(6, 5, 1))
    batches = [(draw(2, 10, 6, seed=i), draw(2, 10, 5, seed=50 + i)) for i in range(3)]
    same(*training(pm.ensemble(pm.linear), params, pm.mse, pm.adam(0.01)), batches)


def test_three_dimensions_and_other_strides() -> None:
    batches = [(draw(6, 4, 3, seed=i).transpose(0, 2), draw(3, 4, 5, seed=9 + i)) for i in range(3)]
    same(*training(pm.linear, affine(6, 5), pm.mse, pm.sgd(0.1)), batches)


def test_strides_that_change() -> None:
    batches = [(draw(3, 4, 6, seed=i), draw(3, 4, 5, seed=9 + i)) for i in range(2)]
    batches += [(draw(6, 4, 3, seed=i).transpose(0, 2), draw(3, 4, 5, seed=9 + i)) for i in range(2)]
    same(*training(pm.linear, affine(6, 5), pm.mse, pm.sgd(0.1)), batches)


def test_depth_64() -> None:
    same(*deep(64, pm.adam(1e-3)), pieces(6, 6))


@pytest.mark.parametrize("optimizer", [pm.sgd(0.1), pm.adam(1e-2)], ids=["sgd", "adam"])
def test_short_last_batch_and_back(optimizer: Any) -> None:
    same(*deep(2, optimizer), pieces(6, 6, (10, 10, 3, 10, 1, 3)))


def test_a_tensor_twice_in_a_batch_is_two_inputs() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    x = draw(10, 6)
    same(step, carry, [(x, x), *pieces(6, 6)])


def test_width_one_and_batch_one() -> None:
    net, params = pm.mlp((3, 1, 4, 1), Generator().manual_seed(0), dtype=F64)
    same(*training(net, params, pm.mse, pm.adam(0.01)), pieces(3, 1, (1, 1, 5, 5)))


def test_captured_tensors_are_read_at_each_step() -> None:
    rate, w = torch.tensor(0.1, dtype=F64), draw(6)
    planned = plan(lambda w, x: (w - rate * x, (w * x).sum()), w, w)
    planned.step(w)
    rate.fill_(0.5)
    planned.step(w)
    torch.testing.assert_close(planned.carry(), 0.4 * w)


def test_dtype_and_strides_have_their_own_program() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    planned, (x, y) = plan(step, carry, pieces(6, 6)[0]), pieces(6, 6)[1]
    wide = torch.stack((x, x), -1)[..., 0]
    with pytest.raises(ValueError, match="float32"):
        planned.step((x.float(), y))
    assert planned.step((x, y)) == pytest.approx(step(carry, (x, y))[1].item(), rel=1e-12)
    again = plan(step, carry, pieces(6, 6)[0])
    assert again.step((wide, y)) == pytest.approx(step(carry, (x, y))[1].item(), rel=1e-12)


Carry = Any
PURE: dict[str, tuple[Callable[[Carry, Any], Any], Carry]] = {
    "swap": (lambda c, b: ((c[1], c[0]), b[0].sum()), (draw(6, 6), draw(6, 6, seed=1))),
    "swap and update": (lambda c, b: ((c[1] + 1, c[0] * 2), (c[0] * c[1]).sum()), (draw(3), draw(3, seed=1))),
    "duplicate": (lambda c, b: ((s := c[0] + c[1], s), b[0].sum()), (draw(6), draw(6, seed=1))),
    "the batch": (lambda c, b: (b[0], b[1].sum()), draw(10, 6)),
    "a view": (lambda c, b: (c.t(), c.sum()), draw(4, 4)),
    "with its transpose": (lambda c, b: ((c + c.t()) / 2, c.sum()), draw(4, 4)),
    "its square": (lambda c, b: (c + 0.1 * (c @ c), c.sum()), draw(4, 4)),
    "a view of the new": (lambda c, b: ((c * 2).t(), c.sum()), draw(4, 4)),
    "the carry as loss": (lambda c, b: (c + b[0].sum(), c), torch.tensor(0.5, dtype=F64)),
    "unchanged": (lambda c, b: (c, (c * b[0]).sum()), draw(6)),
    "several outputs": (lambda c, b: (c + b[0].max(0).values.sort().values, torch.var_mean(b[0])[0]), draw(6)),
    "counts alone": (lambda c, b: (1 / (c + 1), b[0].sum() * c), torch.tensor(0.5, dtype=F64)),
    "a count from a tensor": (lambda c, b: ((c + 1) * b[0].mean(), b[0].sum()), torch.zeros((), dtype=F64)),
    "integers": (lambda c, b: (c + (b[0] > 0).sum(0), b[0].sum()), torch.zeros(6, dtype=torch.int64)),
    "float32 inside": (lambda c, b: (c + (b[0].float() * 2).sum(0).double(), b[0].sum()), draw(6)),
    "in place on its own": (lambda c, b: (c + torch.zeros(6, dtype=F64).add_(b[0].sum(0)).mul_(2), b[0].sum()), draw(6)),
    "same operand twice": (lambda c, b: (c * c + c, (b[0] * b[0]).mean()), draw(6)),
    "read after update": (lambda c, b: ((c[0] + 1, c[1] + c[0]), (c[0] + 1).sum()), (draw(6), draw(6, seed=1))),
    "no dimension and float32": (lambda c, b: (c * b[0].float().sum() + 1, c), torch.ones(())),
    "alpha of counts": (
        lambda c, b: ((torch.sub(c[0], c[1], alpha=3), c[1] + 1), c[0] * b[0].sum()),
        (draw(2).sum(), torch.ones((), dtype=F64)),
    ),
    "swap of counts": (lambda c, b: ((c[1], c[0] + 1), c[0] * b[0].sum()), (draw(2).sum(), torch.zeros((), dtype=F64))),
    "one gradient for two": (
        lambda c, b: (tuple((p * p + b[0].t() @ b[0]) * 0.1 for p in c), b[0].sum()),
        (draw(6, 6), draw(6, 6, seed=1)),
    ),
    "two alike, one transposed": (
        lambda c, b: (tuple((p * p + b[0].t() @ b[1] * i) * 0.1 for i, p in enumerate(c)), (c[0] @ c[1]).sum()),
        (draw(6, 6), draw(6, 6, seed=1).t(), draw(6, 6, seed=2)),
    ),
    "empty": (lambda c, b: (c, b[0].sum()), ()),
}


@pytest.mark.parametrize("name", PURE)
def test_any_pure_step(name: str) -> None:
    same(*PURE[name], pieces(6, 6), rtol=1e-5 if "float32" in name else 1e-9)


def test_random_draws_are_those_of_the_pure_step() -> None:
    def stepper(seed: int) -> Callable[..., Any]:
        generator = Generator().manual_seed(seed)

        def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            a = torch.rand(6, generator=generator, dtype=F64) < 0.5
            b = torch.rand(6, generator=generator, dtype=F64) < 0.5
            return w + a * 2.0 - b * 1.0, (w * a).sum()

        return step

    expected = pure(stepper(3), draw(6), pieces(6, 6))
    got = fold(stepper(3))(draw(6), pieces(6, 6))
    assert torch.equal(expected[0], got[0])
    assert torch.equal(expected[1], got[1])


def test_random_draws_keep_their_order() -> None:
    def stepper() -> Callable[..., Any]:
        generator = Generator().manual_seed(0)

        def step(w: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            new = (w * 0.9).clamp(0, 1)
            first = torch.bernoulli(new, generator=generator)
            return new, (first + w * torch.rand(6, generator=generator, dtype=F64)).sum()

        return step

    expected, got = pure(stepper(), draw(6), pieces(6, 6)), fold(stepper())(draw(6), pieces(6, 6))
    torch.testing.assert_close(expected[1], got[1])


def branch(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return (w + 1 if w.sum() > 0 else w), w.sum()


def item(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w * w.sum().item(), w.sum()


def in_place(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w.add_(1), w.sum()


def reseeded(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    return w + torch.rand(6, generator=Generator().manual_seed(0), dtype=F64), w.sum()


OURS = Generator()


def reseeded_again(w: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
    OURS.manual_seed(0)
    return w + torch.rand(6, generator=OURS, dtype=F64), w.sum()


REFUSED = [(branch, "branch"), (item, "item"), (in_place, "add_"), (reseeded, "generator"), (reseeded_again, "generator")]


@pytest.mark.parametrize(("step", "words"), REFUSED)
def test_what_cannot_be_planned_says_so(step: Any, words: str) -> None:
    with pytest.raises(Unplannable, match=words) as caught:
        plan(step, draw(6), pieces(6, 6)[0])
    assert words == "generator" or f"test_plan.py:{step.__code__.co_firstlineno + 1}: return" in str(caught.value)


@pytest.mark.parametrize("step", [branch, item, reseeded, reseeded_again])
def test_the_fold_falls_back_once_aloud(step: Any) -> None:
    folded = fold(step)
    with pytest.warns(RuntimeWarning, match="not planned") as warned:
        got, _ = [folded(draw(6), pieces(6, 6)) for _ in range(2)]
    expected = pure(step, draw(6), pieces(6, 6))
    assert len(warned) == 1
    assert torch.equal(got[0], expected[0])
    assert torch.equal(got[1], expected[1])


def test_a_structure_that_changes_is_refused() -> None:
    with pytest.raises(Unplannable, match="new carry"):
        plan(lambda w, b: (w[:3], w.sum()), draw(6), pieces(6, 6)[0])
    with pytest.raises(Unplannable, match="0-dim"):
        plan(lambda w, b: (w, w), draw(6), pieces(6, 6)[0])


def test_an_error_of_the_step_stays_what_it_is() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    with pytest.raises(ValueError, match="layer 0"):
        plan(step, carry, pieces(5, 6)[0])


def storages(tree: Any) -> set[int]:
    return {t.untyped_storage().data_ptr() for t in tree_leaves(tree)}


def test_records_alias_nothing_alive() -> None:
    step, carry = deep(2, pm.adam(0.1))
    planned = plan(step, carry, pieces(6, 6)[0])
    planned.step(pieces(6, 6)[0])
    first = planned.carry()
    kept = tree_map(torch.clone, first)
    planned.step(pieces(6, 6)[1])
    assert all(torch.equal(a, b) for a, b in zip(tree_leaves(first), tree_leaves(kept)))
    folded, _ = fold(step)(carry, pieces(6, 6))
    everything = [carry, first, planned.carry(), folded]
    assert len(set.union(*map(storages, everything))) == sum(len(tree_leaves(tree)) for tree in everything)
    nothing, losses = fold(step)(carry, [])
    assert storages(nothing).isdisjoint(storages(carry))
    assert losses.shape == (0,)


def test_planning_changes_neither_carry_nor_generators() -> None:
    generator = Generator().manual_seed(0)
    before = generator.get_state(), torch.get_rng_state()
    w = draw(6)
    plan(lambda w, b: (w + torch.rand(6, generator=generator), torch.rand(())), w, ())
    assert torch.equal(before[0], generator.get_state())
    assert torch.equal(before[1], torch.get_rng_state())
    assert torch.equal(w, draw(6))


def allocations(step: Callable[[], object]) -> int:
    """The allocations of a call, counted by the profiler."""
    step()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as prof:
        step()
    events = prof.profiler.kineto_results.events()
    return sum(event.name() == "[memory]" and event.nbytes() > 0 for event in events)


@pytest.mark.parametrize("optimizer", [pm.sgd(0.1), pm.sgd(0.1, momentum=0.9), pm.adam(1e-2)], ids=["sgd", "momentum", "adam"])
@pytest.mark.parametrize("layers", [2, 64])
def test_a_step_allocates_nothing(layers: int, optimizer: Any) -> None:
    step, carry = deep(layers, optimizer)
    batch = pieces(6, 6)[0]
    planned = plan(step, carry, batch)
    assert allocations(lambda: step(carry, batch)) > 5 * layers
    assert allocations(lambda: planned.step(batch)) == 0


def lines(planned: Plan[Any, Any]) -> list[str]:
    return [line.strip() for line in planned.source.splitlines()[1:] if "shape" not in line and "return" not in line]


def test_a_two_layer_step_is_eleven_operations() -> None:
    step, carry = deep(2, pm.sgd(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert len(program) == 11
    assert sum("mm" in line for line in program) == 5
    assert not any("=" in line.split("(")[0] for line in program)


def test_adam_updates_all_leaves_at_once() -> None:
    step, carry = deep(2, pm.adam(0.1))
    program = lines(plan(step, carry, pieces(6, 6)[0]))
    assert sum("=" not in line.split("(")[0] for line in program) == 17
    assert sum("flat" in line.split("(")[0] for line in program) == 4


def test_a_product_that_two_read_is_computed_once() -> None:
    planned = plan(lambda w, b: (0.5 * (w @ b), (w @ b).relu().sum()), draw(6, 6), draw(6, 6))
    assert sum("mm" in line for line in lines(planned)) == 1


def test_a_bottom_layer_that_computes_dx_is_pruned() -> None:
    net = pm.serial(pm.linear, pm.relu, pm.linear)
    step, carry = training(net, (affine(6, 6), (), affine(6, 6, 1)), pm.mse, pm.sgd(0.1))
    assert sum("mm" in line for line in lines(plan(step, carry, pieces(6, 6)[0]))) == 5


def test_remat_saves_memory_inside_a_plan() -> None:
    def bytes_of(wrap: Any) -> int:
        block = pm.serial(*[pm.dense(pm.tanh)] * 4)
        net = pm.serial(*[wrap(block)] * 4)
        params = tuple(tuple(affine(6, 6, 10 * i + j) for j in range(4)) for i in range(4))
        step, carry = training(net, params, pm.mse, pm.sgd(0.1))
        same(step, carry, pieces(6, 6))
        return sum(b.nbytes for b in plan(step, carry, pieces(6, 6)[0]).buffers)

    assert bytes_of(pm.remat) <= 0.6 * bytes_of(lambda block: block)


NUMBERS = [-2.0, -0.5, 0.0, 0.5, 1.0, 3.0, 710.0, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize("name", sorted(HOST))
def test_host_numbers_are_those_of_torch(name: str) -> None:
    two = name in ("add", "sub", "mul", "div", "pow", "minimum", "maximum")
    arguments = [(a, b) for a in NUMBERS for b in NUMBERS] if two else [(a,) for a in NUMBERS]
    for args in [(a, -1.0, 1.0) for a in NUMBERS] if name == "clamp" else arguments:
        given = (torch.tensor(args[0], dtype=F64), *args[1:]) if name == "clamp" else [torch.tensor(a, dtype=F64) for a in args]
        torch.testing.assert_close(HOST[name](*args), getattr(torch, name)(*given).item(), rtol=1e-15, atol=0.0, equal_nan=True)
