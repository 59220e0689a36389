"""The page of the public names, made from what `pure_mlp` exports and from the docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pure_mlp
from pure_mlp.layer import Layer

__all__ = ["reference"]

HEADS = {"layers": "Layers", "losses": "Losses", "optim": "Optimizers", "combinators": "Combinators", "train": "Training"}


def reference() -> str:
    """The public names in tables, those of one room together, each with the first sentence of its docstring.

    >>> "| `relu` | y = max(0, x), x of any shape |" in reference()
    True
    """
    tables: dict[str, list[str]] = {}
    for module, name in exports():
        room = module.split(".")[1]
        tables.setdefault(HEADS.get(room, "Others"), []).append(f"| `{name}` | {_first(_said(module, name))} |")
    head = "Everything that `from pure_mlp import *` brings. `help(name)` says what each takes, returns and raises.\n"
    parts = [f"## {room}\n\n| name | what it is |\n|---|---|\n" + "\n".join(rows) + "\n" for room, rows in sorted(tables.items())]
    return "\n".join(["# The public names\n", head, *parts])


def exports() -> Iterator[tuple[str, str]]:
    """The module and the name of each export.

    >>> ("pure_mlp.layers.relu", "relu") in exports()
    True
    """
    for node in ast.parse(Path(pure_mlp.__file__).read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pure_mlp."):
            yield from ((str(node.module), alias.name) for alias in node.names)


def _said(module: str, name: str) -> str:
    """The string that stands under an assignment; else the docstring of the function, the class, or the layer's `fwd`."""
    body = ast.parse(Path(str(import_module(module).__file__)).read_text("utf-8")).body
    for node, after in pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == name for t in targets) and isinstance(after, ast.Expr):
            return str(ast.literal_eval(after.value))
    found = getattr(pure_mlp, name)
    return (found.fwd if isinstance(found, Layer) else found).__doc__ or ""


def _first(text: str) -> str:
    """The first sentence, in one line, fit for a cell of a table."""
    line = " ".join(text.split("\n\n")[0].split())
    return re.split(r"(?<=[^.])[.;:](?: |$)", line, maxsplit=1)[0].replace("|", "\\|")
