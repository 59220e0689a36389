"""Every layer of the library obeys every law, a layer that breaks one is told which, and files of one's own are checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import torch
from loss_table import LOSSES, LossRow
from tables import LAYERS, Row
from torch import Tensor

import pure_mlp as pm
from pure_mlp import Layer, laws, linear, relu, tanh
from pure_mlp.__main__ import main
from pure_mlp.check.init_laws import INIT_LAWS
from pure_mlp.check.optimizer_laws import OPTIMIZER_LAWS
from pure_mlp.check.rows import layer_laws, loss_laws, row_laws
from pure_mlp.check.schedule_laws import SCHEDULE_LAWS
from pure_mlp.check.tangents import TANGENT_LAWS
from pure_mlp.check.trials import LAWS
from pure_mlp.optim.optimizer import Leaves
from pure_mlp.registry.register import TABLES

X = torch.tensor([[0.5, -1.25], [2.0, 0.75], [-0.5, 1.0]])
Fwd = Callable[[Any, Tensor], Any]
Bwd = Callable[[Any, Any, Tensor], Any]


@pytest.mark.parametrize("row", LAYERS, ids=[row.name for row in LAYERS])
def test_every_law_holds_of_every_layer(row: Row) -> None:
    for report in layer_laws(attrs.evolve(row, make=None)):
        assert report.ok, report
        assert dict(report.found).keys() == {*LAWS} | {law for law in TANGENT_LAWS if getattr(row.layer, law)}


@pytest.mark.parametrize("row", LOSSES, ids=[row.name for row in LOSSES])
def test_every_law_holds_of_every_loss(row: LossRow) -> None:
    assert [str(report) for report in loss_laws(row) if not report.ok] == []


OTHERS = [row for kind in (pm.OptimizerRow, pm.ScheduleRow, pm.InitRow) for row in TABLES[kind].values()]


@pytest.mark.parametrize("row", OTHERS, ids=[row.name for row in OTHERS])
def test_every_law_holds_of_every_optimizer_schedule_and_init(row: Any) -> None:
    reports = [*row_laws(row)]
    assert [str(report) for report in reports if not report.ok] == []
    tried = {pm.OptimizerRow: [*OPTIMIZER_LAWS], pm.ScheduleRow: [*SCHEDULE_LAWS], pm.InitRow: [*INIT_LAWS]}[type(row)]
    assert [[*dict(report.found)] for report in reports] == [tried] * len(reports)


def dtype_lost(params: Any, cache: Tensor, dy: Tensor) -> Any:
    dx, grads = tanh.bwd(params, cache, dy)
    return dx.double(), grads


def in_place(params: Any, cache: Tensor, dy: Tensor) -> Any:
    dx, grads = tanh.bwd(params, cache, dy)
    dy.mul_(1)
    return dx, grads


def mixed(params: Any, x: Tensor) -> Any:
    """Over the examples."""
    return x - x.mean(0), x


calls: list[int] = []


def forgetful(params: Any, cache: Tensor, dy: Tensor) -> Any:
    calls.append(0)
    return tanh.bwd(params, cache, dy)[0] * (1 + 1e-14 * len(calls)), ()


def by_memory(params: Any, x: Tensor) -> Any:
    y = x.as_strided(x.shape, (x.shape[-1], 1)).tanh() if x.dim() == 2 else x.tanh()
    return y, y


WRONG: dict[str, Layer[Any, Any]] = {
    "structure": Layer(linear.fwd, lambda p, x, dy: (linear.bwd(p, x, dy)[0], tuple(attrs.astuple(p)))),
    "gradient": attrs.evolve(tanh, bwd=lambda p, y, dy: (dy * (1 - y), ())),
    "linear in dy": attrs.evolve(tanh, bwd=lambda p, y, dy: (tanh.bwd(p, y, dy)[0] + 1e-11, ())),
    "pure": attrs.evolve(tanh, bwd=in_place),
    "sharing": Layer(lambda p, x: (x.tanh(), x), lambda p, x, dy: tanh.bwd((), x.tanh(), dy)),
    "deterministic": attrs.evolve(tanh, bwd=forgetful),
    "dtypes": attrs.evolve(tanh, bwd=dtype_lost),
    "batches": Layer(mixed, lambda p, x, dy: (dy - dy.mean(0), ())),
    "strides": attrs.evolve(tanh, fwd=by_memory),
    "cotangent": attrs.evolve(tanh, bwd=lambda p, y, dy: (dy * (1 - y * y), ())),
    "passes": attrs.evolve(tanh, bwd=cast(Any, lambda p, y, dy: dy * (1 - y * y))),
    "jvp": attrs.evolve(tanh, jvp=lambda p, y, dp, dx: dx * (1 - y)),
    "bwd_jvp": attrs.evolve(tanh, bwd_jvp=lambda p, y, dy, dp, dx: (-2 * y * dy * dx, ())),
}


@pytest.mark.parametrize("law", WRONG)
def test_a_broken_law_is_named(law: str) -> None:
    params = pm.Linear(torch.ones(2, 2), torch.ones(2)) if law == "structure" else ()
    report = laws(WRONG[law], params, X)
    assert law in report.broken, report
    assert f"BROKEN {law}: " in str(report)


def rule(change: Callable[[Tensor, Tensor, Tensor], Tensor], after: Callable[[Tensor], Tensor] = torch.clone) -> Any:
    """Of an optimizer with one slot: change(p, g, slot), and what becomes of the slot."""

    def apply(leaves: Leaves) -> Leaves:
        [slots] = leaves.slots
        params = [change(p, g, s) for p, g, s in zip(leaves.params, leaves.grads, slots)]
        return leaves._replace(params=params, slots=[[after(s) for s in slots]])

    return lambda lr: pm.Optimizer(0, 1, apply)


times = iter(range(1, 10**6))
DESCENT: Callable[..., tuple[Tensor, ...]] = lambda lr, p, g, *slots: (p - 0.05 * g,)  # noqa: E731  # a row has lambdas
WRONG_OPTIMIZERS: dict[str, pm.OptimizerRow] = {
    "structure": pm.OptimizerRow("", rule(lambda p, g, s: p - 0.05 * g, torch.Tensor.float)),
    "values": pm.OptimizerRow("", rule(lambda p, g, s: p - 0.0501 * g), formula=DESCENT),
    "schedule": pm.OptimizerRow("", lambda lr: pm.sgd(lr if isinstance(lr, float) else 0.1)),
    "pure": pm.OptimizerRow("", rule(lambda p, g, s: p - 0.05 * g.mul_(1), torch.clone)),
    "deterministic": pm.OptimizerRow("", rule(lambda p, g, s: p - 1e-9 * next(times) * g)),
    "dtypes": pm.OptimizerRow("", rule(lambda p, g, s: p - (1e30 * p).clamp(max=1e38) * 1e-30 * (p.dtype == torch.float16))),
    "vmap": pm.OptimizerRow("", rule(lambda p, g, s: p - g * 0.05 / (1 + float((p * p).sum() >= 0)))),
}


@pytest.mark.parametrize("law", OPTIMIZER_LAWS)
def test_a_broken_law_of_an_optimizer_is_named(law: str) -> None:
    [report] = row_laws(WRONG_OPTIMIZERS[law])
    assert law in report.broken, report


WRONG_SCHEDULES: dict[str, Callable[[float], pm.Schedule]] = {
    "structure": lambda rate: lambda t: -rate * t,
    "values": lambda rate: lambda t: torch.full_like(t, rate * (1 + 1e-9)),
    "pure": lambda rate: lambda t: t.mul_(1) * 0 + rate,
    "deterministic": lambda rate: lambda t: t * 0 + rate + next(times),
    "vmap": lambda rate: lambda t: t * 0 + (rate if t > 5 else 0.0),
}


@pytest.mark.parametrize("law", SCHEDULE_LAWS)
def test_a_broken_law_of_a_schedule_is_named(law: str) -> None:
    [report] = row_laws(attrs.evolve(TABLES[pm.ScheduleRow]["constant"], make=WRONG_SCHEDULES[law]))
    assert law in report.broken, report


def drawn_otherwise(change: Callable[..., pm.Linear]) -> Any:
    """xavier_normal with something wrong."""
    return lambda n_in, n_out, g, dtype=torch.float32, device="cpu": change(n_in, n_out, g, dtype)


WRONG_INITS: dict[str, Any] = {
    "structure": drawn_otherwise(lambda n, m, g, d: pm.Linear(pm.xavier_normal(m, n, g, d).weight.t(), torch.zeros(m, dtype=d))),
    "values": drawn_otherwise(lambda n, m, g, d: pm.tree_map(lambda t: t * (1 + 1e-6), pm.xavier_normal(n, m, g, d))),
    "moments": drawn_otherwise(lambda n, m, g, d: pm.tree_map(lambda t: t * 1.1, pm.xavier_normal(n, m, g, d))),
    "generator": drawn_otherwise(lambda n, m, g, d: pm.xavier_normal(n, m, torch.default_generator, d)),
    "dtypes": drawn_otherwise(lambda n, m, g, d: pm.xavier_normal(n, m, g)),
    "refusals": drawn_otherwise(lambda n, m, g, d: pm.xavier_normal(max(n, 1), max(m, 1), g, d)),
}


@pytest.mark.parametrize("law", INIT_LAWS)
def test_a_broken_law_of_an_init_is_named(law: str) -> None:
    [report] = row_laws(attrs.evolve(TABLES[pm.InitRow]["xavier_normal"], init=WRONG_INITS[law]))
    assert law in report.broken, report


def test_a_layer_without_a_jvp_has_none_to_be_wrong() -> None:
    assert str(laws(attrs.evolve(tanh, jvp=None, bwd_jvp=None), (), X)) == "tanh: 11 of 11 laws hold, without jvp and bwd_jvp"
    assert str(laws(pm.serial(tanh), ((),), X)) == "serial: 12 of 12 laws hold"


def test_a_jvp_that_writes_is_named() -> None:
    def jvp(params: Any, y: Tensor, dparams: Any, dx: Tensor) -> Tensor:
        return dx.mul_(1) * (1 - y * y)

    assert "BROKEN jvp: jvp writes to dx" in str(laws(attrs.evolve(tanh, jvp=jvp), (), X))


def test_values_are_compared_with_a_reference() -> None:
    report = laws(tanh, (), X, reference=lambda p, x: x.tanh() * (1 + 1e-9))
    assert report.broken == ("values",)
    assert "y at " in str(report)


def test_a_wrong_entry_is_shown_in_full() -> None:
    def bwd(params: tuple[()], y: Tensor, dy: Tensor) -> tuple[Tensor, tuple[()]]:
        dx = tanh.bwd((), y, dy)[0].clone()
        dx[-1, 1] *= 2
        return dx, ()

    report = laws(attrs.evolve(tanh, bwd=bwd), (), X)
    text = str(report)
    assert "gradient" in report.broken
    assert "dx[2, 1] is wrong" in text
    assert all(word in text for word in ("J(x + h) = ", "J(x - h) = ", "difference", "written"))
    bars = [line.split()[-1] for line in text.splitlines() if "e-0" in line and line.endswith("#")]
    assert len(bars) >= 6
    assert len({*map(len, bars[1:])}) == 1, "the error of a wrong rule does not fall with h"


def test_what_is_no_layer_no_input_and_no_row_is_refused() -> None:
    fwd: Any = relu.fwd
    wrong: dict[str, Callable[[], object]] = {
        "within 0.0015 of the kink 0": lambda: laws(relu, (), torch.tensor([0.0, 1.0]), kinks=(0.0,)),
        "x is not finite": lambda: laws(relu, (), torch.tensor([torch.inf, 1.0])),
        "laws: of class function, expected a Layer": lambda: laws(fwd, (), X),
        "laws: params: a NoneType at the root": lambda: laws(linear, cast(Any, None), X),
        "expected a set of such texts": lambda: laws(relu, (), X, shared="cache is x"),
        "register: of class Layer, expected LayerRow": lambda: pm.register(cast(Any, relu)),
        "layer of 'a' is of class function, expected a Layer": lambda: pm.register(pm.LayerRow("a", fwd)),
        "make of 'a' is of class Optimizer, expected a function": lambda: pm.register(pm.OptimizerRow("a", cast(Any, pm.sgd(0.1)))),
        "a ScheduleRow whose name is '', expected a text": lambda: pm.register(pm.ScheduleRow("", pm.constant)),
    }
    for text, refused in wrong.items():
        with pytest.raises(ValueError, match=re.escape(text)):
            refused()


def test_what_a_pass_should_not_return_is_said() -> None:
    wrong: dict[str, Layer[Any, Any]] = {
        "fwd returns (3, 2) float64, expected (y, cache), y a tensor": Layer(cast(Any, lambda p, x: x), tanh.bwd),
        "y is torch.int64, expected a floating dtype": Layer(lambda p, x: (x.long(), x), tanh.bwd),
        "cache: a NoneType at x: trees are tensors": Layer(lambda p, x: (x, {"x": None}), lambda p, c, dy: (dy, ())),
        "grads: a NoneType at the root: trees are tensors": Layer(tanh.fwd, lambda p, y, dy: (dy, None)),
    }
    for text, layer in wrong.items():
        assert str(laws(layer, (), X, name="f")).startswith(f"f: 0 of 1 laws hold\nBROKEN passes: {text}")
    largest: Layer[Any, Any] = Layer(lambda p, x: (x.max() + x, x), lambda p, x, dy: (dy, ()))
    assert "BROKEN batches: without examples, x (0, 2) float64: RuntimeError: max()" in str(laws(largest, (), X))


def broken(params: Any, cache: Any, dy: Tensor) -> Any:
    return 1 / 0


def test_what_a_layer_raises_is_said() -> None:
    report = laws(Layer(tanh.fwd, broken), (), X)
    assert "BROKEN passes: ZeroDivisionError: division by zero" in str(report)


SQUARE = """
import torch
from pure_mlp import Layer, LayerRow, check_cotangent, register
def fwd(params, x):
    return x * x, x
def bwd(params, x, dy):
    check_cotangent(x, dy)
    return {factor} * x * dy, ()
register(LayerRow("my_square", Layer(fwd, bwd), lambda params, x: x**2, shared={{"cache is x"}}))
"""


@pytest.fixture
def _tables() -> Any:
    before = [{*table} for table in TABLES.values()]
    yield
    for table, names in zip(TABLES.values(), before, strict=True):
        for name in table.keys() - names:
            del table[name]


@pytest.mark.usefixtures("_tables")
@pytest.mark.parametrize(
    ("factor", "code", "said"), [(2, 0, "11 of 11 laws hold, without jvp and bwd_jvp"), (3, 1, "BROKEN gradient: dx[")]
)
def test_a_file_of_ones_own(factor: int, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mylayers.py"
    path.write_text(SQUARE.format(factor=factor), "utf-8")
    assert main(["check", str(path)]) == code
    printed = capsys.readouterr().out
    assert printed.startswith("mylayers.py registers my_square; the laws of each:\n")
    assert said in printed


KINDS = """
import torch
from pure_mlp import *
def halved(y, y_hat, reduction="mean"):
    J, dy_hat = mse(y, y_hat, reduction)
    return J / 2, dy_hat / 2
def zeros(generator, shape, dtype):
    return torch.zeros(shape, dtype=dtype)
register(LossRow("halved", halved, lambda y, y_hat, reduction: {factor} * mse(y, y_hat, reduction)[0] / 2, zeros))
register(OptimizerRow("clipped", lambda lr: chain(clip_by_value(1e4), sgd(lr)), formula=lambda lr, p, g: (p - {factor} * lr * g,)))
register(ScheduleRow("later", lambda rate: warmup(constant({factor} * rate - rate), 3)))
register(InitRow("small", lambda *given: xavier_normal(*given), lambda n_in, n_out: {factor} * 2 / (n_in + n_out)))
"""


@pytest.mark.usefixtures("_tables")
@pytest.mark.parametrize(("factor", "broken"), [(1, []), (2, ["mean", "sum", "batchmean", "none", "values", "moments"])])
def test_a_file_with_a_row_of_every_other_kind(
    factor: int, broken: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(KINDS.format(factor=factor), "utf-8")
    assert main(["check", str(path)]) == int(factor != 1)
    printed = capsys.readouterr().out
    assert "halved, clipped, later, small; the laws of each:" in printed
    assert re.findall(r"BROKEN (\w+): ", printed) == broken


@pytest.mark.usefixtures("_tables")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "mine.py registers nothing"),
        ("1 / 0\n", "mine.py: ZeroDivisionError: division by zero"),
        ("from pure_mlp import *\nregister(LayerRow('relu', relu))\n", "there is a LayerRow 'relu' already"),
    ],
)
def test_a_file_without_layers(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    assert main(["check", str(path)]) == 2
    assert said in capsys.readouterr().err
    assert main(["check", str(tmp_path / "nothing.py")]) == 2
