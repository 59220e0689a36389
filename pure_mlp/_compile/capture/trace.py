"""A step run once for real, every operation on a tensor written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import attrs
import torch
from torch import Generator, Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from pure_mlp._compile.capture.foreach import independent, per_leaf
from pure_mlp._compile.capture.known import Known
from pure_mlp._compile.capture.refusals import Reads, functional, refuse_another, refuse_reading, refuse_result, step_line
from pure_mlp._compile.graph import Graph, Node, Unplannable
from pure_mlp._compile.operations import may_raise
from pure_mlp._compile.schema import is_random, name_of
from pure_mlp._compile.spec import spec_of

R = TypeVar("R")

_MADE = {"zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty"}
_MADE |= {"zeros", "ones", "full", "empty", "arange", "eye", "scalar_tensor"}


@attrs.frozen
class Traced(Generic[R]):
    """What a step returned, what it did, the generators it drew from with their states before and after; and
    why it has no program.
    """

    result: R
    graph: Graph
    generators: list[tuple[Generator, Tensor, Tensor]]
    refusal: Unplannable | None


def trace(
    run: Callable[[], R], outputs: Callable[[R], Sequence[Tensor]], carry: Sequence[Tensor], batch: Sequence[Tensor]
) -> Traced[R]:
    """The graph of `run`, whose outputs are computed from the tensors of carry and batch; any other tensor it
    uses is a constant.

    `run` runs once and to its end; if it raises, generators are as they were before. There is no program, and
    `refusal` names the operation and the source line, for a value read into Python (`.item()`, `.numpy()`, a
    branch on values), for a shape that depends on values, for an operation in place on a tensor not born in the
    step or visible under another name, for a generator reseeded inside.
    """
    reads = Reads()
    recorder = _Recorder(reads)
    for kind, leaves in (("carry", carry), ("batch", batch)):
        for i, leaf in enumerate(leaves):
            recorder.known.bind(leaf, recorder.graph.add(kind, (), {}, spec_of(leaf), slot=i))
    with reads, recorder:
        try:
            result = run()
        except Exception:  # of whatever class: it goes on its way, and the generators are as they were
            recorder.rewind()
            raise
    if reads.refusal is None:
        try:
            recorder.graph.outputs = [recorder.known.leaf(t) for t in outputs(result)]
        except Unplannable as refusal:
            reads.refusal = refusal
    return Traced(result, recorder.graph, [*recorder.generators.values()], reads.refusal)


class _Recorder(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first operation imports torch._dynamo, which takes 1.5 s

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self.reads = reads
        self.graph = Graph()
        self.known = Known(self.graph)
        self.generators: dict[int, tuple[Generator, Tensor, Tensor]] = {}

    def rewind(self) -> None:
        """Set the generators back to where they were."""
        for generator, first, _ in self.generators.values():
            generator.set_state(first)

    def node(self, a: object) -> object:
        if isinstance(a, (list, tuple)):
            return tuple(map(self.node, a))
        return self.known.leaf(a) if isinstance(a, Tensor) else self.generator() if isinstance(a, Generator) else a

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[object, ...] = (), kwargs: Mapping[str, object] | None = None
    ) -> object:
        kwargs = dict(kwargs or {})
        refuse_another(func, self.reads.name)
        if self.reads.refusal is not None:
            return self.run(func, args, kwargs)
        traced = None
        with self.reads.refusing():
            refuse_reading(func, args)
            op = self.pure(func, args)
            traced = tuple(map(self.node, args)), {k: self.node(v) for k, v in kwargs.items()}
        out = self.run(func, args, kwargs)
        if traced is not None:
            with self.reads.refusing():
                refuse_result(func, out)
                self.record(op, *traced, args[0] if func._schema.is_mutable else out)
        return out

    def generator(self) -> Generator:
        """The generator of the call: the caller's own object, since torch hands on a new one each time."""
        if not self.reads.generators:
            raise Unplannable(f"a generator that is not an argument of a function of torch {step_line()}")
        return self.reads.generators[-1]

    def run(self, func: OpOverload, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        if not is_random(str(func)):
            return func(*args, **kwargs)
        generator = torch.default_generator
        with self.reads.refusing():
            generator = self.generator() if any(isinstance(a, Generator) for a in (*args, *kwargs.values())) else generator
            state = generator.get_state()
            _, first, last = self.generators.get(id(generator), (generator, state, state))
            if not torch.equal(last, state):
                raise Unplannable(f"a generator is reseeded inside the step, before {func} {step_line()}")
            self.generators[id(generator)] = generator, first, last
        out = func(*args, **kwargs)
        if id(generator) in self.generators:
            self.generators[id(generator)] = (*self.generators[id(generator)][:2], generator.get_state())
        return out

    def record(self, op: str, args: tuple[object, ...], kwargs: dict[str, object], out: object) -> None:
        before = len(self.graph.nodes)
        self.write(op, args, kwargs, out)
        self.graph.kept += [node for node in self.graph.nodes[before:] if is_random(node.op) or may_raise(node.op)]

    def write(self, op: str, args: tuple[object, ...], kwargs: dict[str, object], out: object) -> None:
        if op.startswith("aten._foreach_") and isinstance(out, (list, tuple)):
            for leaf, (name, leaf_args, value) in zip(out, per_leaf(op, args, step_line)):
                self.known.bind(leaf, self.graph.add(name, leaf_args, {**kwargs, **value}, spec_of(leaf)))
        elif isinstance(out, Tensor) and name_of(op) in _MADE:
            self.known.bind(out, self.graph.add("const", ("made",), {}, spec_of(out), value=out.clone()))
        elif isinstance(out, Tensor) and op == "aten.detach.default" and self.reads.name != "detach" and self.made(args[0]):
            self.known.alone(out)  # torch's factories detach what they made, and nobody sees the original
            self.known.bind(out, self.graph.nodes[-1])
        elif isinstance(out, Tensor):
            self.known.bind(out, self.graph.add(op, args, kwargs, spec_of(out)))
        else:
            several = self.graph.add(op, args, kwargs)
            for i, leaf in enumerate(out if isinstance(out, (list, tuple)) else ()):
                if isinstance(leaf, Tensor):
                    self.known.bind(leaf, self.graph.add("getitem", (several,), {}, spec_of(leaf), slot=i))

    def pure(self, func: OpOverload, args: tuple[object, ...]) -> str:
        """The out-of-place form of an in-place operation on memory that no other tensor shows; any other operation as
        it is.
        """
        if not func._schema.is_mutable:
            return str(func)
        several = bool(args) and isinstance(args[0], (list, tuple))
        targets: Iterable[object] = args[0] if several and isinstance(args[0], (list, tuple)) else args[:1]
        own = bool(args) and all(map(self.known.own, targets)) and (not several or independent(args))
        written = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        pure = functional(func)
        if written != ["self"] or pure is None or not own:
            raise Unplannable(f"{func} writes in place to a tensor not born in the step, or seen under another name {step_line()}")
        return str(pure)

    def made(self, node: object) -> bool:
        """Whether a node is a new tensor, or a random draw, of the last operation."""
        return node is self.graph.nodes[-1] and isinstance(node, Node) and (node.args == ("made",) or is_random(node.op))
