"""One entry of one gradient of an `mlp.py`, in full: the loss beside it, the difference quotient, and the file's own number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.homework.grade.cases import PARAMETERS
from pure_mlp.homework.grade.probe.net import Student
from pure_mlp.homework.grade.probe.observe import load

STEPS = tuple(10.0**-n for n in range(1, 11))
SHAPE = (3, 4, 2, 5)
"""n, h, K and the batch."""

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@attrs.frozen
class Quotient:
    """f(x + h), f(x - h) and their central difference (f(x + h) - f(x - h)) / 2h, in float64."""

    h: float
    above: float
    below: float

    @property
    def slope(self) -> float:
        """The difference quotient; its error is O(h^2) of the formula and O(1/h) of rounding."""
        return (self.above - self.below) / (2 * self.h)


def entry_report(path: Path, place: str, f: str, g: str, loss: str, generator: Generator) -> tuple[str, bool]:
    """The text about one entry, and whether the file's number is the difference quotient's to 1e-6.

    Args:
        path: a file with MLP and the losses; it is run here, in this process.
        place: such as `W1[0, 2]` or `b2[1]`, counted from 0.
        f: the activation after Linear_1.
        g: the activation after Linear_2.
        loss: `mse` or `bce`; bce wants g sigmoid.
        generator: of the parameters and the batch.

    Raises `ValueError` for a place that there is not, and for a file that lacks what is asked for.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.homework.bundle import write_bundle
    >>> with TemporaryDirectory() as folder:
    ...     file = write_bundle(Path(folder))
    ...     text, right = entry_report(file, "W1[0, 2]", "sigmoid", "identity", "mse", Generator().manual_seed(0))
    >>> right
    True
    """
    name, index = _place(place)
    if loss not in ("mse", "bce"):
        raise ValueError(f"--loss {loss}: an mlp.py has mse and bce")
    try:
        return _report(path, place, name, index, f, g, loss, generator)
    except Exception as error:
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error


def _report(
    path: Path, place: str, name: str, index: tuple[int, ...], f: str, g: str, loss: str, generator: Generator
) -> tuple[str, bool]:
    module = load(str(path))
    missing = [part for part in ("MLP", f"{loss}_loss") if not hasattr(module, part)]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    n, h, k, batch = SHAPE
    score: Loss = getattr(module, f"{loss}_loss")
    params = {p: torch.randn(*s, generator=generator, dtype=torch.float64) for p, s in _shapes().items()}
    x = torch.randn(batch, n, generator=generator, dtype=torch.float64)
    y = torch.rand(batch, k, generator=generator, dtype=torch.float64)

    def net(moved: float) -> Student:
        made: Student = module.MLP(n, h, f, h, k, g)
        for p, value in params.items():
            made.parameters[p] = value.clone()
            made.grads[f"dJd{p}"] = torch.zeros_like(value)
        made.parameters[name][index] += moved
        return made

    def predicted(made: Student) -> Tensor:
        y_hat = made.forward(x)
        if not isinstance(y_hat, Tensor):
            raise ValueError(f"{path.name}: forward returns {type(y_hat).__name__}, expected a tensor")
        return y_hat

    whole = net(0.0)
    _, dJdy_hat = score(y, predicted(whole))
    whole.backward(dJdy_hat)
    theirs = float(whole.grads[f"dJd{name}"][index])
    rows = [Quotient(h, *(float(score(y, predicted(net(moved)))[0]) for moved in (h, -h))) for h in STEPS]
    best = min(rows, key=lambda row: abs(row.h - 1e-5))
    right = abs(theirs - best.slope) <= 1e-6 * max(1.0, abs(best.slope))
    return "\n".join(_lines(path, place, f"f {f}, g {g}, {loss}_loss", theirs, rows, best, right)), right


def _lines(path: Path, place: str, net: str, theirs: float, rows: list[Quotient], best: Quotient, right: bool) -> Iterator[str]:
    yield f"{path}: dJ/d{place} of a net 3 -> 4 -> 2, {net}, 5 examples, in float64"
    yield ""
    yield f"  h = {best.h:g}"
    yield f"  J({place} + h) = {best.above:.15f}"
    yield f"  J({place} - h) = {best.below:.15f}"
    yield f"  (J(.. + h) - J(.. - h)) / 2h = {best.slope:.12f}"
    yield f"  the file's gradient          = {theirs:.12f}"
    yield f"  difference                   = {abs(theirs - best.slope):.1e}: {'right' if right else 'WRONG'}"
    yield ""
    yield "  The quotient for other h: its own error falls as h^2, until rounding, about 1e-16 / h, takes over."
    yield "        h   quotient           from the file's"
    for row in rows:
        yield f"  {row.h:7.0e}   {row.slope:<17.12f}  {abs(theirs - row.slope):.1e}"


def _shapes() -> dict[str, tuple[int, ...]]:
    n, h, k, _ = SHAPE
    return dict(zip(PARAMETERS, ((h, n), (h,), (k, h), (k,))))


def _place(text: str) -> tuple[str, tuple[int, ...]]:
    """A parameter and the place in it.

    >>> _place("W1[0, 2]"), _place("b2[1]")
    (('W1', (0, 2)), ('b2', (1,)))
    >>> _place("W1[9, 2]")
    Traceback (most recent call last):
    ValueError: W1[9, 2]: W1 has the shape (4, 3), counted from 0
    """
    found = re.fullmatch(r"(W1|b1|W2|b2)\[(\d+)(?:, ?(\d+))?\]", text)
    if not found:
        raise ValueError(f"{text}: expected an entry such as W1[0, 2] or b2[1]")
    index = tuple(int(part) for part in found.groups()[1:] if part is not None)
    shape = _shapes()[found[1]]
    if len(index) != len(shape) or any(i >= size for i, size in zip(index, shape)):
        raise ValueError(f"{text}: {found[1]} has the shape {shape}, counted from 0")
    return found[1], index
