"""What makes the single file short: constants folded, functions inlined, definitions erased; equal values before and after."""

from __future__ import annotations

import ast

import pytest
import torch
from torch import Tensor

import pure_mlp
from pure_mlp.homework.bundle import parse
from pure_mlp.homework.erase import erase
from pure_mlp.homework.inline import inline
from pure_mlp.homework.module import functions, names, reached
from pure_mlp.homework.specialize import specialize


def run(source: str) -> dict[str, object]:
    values: dict[str, object] = {}
    exec(compile(source, "module", "exec"), values)
    return {name: value for name, value in values.items() if name.startswith("y")}


def parameters(source: str) -> dict[str, list[str]]:
    return {f.name: [p.arg for p in f.args.args] for f in functions(ast.parse(source))}


FOLDED = {
    "default": ("def f(x, k=3):\n    return x * k\na = 2\ny = f(a), f(5)", ["x"]),
    "positional": ("def f(x, k):\n    return x * k\na = 2\ny = f(a, 3), f(5, 3)", ["x"]),
    "first": ("def f(k, x):\n    return x * k\na = 2\ny = f(3, (a)), f(3, 5), f( 3 , x=a)", ["x"]),
    "keyword": ("def f(x, k=1, m=2):\n    return x * k + m\na = 2\ny = f(a, m=7), f(x=5, m=7), f(8, m=7)", ["x"]),
    "default and given": ("def f(x, k=3):\n    return x * k\na = 2\ny = f(a), f(5, 3), f(a, k=3)", ["x"]),
    "only": ("def f(k):\n    return k\ny = f('é')", []),
    "through": ("def g(x, k):\n    return x if k == 3 else -x\ndef f(x, k=3):\n    return g(x, k)\na = 2\ny = f(a), f(5)", ["x"]),
    "nested calls": ("def f(x, k):\n    return x - k\na = 2\ny = f(f(a, 3), 3), f(5, 3)", ["x"]),
    "elif": (
        "def f(x, k):\n    if x == 0:\n        return 1\n    elif k == 'a':\n        return 2\n    elif x < 3:\n        return 3\n"
        "    else:\n        return 4\na = 2\ny = f(a, 'b'), f(0, 'b'), f(7, 'b')",
        ["x"],
    ),
    "middle of a chain": (
        "def f(x, k):\n    if x == 0:\n        z = 1\n    elif k == 'a':\n        z = 2\n    elif x < 3:\n        z = 3\n"
        "    else:\n        z = 4\n    return z\na = 2\ny = f(a, 'b'), f(0, 'b'), f(7, 'b')",
        ["x"],
    ),
    "first of a chain": (
        "def f(x, k):\n    if k in ('a', 'b'):\n        return 1\n    elif x == 0:\n        return 2\n    else:\n        return 3\n"
        "a = 2\ny = f(a, 'c'), f(0, 'c')",
        ["x"],
    ),
    "dead end": (
        "def f(x, k=True):\n    if not k:\n        x = 0\n    if k:\n        x += 1\n        return x\n    return 9\n"
        "a = 2\ny = f(a), f(3)",
        ["x"],
    ),
    "nothing left": (
        "def f(x, k=1):\n    for i in (1, 2):\n        if k > 1 and k:\n            x += i\n    return x\na = 2\ny = f(a), f(3)",
        ["x"],
    ),
}
KEPT = {
    "two constants": "def f(x, k):\n    return x * k\na = 2\ny = f(a, 3), f(5, 4)",
    "equal, of two types": "def f(x, k):\n    return x, k\na = 2\ny = repr((f(a, 1), f(5, True), f(5, 1.0)))",
    "default and another": "def f(x, k=3):\n    return x * k\na = 2\ny = f(a), f(5, 4)",
    "a name": "def f(x, k):\n    return x * k\na = b = 2\ny = f(a, b), f(5, b)",
    "bound again": "def f(x, k=3):\n    k = k + x\n    return k\na = 2\ny = f(a), f(5)",
    "bound by a lambda": "def f(x, k=3):\n    return (lambda k: k + x)(1)\na = 2\ny = f(a), f(5)",
    "a value too": "def f(x, k=3):\n    return x * k\na = 2\ny = f(a), [*map(f, (1, 2), (5, 6))]",
    "in an f-string": "def f(x, k=3):\n    return f'{x} {k}'\na = 2\ny = f(a), f(5)",
    "a choice in an f-string": "def f(x, k=3):\n    return f'{x if k else 0:>{k}}'\na = 2\ny = f(a), f(5)",
    "called in an f-string": "def f(x, k=3):\n    return x * k\na = 2\ny = f'{f(a)}', f(5)",
    "unpacked": "def f(x, k=3):\n    return x * k\na = 2\ny = f(*(a, 4)), f(5, 3)",
    "unpacked by name": "def f(x, k=3):\n    return x * k\na = 2\ny = f(**{'x': a, 'k': 4}), f(5, 3)",
    "decorated": "def d(g):\n    return lambda x, k=4: g(x, k)\n@d\ndef f(x, k=3):\n    return x * k\na = 2\ny = f(a), f(5)",
}


@pytest.mark.parametrize(("source", "left"), FOLDED.values(), ids=FOLDED)
def test_a_constant_parameter_goes_and_the_values_stay(source: str, left: list[str]) -> None:
    folded = specialize(source)
    assert run(folded) == run(source)
    assert parameters(folded)["f"] == left
    assert specialize(folded) == folded


@pytest.mark.parametrize("source", KEPT.values(), ids=KEPT)
def test_any_other_parameter_stays(source: str) -> None:
    assert specialize(source) == source
    assert len(run(source)) == 1


def test_a_function_called_from_outside_keeps_its_parameters() -> None:
    source = "def f(x, k=3):\n    return x * k\na = 2\ny = f(a)"
    assert specialize(source, {"f"}) == source != specialize(source)


INLINED = {
    "names": ("def h(x, k):\n    return x * k\ndef f(a, b):\n    return h(b, a) + h(a, 2)\ny = f(3, 4)", "(b * a) + (a * 2)"),
    "parentheses": ("def h(x):\n    return x + 1\ndef f(a):\n    return 2 * h(a), h(a).bit_length()\ny = f(3)", "2 * (a + 1)"),
    "a choice": ("def h(x):\n    return 1 if x else 2\ndef f(a):\n    return h(a) + 1\ny = f(3)", "(1 if a else 2) + 1"),
    "a tuple": ("def h(x):\n    return x, x\ndef f(a):\n    return h(a), 1\ny = f(3)", "return (a, a), 1"),
    "swapped": ("def h(x, z):\n    return x - z\ndef f(x, z):\n    return h(z, x)\ny = f(3, 5)", "return z - x"),
    "in turn": ("def g(x):\n    return x + 1\ndef h(x):\n    return g(x)\ndef f(a):\n    return h(a)\ny = f(3)", "return a + 1"),
    "handed on": (
        "def h(a, b):\n    'doc'\n    c = a\n    return b - c\ndef f(a, b):\n    'Doc.'\n    return h(a, b)\ny = f(3, 5)",
        "'Doc.'\n    c = a",
    ),
}
CALLED = {
    "computed twice": "def h(x):\n    return x * x\ndef f(a):\n    return h(a + 1)\ny = f(3)",
    "another's local": "k = 10\ndef h(x):\n    return x + k\ndef f(k):\n    return h(k) + 0\ny = f(3)",
    "recursive": "def h(x, z):\n    return x and h(z, 0)\ndef f(x, z):\n    return h(x, z) + 0\ny = f(3, 4)",
    "a value": "def h(x):\n    return x + 1\ndef f(a):\n    return [*map(h, a)], h(1)\ny = f((3,))",
    "two callers": "def h(x):\n    z = x\n    return z\ndef f(x):\n    return h(x)\ndef g(x):\n    return h(x)\ny = f(3), g(4)",
    "a closure": "def h(x):\n    return [x + i for i in (1, 2)]\ndef f(i):\n    return h(i) + []\ny = f(3)",
    "a name bound inside": "i = 3\ndef h(x):\n    return [x + i for i in (1, 2)]\ndef f():\n    return h(i) + []\ny = f()",
    "turned round": "def h(a, b):\n    c = a\n    return b - c\ndef f(a, b):\n    return h(b, a)\ny = f(3, 5)",
}


@pytest.mark.parametrize(("source", "text"), INLINED.values(), ids=INLINED)
def test_a_small_function_stands_where_it_is_called(source: str, text: str) -> None:
    inlined = inline(source, {"f"})
    assert run(inlined) == run(source)
    assert text in inlined
    pruned = [ast.unparse(s) for s in reached(ast.parse(inlined), ["y"])]
    assert [f.name for f in functions(ast.parse("\n".join(pruned)))] == ["f"]
    assert run("\n".join(pruned)) == run(source)


@pytest.mark.parametrize("source", CALLED.values(), ids=CALLED)
def test_any_other_function_is_called_as_before(source: str) -> None:
    assert inline(source, {"f", "g"}) == source
    assert len(run(source)) == 1


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean", "none"])
@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_the_losses_at_one_reduction(loss: str, reduction: str) -> None:
    """The text that is left says nothing of reductions, and computes what the library computes, to the bit."""
    source = "import torch\nfrom math import inf\nfrom pure_mlp.kernels import mse_backward, squared_error\n"
    for module in ("pure_mlp.layer", "pure_mlp.losses.reduction", f"pure_mlp.losses.{loss}"):
        text, tree = parse(module)
        wanted = [s for s in tree.body if getattr(s, "name", "") in ("spec", "same_shape", "scale", "reduce", loss)]
        wanted += [s for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "SMALLEST"]
        source += "".join(f"{erase(text, s)}\n" for s in wanted)
    source += f"def at(y, y_hat):\n    return {loss}(y, y_hat, '{reduction}')\n"
    made = inline(specialize(source, {"at"}), {"at"})
    left = "\n".join(ast.unparse(s) for s in reached(ast.parse(made), ["at"]))
    assert "reduction" not in names(ast.parse(left))
    values: dict[str, object] = {}
    exec(left, values)
    at = values["at"]
    assert callable(at)
    y, y_hat = torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(0))
    for a, b in ((y, y_hat), (y[:0], y_hat[:0]), (y[0, 0], y_hat[0, 0])):
        expected: tuple[Tensor, Tensor] = vars(pure_mlp)[loss](a, b, reduction)
        assert all(torch.equal(ours.nan_to_num(7), theirs.nan_to_num(7)) for ours, theirs in zip(at(a, b), expected))


def test_erase_keeps_what_is_not_erased() -> None:
    source = '@attrs.frozen\nclass A:\n    """One é.\n\n    Two.\n    """\n\n    x: int\n    y: int\n\n'
    source += "    def __repr__(self) -> str:\n        return ''\n\n"
    source += "    def twice(self, times: float = 2.0) -> float:\n        z: float = self.x  # as it is\n        return times*z\n"
    erased = erase(source, ast.parse(source).body[0])
    assert erased.splitlines()[:2] == ['class A(namedtuple("A", "x y")):', '    """One é."""']
    assert erased.endswith("    def twice(self, times=2.0):\n        z = self.x  # as it is\n        return times*z")
    assert "__repr__" not in erased
