"""From a pure step to a program, in one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

from pure_mlp._compile.capture.trace import Traced, trace
from pure_mlp._compile.carry import Carry
from pure_mlp._compile.graph import Graph, Unplannable
from pure_mlp._compile.leaves import paths, returned, structure, twin
from pure_mlp._compile.lowered import Lowered
from pure_mlp._compile.modes import outside_inference
from pure_mlp._compile.passes.fuse import fuse
from pure_mlp._compile.passes.place import place
from pure_mlp._compile.passes.schedule import chains, schedule, separate
from pure_mlp._compile.passes.simplify import simplify
from pure_mlp._compile.program import Engine, Program, place_of
from pure_mlp.record import tree_leaves, tree_like
from pure_mlp.signatures import Step

S = TypeVar("S")
B = TypeVar("B")

_MOST_ROWS: dict[Engine, int] = {"plan": 128, "native": 2**31}
"""A product that is added to a weight in place may sum over this many rows: any BLAS adds up 128 before it adds to the
result, our C all of them.
"""


def traced_step(
    step: Step[S, B], carry: Carry[S], leaves: list[Tensor], batch: B, given: Sequence[Tensor]
) -> Traced[tuple[S, Tensor]]:
    """The step, run once on these leaves of the carry and the given tensors of the batch; `refusal` says why it
    has no program.
    """

    def outputs(result: tuple[S, Tensor]) -> list[Tensor]:
        try:
            after, loss = returned(result)
        except ValueError as error:
            raise Unplannable(str(error)) from error
        if loss.dim() != 0:
            raise Unplannable(f"the loss is not a 0-dim tensor: {tuple(loss.shape)}")
        if structure(after) != carry.structure:
            raise Unplannable("the new carry differs from the old one in structure, shapes or dtypes")
        return [*tree_leaves(after), loss]

    with outside_inference():
        own = [twin(t) for t in given]  # a captured tensor is not the batch, even if it is the same tensor
        traced = trace(lambda: step(carry.tree(leaves), tree_like(batch, own)), outputs, leaves, own)
    if traced.refusal is not None:
        for theirs, mine in zip(given, own):
            same = (mine == theirs) | ((mine != mine) & (theirs != theirs))  # NaN is NaN
            if not same.all():  # a step that is not pure
                theirs.copy_(mine)
    return traced


def compiled(traced: Traced[tuple[S, Tensor]], carry: Carry[S], batch: object, engine: Engine) -> Program:
    """The traced step as a program on the memory of the carry. Raises `Unplannable` where there is none, of
    this kind or at all.
    """
    if traced.refusal is not None:
        raise traced.refusal
    try:
        if engine == "native":
            from pure_mlp._compile.c.program import native as printed
        else:
            from pure_mlp._compile.calls.emit import program as printed
        with outside_inference():
            lowered = _lowered(traced.graph, carry, batch, engine)
            made = printed(lowered, carry.counts)._replace(captured=lowered.captured, coarsest=lowered.coarsest)
        return _guarded(made) if made.captured and made.fits else made
    except Unplannable:
        raise
    except Exception as error:  # whatever fails here, the pure step can run
        raise Unplannable(f"no program can be made of the step: {error}") from error


def _guarded(made: Program) -> Program:
    """The native program for as long as the tensors that the step captures are where they were."""

    def there() -> bool:
        return all(place_of(t) == place for t, place in made.captured)

    def run(*batch: Tensor) -> Tensor | float | None:
        return made.run(*batch) if there() else None

    def fits(*batch: Tensor) -> bool:
        return there() and made.fits is not None and made.fits(*batch)

    return made._replace(run=run, fits=fits)


def _lowered(traced: Graph, carry: Carry[S], batch: object, engine: Engine) -> Lowered:
    graph = simplify(traced)  # factors move outward, arithmetic on counts becomes host numbers
    graph = fuse(graph, _MOST_ROWS[engine])  # factors and updates become part of products
    graph = separate(graph)  # every output has memory of its own
    graph = carry.packed(graph)  # equal updates of many leaves are one, on a flat buffer
    live = graph.live()
    chain = chains(graph, live)  # what may compute a new leaf in the memory of the old
    order = schedule(live, chain)
    places = place(order, graph.outputs, [*carry.leaves, *carry.flats], chain)
    names = {node: f"x{path}" for node, path in zip((node for node in live if node.op == "batch"), paths(batch))}
    names |= {node: carry.names[node.slot] for node in live if node.op in ("carry", "slice")}
    leaves = sorted((node for node in live if node.op == "carry"), key=lambda node: node.slot)
    return Lowered(order, graph.outputs, leaves, places, names)
