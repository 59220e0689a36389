"""What a step reads besides carry and batch: tensors that are changed, swapped or resized, numbers that are not what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from fuzz.loop import Case
from torch import Tensor, nn

import pure_mlp as pm
from pure_mlp.installed import has

from .engines import F64, agrees, draw, every, fast


def module(seed: int = 0) -> nn.Linear:
    made = nn.Linear(3, 3, dtype=F64).requires_grad_(False)
    made.weight.data = draw(3, 3, seed=seed)
    made.bias.data = draw(3, seed=seed)
    return made


def replaced(m: nn.Linear) -> None:
    m.weight = nn.Parameter(draw(3, 3, seed=8), requires_grad=False)


def loaded(m: nn.Linear) -> None:
    m.load_state_dict({"weight": draw(3, 3, seed=7), "bias": draw(3, seed=7)})


CHANGES: dict[str, Callable[[nn.Linear], object]] = {
    "in place": lambda m: m.weight.mul_(2),
    "data": lambda m: setattr(m.weight, "data", draw(3, 3, seed=9)),
    "data of other strides": lambda m: setattr(m.weight, "data", draw(3, 3, seed=9).t()),
    "its own data, transposed": lambda m: setattr(m.weight, "data", m.weight.data.t()),
    "strides in place": lambda m: m.weight.t_(),
    "storage": lambda m: m.weight.set_(draw(3, 3, seed=9)),  # type: ignore[call-overload]  # torch declares half of them
    "a view's storage": lambda m: m.weight.set_(draw(9, seed=9).untyped_storage(), 0, (3, 3), (1, 3)),
    "another parameter": replaced,
    "state dict": loaded,
    "dtype and back": lambda m: m.float().double(),
    "dtype": lambda m: m.float(),
    "data in place": lambda m: m.weight.data.add_(1),
    **({"numpy": lambda m: m.weight.numpy().__imul__(3)} if has("numpy") else {}),
    "a row": lambda m: m.weight[1].zero_(),
    "bias": lambda m: m.bias.fill_(3.0),
    "nothing": lambda m: None,
}


def uses(m: nn.Linear) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        y = (x.to(m.weight.dtype) @ m.weight.t() + m.bias).to(F64)
        return w + 0.1 * y.sum(0), y.square().sum()

    return step


@every
@pytest.mark.parametrize("change", CHANGES)
def test_a_captured_module_changes_between_folds(change: str, engine: pm.Engine) -> None:
    """The function that `fold` returned is kept: what it captured is not."""

    def make() -> Case:
        m = module()
        return Case(
            uses(m), draw(3), [draw(n, 3, seed=n) for n in (4, 4, 2)], lambda: [m.weight, m.bias], lambda: CHANGES[change](m)
        )

    agrees(make, engine)


@every
@pytest.mark.parametrize("change", [change for change in CHANGES if change != "another parameter"])
def test_a_captured_module_changes_between_batches(change: str, engine: pm.Engine) -> None:
    """Whoever draws the batches may change it: what a batch meets is what was there when it came.

    Which tensors a step captures is read once a fold: a parameter that another one takes the place of is seen by the next.
    """

    def make() -> Case:
        m = module()

        def supply() -> Iterator[Tensor]:
            for seed in range(4):
                yield draw(4, 3, seed=seed)
                if seed == 1:
                    CHANGES[change](m)

        return Case(uses(m), draw(3), supply, lambda: [m.weight, m.bias])

    agrees(make, engine, rtol=1e-6 if change == "dtype" else 1e-9)


@every
def test_a_captured_tensor_grows(engine: pm.Engine) -> None:
    def make() -> Case:
        seen = draw(4)
        case = Case(lambda w, x: (w + seen.sum() * x, seen.mean()), draw(3), [draw(3, seed=1)] * 2, lambda: seen)
        return case._replace(between=lambda: seen.resize_(6).copy_(draw(6)))

    agrees(make, engine)


@every
def test_a_captured_tensor_is_the_carry_or_the_batch(engine: pm.Engine) -> None:
    def make() -> Case:
        w, x = draw(3), draw(3, seed=1)
        return Case(lambda c, b: (c + w * b + x, (c * w).sum()), w, [x, draw(3, seed=2), x], between=lambda: (w.mul_(2), x.add_(1)))

    agrees(make, engine)


@every
def test_a_captured_tensor_that_the_step_advances(engine: pm.Engine) -> None:
    """Not pure, as batch norm's running mean is not: the loop's, or refused."""

    def make() -> Case:
        mean = torch.zeros(3, dtype=F64)

        def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            mean.lerp_(x.mean(0), 0.1)
            return w + mean, (x - mean).square().sum()

        return Case(step, draw(3), [draw(4, 3, seed=s) for s in range(4)], lambda: mean)

    agrees(make, engine)


@every
def test_a_module_in_training_mode(engine: pm.Engine) -> None:
    def make() -> Case:
        norm = nn.BatchNorm1d(3, dtype=F64).requires_grad_(False)
        state = [norm.running_mean, norm.running_var, norm.num_batches_tracked]
        return Case(
            lambda w, x: (w + norm(x).relu().sum(0), w.sum()), draw(3), [draw(4, 3, seed=s) for s in range(4)], lambda: state
        )

    agrees(make, engine)


@fast
def test_params_that_require_grad_in_a_captured_module(engine: pm.Engine) -> None:
    def make() -> Case:
        m = module().requires_grad_(True)
        return Case(uses(m), draw(3), [draw(4, 3, seed=s) for s in range(3)], lambda: [m.weight.grad is None])

    agrees(make, engine)


NUMBERS: dict[str, Callable[[Any], object]] = {
    "a number": lambda held: held.__setitem__("rate", 0.5),
    "a tensor for a number": lambda held: held.__setitem__("rate", torch.tensor(0.5, dtype=F64)),
    "a shape": lambda held: held.__setitem__("rows", 1),
    "a function": lambda held: held.__setitem__("f", torch.tanh),
}


@every
@pytest.mark.parametrize("change", NUMBERS)
def test_a_number_that_the_caller_changes_between_folds(change: str, engine: pm.Engine) -> None:
    """A rate in a dict, a global, an attribute: `fold` is called again, and the loop would see it."""

    def make() -> Case:
        held: dict[str, Any] = {"rate": 0.1, "rows": 3, "f": torch.sigmoid}

        def step(w: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            return w - held["rate"] * held["f"](x[: held["rows"]]).sum(0), w.sum()

        return Case(step, draw(3), [draw(4, 3, seed=s) for s in range(3)], between=lambda: NUMBERS[change](held))

    agrees(make, engine)
