"""Rows of the table about what a file may not do, whatever it computes: use autograd, replace what is torch's."""

from __future__ import annotations

from collections.abc import Sequence

from pure_mlp.homework.grade.probe.seen import Pass, Score
from pure_mlp.homework.grade.rows import Row
from pure_mlp.homework.grade.source import autograd_uses


def autograd(source: str | bytes, called: Sequence[tuple[int, str]], attempts: Sequence[Pass | Score]) -> Row:
    """Wrong if the source uses it or an entry of it was called; a graph that nobody uses is told, and is no fault.

    `called` holds lines and names. Raises `SyntaxError` for a source that does not parse.

    >>> autograd("J.backward()", [(1, "torch.autograd.backward")], []).detail
    'line 1: J.backward(); at run time, line 1: torch.autograd.backward'
    >>> autograd("", [], [{"stage": "", "error": "", "graph": True}]).detail
    'results require grad, though nothing uses it'
    """
    written = [f"line {line}: {text}" for line, text in autograd_uses(source)]
    used = [f"at run time, line {line}: {name}" for line, name in called]
    if written or used:
        return Row("no autograd", "wrong", "; ".join([*written[:3], *used[:2]]))
    graph = any(a.get("graph", False) for a in attempts)
    return Row("no autograd", "right", "results require grad, though nothing uses it" if graph else "")


def torch_intact(replaced: Sequence[str]) -> Row:
    """Wrong if names of torch stand for something else after the file was run.

    >>> torch_intact(["torch.allclose"]).detail
    'replaced: torch.allclose'
    """
    return Row("torch intact", "wrong" if replaced else "right", f"replaced: {', '.join(replaced[:5])}" if replaced else "")
