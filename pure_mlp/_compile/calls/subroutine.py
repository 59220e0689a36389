"""A subroutine of BLAS as a line of the program: arguments are made once, what changes is written into them at each step."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from pure_mlp._compile.calls.blas import LETTER, REAL, Arguments, Operand, Routine
from pure_mlp._compile.graph import Node
from pure_mlp._compile.passes.schedule import root

if TYPE_CHECKING:
    from pure_mlp._compile.calls.emit import Emitter


class Scales(NamedTuple):
    """The factors of the product and of what the result held: numbers, or nodes of host numbers."""

    alpha: object
    beta: object


def addressable(e: Emitter, *nodes: Node) -> bool:
    """Whether the memory of all of these is known: a batch's or the program's own. A tensor that the step captures may be resized.

    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> from pure_mlp._compile.passes.place import Places
    >>> graph, x = Graph(), torch.ones(3)
    >>> leaf, captured = graph.add("carry", (0,), {}, spec_of(x)), graph.add("const", (), {}, spec_of(x), value=x)
    >>> emitter = Emitter(Places({leaf: x, captured: x}, []), [], {})
    >>> addressable(emitter, leaf), addressable(emitter, leaf, captured)
    (True, False)
    """
    roots = [root(node) for node in nodes]
    owned = (r in e.places.of and (r.op != "const" or bool(r.args)) and e.places.of[r].data_ptr() != 0 for r in roots)
    return all(r.op == "batch" or own for r, own in zip(roots, owned))


def place(e: Emitter, node: Node) -> Operand:
    """Where an addressable node lies.

    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph, spec_of
    >>> from pure_mlp._compile.passes.place import Places
    >>> emitter, batch = Emitter(Places({}, []), [], {}), Graph().add("batch", (0,), {}, spec_of(torch.ones(3)))
    >>> emitter.names[batch] = "x"
    >>> place(emitter, batch).shape, emitter.lines
    ((3,), ['x_at.value = x_ptr'])
    """
    return Operand(e.address(node), node.like.shape, node.like.stride)


def number(e: Emitter, c: object, dtype: torch.dtype) -> object:
    """The address of a number: of one that is written there at each step where it is a host number.

    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph
    >>> from pure_mlp._compile.passes.place import Places
    >>> emitter, rate = Emitter(Places({}, []), [], {}), Graph().add("carry", (0,))
    >>> emitter.names[rate] = "n0"
    >>> at = number(emitter, rate, torch.float32)
    >>> emitter.lines
    ['n0_s.value = n0']
    """
    if not isinstance(c, Node):
        return ctypes.byref(REAL[dtype](cast(float, c)))
    name = f"{e.names[c]}_{LETTER[dtype]}"
    if name not in e.cells:
        e.cells[name] = REAL[dtype]()
        e.lines.append(f"{name}.value = {e.names[c]}")
    return ctypes.byref(cast("ctypes.c_float | ctypes.c_double", e.cells[name]))


def subroutine(
    e: Emitter, name: str, f: Routine | None, node: Node, arguments: Arguments, scales: Scales, product: str
) -> None:
    """Append the call, and what it computes.

    >>> from pure_mlp._compile.calls.emit import Emitter
    >>> from pure_mlp._compile.graph import Graph
    >>> from pure_mlp._compile.passes.place import Places
    >>> emitter, node = Emitter(Places({}, []), [], {}), Graph().add("gemm")
    >>> emitter.names[node] = "b"
    >>> subroutine(emitter, "sgemm", print, node, (1, 2, 3), Scales(0.5, 1.0), "x @ w")
    >>> emitter.lines
    ['sgemm(*p0)  # b += 0.5 * x @ w']
    """
    out, (alpha, beta) = e.names[node], scales
    given = f"p{len(e.lines)}"
    e.cells[given] = arguments
    factor = "" if alpha == 1 else f"{e.argument(alpha)} * "
    kept = "" if beta in (0, 1) else f"{e.argument(beta)} * {out} + "
    e.lines.append(f"{e.cell(name, f)}(*{given})  # {out} {'+=' if beta == 1 else '='} {kept}{factor}{product}")
