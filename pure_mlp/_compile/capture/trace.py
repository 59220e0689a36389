"""A step run once for real, every operation on a tensor written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import torch
from torch import Generator, Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from pure_mlp._compile.capture.foreach import independent, per_leaf
from pure_mlp._compile.capture.refusals import Reads, refuse_reading, refuse_result, step_line
from pure_mlp._compile.graph import Graph, Node, Unplannable, is_random, is_view, spec_of

_SHAPE_ONLY = {"zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty"}
_SHAPE_ONLY |= {"zeros", "ones", "full", "empty", "arange", "eye", "scalar_tensor"}


def trace(run: Callable[[], Sequence[Tensor]], carry: Sequence[Tensor], batch: Sequence[Tensor]) -> Graph:
    """The graph of `run`, which computes the outputs from the tensors of carry and batch; any other tensor it uses is a constant.

    A step that draws random numbers is run twice, and the generators are left as they were. Raises `Unplannable`, with the
    operation and the source line, for a value read into Python (`.item()`, `.numpy()`, a branch on values), for a shape that
    depends on values, for an operation in place on a tensor not born in the step, for a generator made or reseeded inside.

    >>> x = torch.ones(3)
    >>> [node.op for node in trace(lambda: [x * 2], [x], []).live()]
    ['carry', 'aten.mul.Tensor']
    """
    recorder = _Recorder()
    for kind, leaves in (("carry", carry), ("batch", batch)):
        for i, leaf in enumerate(leaves):
            recorder.bind(leaf, recorder.graph.add(kind, (i,), {}, spec_of(leaf)))
    again = _Recorder()
    try:
        with Reads(), recorder:
            outputs = run()
        if recorder.generators:
            again.generators = dict(recorder.generators)
            with again:
                run()
    finally:
        recorder.restore_generators()
    if again.generators.keys() - recorder.generators.keys():
        raise Unplannable("the step makes a generator of its own, which a program cannot make anew")
    recorder.graph.outputs = [recorder.leaf(t) for t in outputs]
    return recorder.graph


class _Recorder(TorchDispatchMode):
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first operation imports torch._dynamo, a second and a half

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.known: dict[int, tuple[Node, Tensor]] = {}
        self.viewed: set[Node] = set()
        self.generators: dict[int, tuple[Generator, Tensor, Tensor]] = {}

    def bind(self, t: Tensor, node: Node) -> None:
        self.known[id(t)] = (node, t)

    def leaf(self, t: Tensor) -> Node:
        if id(t) not in self.known:
            self.bind(t, self.graph.add("const", (), {}, spec_of(t), value=t.detach()))
        return self.known[id(t)][0]

    def node(self, a: object) -> object:
        return self.leaf(a) if isinstance(a, Tensor) else a

    def nodes(self, args: Iterable[object]) -> tuple[object, ...]:
        return tuple(self.nodes(a) if isinstance(a, (list, tuple)) else self.node(a) for a in args)

    def __torch_dispatch__(
        self, func: OpOverload, types: object, args: tuple[object, ...] = (), kwargs: Mapping[str, object] | None = None
    ) -> object:
        kwargs = dict(kwargs or {})
        op = str(func)
        refuse_reading(func, args)
        if func._schema.is_mutable:
            return self.in_place(func, args, kwargs)
        traced = self.nodes(args), {k: self.node(v) for k, v in kwargs.items()}
        out = self.run(func, args, kwargs)
        refuse_result(func, out)
        self.record(op, *traced, out)
        return out

    def run(self, func: OpOverload, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        if not is_random(str(func)):
            return func(*args, **kwargs)
        given = [g for g in (*args, *kwargs.values()) if isinstance(g, Generator)]
        generator = given[0] if given else torch.default_generator
        # the generator itself: Python's wrapper of it is another one each time
        key = generator._cdata  # type: ignore[attr-defined]  # torch does not declare it
        state = generator.get_state()
        _, first, last = self.generators.get(key, (generator, state, state))
        if not torch.equal(last, state):
            raise Unplannable(f"a generator is reseeded inside the step, before {func} {step_line()}")
        out = func(*args, **kwargs)
        self.generators[key] = generator, first, generator.get_state()
        return out

    def restore_generators(self) -> None:
        for generator, first, _ in self.generators.values():
            generator.set_state(first)

    def record(self, op: str, args: tuple[object, ...], kwargs: dict[str, object], out: object) -> None:
        if op.startswith("aten._foreach_") and isinstance(out, (list, tuple)):
            for leaf, (name, leaf_args, value) in zip(out, per_leaf(op, args, step_line)):
                self.bind(leaf, self.graph.add(name, leaf_args, {**kwargs, **value}, spec_of(leaf)))
        elif isinstance(out, Tensor) and op.split(".")[1] in _SHAPE_ONLY:
            self.bind(out, self.graph.add("const", ("made",), {}, spec_of(out), value=out.clone()))
        elif isinstance(out, Tensor) and op == "aten.detach.default" and args[0] is self.graph.nodes[-1]:
            self.bind(out, self.graph.nodes[-1])  # torch's factories detach what they made
        elif isinstance(out, Tensor):
            source = args[0] if args and is_view(op) else None
            self.bind(out, self.graph.add(op, args, kwargs, spec_of(out), unique=is_random(op)))
            if isinstance(source, Node):
                self.viewed.update((source, self.known[id(out)][0]))
        else:
            several = self.graph.add(op, args, kwargs, None, unique=is_random(op))
            for i, leaf in enumerate(out if isinstance(out, (list, tuple)) else ()):
                if isinstance(leaf, Tensor):
                    self.bind(leaf, self.graph.add("getitem", (several, i), {}, spec_of(leaf)))

    def in_place(self, func: OpOverload, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        several = bool(args) and isinstance(args[0], (list, tuple))
        targets = cast("Sequence[object]", args[0]) if several else args[:1]
        own = bool(targets) and all(self.born(target) for target in targets) and (not several or independent(args))
        written = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        pure = _functional(func)
        if written != ["self"] or pure is None or not own:
            raise Unplannable(f"{func} writes in place to a tensor not born in the step, or read for another {step_line()}")
        traced = self.nodes(args), {k: self.node(v) for k, v in kwargs.items()}
        out = self.run(func, args, kwargs)
        self.record(str(pure), *traced, args[0])
        return out

    def born(self, target: object) -> bool:
        """Whether a tensor was made in the step, and nothing shows its memory but itself."""
        node = self.known[id(target)][0] if id(target) in self.known else None
        if node is None or not isinstance(target, Tensor) or node in self.viewed:
            return False
        return node.op not in ("carry", "batch") and (node.op != "const" or node.value is not target)


def _functional(func: OpOverload) -> OpOverload | None:
    """The overload without the trailing underscore that takes the same arguments: `relu_.default` -> `relu.default`."""
    packet = getattr(torch.ops.aten, func._schema.name.split("::")[1].removesuffix("_"), None)
    names = [a.name for a in func._schema.arguments]
    for name in packet.overloads() if packet is not None else ():
        candidate: OpOverload = getattr(packet, name)
        if not candidate._schema.is_mutable and [a.name for a in candidate._schema.arguments] == names:
            return candidate
    return None
