"""Steps drawn at random, line by line: a line stays if torch takes it on the first batch."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from random import Random
from typing import Any

import torch
from torch import Tensor

from .containers import container
from .program import GLOBALS, Program
from .templates import EDGES, ELEMENTWISE, IN_PLACE, LEAVES, PRODUCTS, RANDOM, REDUCTIONS, SHAPES, lines
from .values import ALL_LAYOUTS, LAYOUTS

TABLES = [
    (lines(ELEMENTWISE), 8),
    (lines(PRODUCTS), 5),
    (lines(REDUCTIONS), 3),
    (lines(SHAPES), 5),
    (lines(IN_PLACE), 2),
    (lines(RANDOM), 1),
]
EDGED = [*TABLES, (lines(EDGES), 6)]
"""For every fourth program: edge values, ties and whole numbers, of which little has C."""
ENDS = lines(LEAVES)
NUMBERS = ["0.5", "-1.5", "2", "0.1", "1e-3", "0.0", "1.0", "-0.0", "3", "1e4", "0.25", "-2", "1e-7", "0.3"]
SIZES = [1, 2, 3, 4, 5, 8, 17]
DTYPES = ["torch.float64"] * 5 + ["torch.float32"] * 5 + ["torch.float16", "torch.bfloat16"]

Fits = Callable[[Tensor], bool]
FLOATS: Fits = torch.is_floating_point
SLOTS: dict[str, Fits] = {
    **dict.fromkeys(("a", "b"), lambda t: True),
    **dict.fromkeys(("f", "g", "h"), FLOATS),
    **dict.fromkeys(("m", "n", "k"), lambda t: FLOATS(t) and t.dim() == 2),
    "v": lambda t: FLOATS(t) and t.dim() == 1,
    "i": lambda t: t.dtype == torch.int64,
    "p": lambda t: t.dtype == torch.bool,
    "o": FLOATS,
}


def expression(text: str) -> bool:
    """Whether a line is an expression, not an assignment."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


class Drawing:
    """A step on its way: what its variables are on the first batch."""

    def __init__(self, seed: int) -> None:
        self.random, self.tables = Random(seed), EDGED if seed % 4 == 1 else TABLES
        pick = self.random.choice
        self.dtype, self.sizes = pick(DTYPES), [pick(SIZES) for _ in range(3)]
        self.setup = [f"g{i} = torch.Generator().manual_seed({seed + i})" for i in range(self.random.randrange(3))]
        self.generators = len(self.setup)
        self.setup += [f"k{i} = {self.leaf(self.shape(False), LAYOUTS)}" for i in range(self.random.randrange(3))]
        if self.random.random() < 0.1:
            self.setup.append(
                "k9 = nn.Linear(3, 2, dtype=torch.float64).requires_grad_(False).weight.copy_(rand((2, 3), torch.float64, 1))"
            )
        carries = self.random.randrange(1, 4)
        self.carry = [self.leaf(self.shape(False), LAYOUTS) for _ in range(carries)]
        if self.random.random() < 0.3:
            self.carry.append("exact((), 1)")
        self.batches = self.several()
        self.body: list[str] = []
        self.scope: dict[str, Any] = dict(GLOBALS)
        for line in self.setup:
            exec(line, self.scope)
        for name, expressions in (("c", self.carry), ("x", self.scope_of(self.batches[0]))):
            for i, expression in enumerate(expressions):
                exec(f"{name}{i} = {expression}", self.scope)

    def leaf(self, shape: str, layouts: dict[str, Any], dtype: str = "") -> str:
        poison = self.random.choice(["inf", "-inf", "nan"]) if self.random.random() < 0.02 else ""
        layout = self.random.choice([*layouts]) if self.random.random() < 0.5 else "rows"
        kind = dtype or (self.dtype if self.random.random() < 0.9 else self.random.choice(DTYPES))
        return f"rand({shape}, {kind}, {self.random.randrange(1000)}, {layout!r}, {poison!r})"

    def shape(self, batch: bool) -> str:
        """Two dimensions mostly; a batch has n rows."""
        dims = [str(self.random.choice(self.sizes)) for _ in range(self.random.choice([0, 1, 2, 2, 2, 2, 3]))]
        return f"({''.join(f'{d}, ' for d in (['n', *dims[1:]] if batch else dims))})"

    def several(self) -> list[str]:
        """One to three leaves, in two to four batches, of one or two numbers of rows.

        In some programs each batch has a container of its own; then there are more of them, and mostly leaves that are all alike.
        """
        shapes = [self.shape(True) for _ in range(self.random.randrange(1, 4))]
        dtypes = [self.random.choice([self.dtype] * 6 + ["torch.int64", "torch.bool", *DTYPES[4:]]) for _ in shapes]
        mixed, layouts = self.random.random() < 0.3, ALL_LAYOUTS
        if self.random.random() < (0.8 if mixed else 0.1):
            shapes, dtypes, layouts = [shapes[0]] * len(shapes), [dtypes[0]] * len(shapes), {"rows": torch.clone}
        rows = [self.random.choice([1, 2, 3, 4, 5, 7, 16, 33]), self.random.choice([0, 1, 2, 3, 16])]
        made = []
        for j in range(self.random.randrange(2, 5) + 2 * mixed):
            n = str(rows[0] if j == 0 or self.random.random() < 0.7 else rows[1])
            parts = [self.leaf(shape.replace("n", n), layouts, dtype) for shape, dtype in zip(shapes, dtypes)]
            made.append(f"pack({container(self.random, 0.3 if mixed else 1.0)!r}, {', '.join(parts)})")
        return made

    @staticmethod
    def scope_of(batch: str) -> list[str]:
        return re.findall(r"rand\(.*?'\)", batch)

    def names(self, fits: Fits) -> list[str]:
        return [n for n, t in self.scope.items() if re.fullmatch(r"[cxkv]\d+", n) and isinstance(t, Tensor) and fits(t)]

    def born(self, name: str) -> bool:
        """Whether a variable has memory that the step made: to write into another is not pure, or is seen outside."""
        given = {self.scope[n].untyped_storage().data_ptr() for n in self.names(lambda t: True) if n[0] != "v"}
        return name[0] == "v" and self.scope[name].untyped_storage().data_ptr() not in given

    def fill(self, template: str, **given: str) -> str | None:
        """The template with operands for its slots, the later variables more often; None where one has none."""
        free = {"num": NUMBERS, "dim": ["0", "1", "-1"], "size": [str(s) for s in self.sizes]}
        free["gen"] = [f"g{i}" for i in range(self.generators)]
        filled = dict(given)
        for slot in re.findall(r"{(\w+)}", template):
            if slot in filled:
                continue
            options = free[slot] if slot in free else self.names(SLOTS[slot])
            if slot == "o":
                options = [name for name in options if self.born(name)]
            if not options:
                return None
            late = options[-4:] if self.random.random() < 0.5 and slot not in free else options
            filled[slot] = self.random.choice(late)
        return template.format(**filled)

    def line(self) -> None:
        """One more line, if one of a few fits."""
        for _ in range(30):
            table = self.random.choices([t for t, _ in self.tables], [w for _, w in self.tables])[0]
            text = self.fill(self.random.choice(table))
            if text is None:
                continue
            name = f"v{len(self.body)}"
            if self.keep(f"{name} = {text}" if expression(text) else text, name):
                return

    def keep(self, line: str, name: str) -> bool:
        """Run the line on the first batch; whether it may stay."""
        try:
            exec(line, self.scope)
        except Exception:
            return False
        made = self.scope.get(name)
        if made is not None and (not isinstance(made, Tensor) or made.numel() > 8192 or made.dim() > 4 or made.is_complex()):
            self.scope = {n: t for n, t in self.scope.items() if n != name}
            return False
        self.body.append(line)
        return True

    def end(self) -> None:
        """The new carry and the loss."""
        for i in range(len(self.carry)):
            old: Tensor = self.scope[f"c{i}"]
            for attempt in range(30):
                text = self.fill(self.random.choice(ENDS), c=f"c{i}") if attempt < 29 else f"c{i} * 0.5"
                if text is None or not self.keep(f"n{i} = {text}", f"n{i}"):
                    continue
                if self.scope[f"n{i}"].shape == old.shape:
                    break
                self.body.pop()
            if self.scope[f"n{i}"].dtype != old.dtype:
                self.keep(f"n{i} = n{i}.to(c{i}.dtype)", f"n{i}")
        last = self.random.choice(self.names(FLOATS) or ["c0"])
        self.body.append(f"J = {last}{self.random.choice(['.sum()', '.mean()', '.square().sum()', '.abs().mean()'])}")

    def program(self) -> Program:
        state = tuple(f"g{i}.get_state()" for i in range(self.generators)) + tuple(n for n in self.scope if re.fullmatch(r"k\d", n))
        return Program(
            tuple(self.setup), tuple(self.carry), tuple(self.batches), tuple(self.body), state, container(self.random, 0.7)
        )


def drawn(seed: int) -> Program:
    """The program of a seed."""
    drawing = Drawing(seed)
    for _ in range(drawing.random.choice([2, 4, 6, 8, 12, 18])):
        drawing.line()
    drawing.end()
    return drawing.program()
