"""A program that differs, made short."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from .program import Program


def shrunk(program: Program, differs: Callable[[Program], bool], *, seconds: float = 60.0) -> Program:
    """The program without the lines, batches, leaves and operands that the difference does not need."""
    end = time.monotonic() + seconds
    again = True
    while again:
        again = False
        for shorter in _shorter(program):
            if time.monotonic() > end:
                return program
            if differs(shorter):
                program, again = shorter, True
                break
    return program


def _shorter(p: Program) -> Iterator[Program]:
    """Programs of one piece less, the large ones first."""
    half = len(p.body) // 2
    for lines in (p.body[:half], p.body[half:]):
        kept = tuple(line for line in p.body if line not in lines or re.match(r"[nJ]\d* =", line))
        if len(kept) < len(p.body):
            yield p._replace(body=kept)
    for i in range(len(p.batches)):
        if len(p.batches) > 1:
            yield p._replace(batches=p.batches[:i] + p.batches[i + 1 :])
    for i in reversed(range(len(p.body))):
        yield p._replace(body=p.body[:i] + p.body[i + 1 :])
    for i, line in enumerate(p.body):
        if (leaf := re.match(r"n(\d) = ", line)) and line != f"n{leaf[1]} = c{leaf[1]}":
            yield p._replace(body=(*p.body[:i], f"n{leaf[1]} = c{leaf[1]}", *p.body[i + 1 :]))
        if line.startswith("J = ") and line != "J = torch.zeros(())":
            yield p._replace(body=(*p.body[:i], "J = torch.zeros(())", *p.body[i + 1 :]))
    last = len(p.carry) - 1
    if last:
        yield p._replace(carry=p.carry[:last], body=tuple(line for line in p.body if not line.startswith(f"n{last} =")))
    for i in range(len(p.setup)):
        gone = p.setup[i].split(" ")[0]
        state = tuple(s for s in p.state if not re.match(rf"{gone}\b", s))
        yield p._replace(setup=p.setup[:i] + p.setup[i + 1 :], state=state)
    if p.state:
        yield p._replace(state=())
    if p.kind != "tuple":
        yield p._replace(kind="tuple")
    for pattern, plainer in ((r", '[a-z -]+', ''\)", ", 'rows', '')"), (r"pack\('[a-z ]+'", "pack('tuple'")):
        plain = p._replace(
            carry=tuple(re.sub(pattern, plainer, leaf) for leaf in p.carry),
            batches=tuple(re.sub(pattern, plainer, batch) for batch in p.batches),
        )
        if plain != p:
            yield plain
