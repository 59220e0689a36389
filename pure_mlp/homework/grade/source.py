"""Autograd in a source: which lines use it, of those that importing the file or using its MLP and losses can reach."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from threading import Lock

API = {"MLP", "mse_loss", "bce_loss"}
MARKS = {"requires_grad_", "retain_grad"}
HARMLESS = {f"torch.autograd.{name}" for name in ("Variable", "no_grad", "set_grad_enabled", "enable_grad", "set_detect_anomaly")}
TRANSFORMS = ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "linearize")
ENTRIES = {f"{place}.{name}" for place in ("torch.func", "functorch") for name in TRANSFORMS}

_PARSING = Lock()
"""CPython 3.11 counts the depth of a tree that it builds for all threads together: two at a time may end in a `SystemError`."""


def parsed(source: str | bytes) -> ast.Module:
    """The tree of a source, for graders that look at several files at once. Raises `SyntaxError` for one that does not parse.

    >>> type(parsed("x = 1").body[0]).__name__
    'Assign'
    """
    with _PARSING:
        return ast.parse(source)


def autograd_uses(source: str | bytes) -> list[tuple[int, str]]:
    """Where the file uses autograd: lines, and what stands there.

    That is marks of `requires_grad`, entries of torch.autograd and torch.func, and a `backward` that is no method of the file's own
    classes. Comments, strings, unused imports and what only `if __name__ == "__main__"` reaches are none.

    Raises `SyntaxError` for a source that does not parse.

    >>> autograd_uses("import torch\\nw = torch.ones(1, requires_grad=True)\\n(w * w).backward()  # J.backward()")
    [(2, 'requires_grad=True'), (3, '(w * w).backward()')]
    >>> autograd_uses("class MLP:\\n  def backward(self, dy): self.layer.backward(dy)\\nclass L:\\n  def backward(self, dy): ...")
    []
    """
    tree = parsed(source)
    imported, own, nets = _imported(tree), _own_backwards(tree), _nets(tree)
    found = set()
    for part in _reached(tree):
        for node, bound in _scoped(part, _bound(tree)):
            names = {name: full for name, full in imported.items() if name not in bound}
            if _is_mark(node) or _full_name(node, names) in ENTRIES or _is_entry(_full_name(node, names)):
                found.add((getattr(node, "lineno", 0), _shown(node)))
            elif isinstance(node, ast.Call) and _is_foreign(node, own, nets):
                found.add((node.lineno, _shown(node)))
    return sorted(found)


def tried_lines(source: str | bytes) -> set[int]:
    """Lines that importing the file runs and that neither MLP nor a loss reaches, such as code that tries the file out.

    >>> tried_lines("class MLP: ...\\nnet = MLP()\\nnet.look()")
    {2, 3}
    >>> tried_lines("scale = 2\\nclass MLP:\\n  def f(self): return scale")
    set()
    """
    tree = parsed(source)
    every, of_homework = (
        {line for part in parts for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)}
        for parts in (_reached(tree), _needed(tree))
    )
    return every - of_homework


def unused_imports(source: str | bytes) -> list[tuple[int, str]]:
    """Lines and names of entries of autograd that the file imports, if nothing that `autograd_uses` sees uses any.

    >>> unused_imports("from torch.func import grad\\nfor grad in (1, 2): print(grad)")
    [(1, 'torch.func.grad')]
    """
    found: list[tuple[int, str]] = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.ImportFrom):
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name) for name in full if name in ENTRIES or (_is_entry(name) and "." in name)]
    return found


def _bound(scope: ast.AST) -> set[str]:
    """The names that a module or a function binds itself, by anything but an import."""
    nodes = [*_own(scope)]
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    return bound | {n.arg for n in nodes if isinstance(n, ast.arg)} | {n.name for n in nodes if isinstance(n, ast.FunctionDef)}


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, without those inside the functions and classes in it."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own(node)


def _scoped(node: ast.AST, bound: set[str]) -> Iterator[tuple[ast.AST, set[str]]]:
    """Each node of a part, with the names that its functions bind and that are no imports there."""
    inner = bound | _bound(node) if isinstance(node, ast.FunctionDef | ast.Lambda) else bound
    yield node, inner
    for child in ast.iter_child_nodes(node):
        yield from _scoped(child, inner)


def _shown(node: ast.AST) -> str:
    text = f"{node.arg}={ast.unparse(node.value)}" if isinstance(node, ast.keyword) else ast.unparse(node)
    return text if len(text) <= 50 else text[:47] + "..."


def _is_false(nodes: list[ast.expr]) -> bool:
    return any(isinstance(node, ast.Constant) and node.value is False for node in nodes)


def _is_mark(node: ast.AST) -> bool:
    """requires_grad=.., x.requires_grad = .., x.requires_grad_(), x.retain_grad(); not if it is to be False."""
    if isinstance(node, ast.keyword):
        return node.arg == "requires_grad" and not _is_false([node.value])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in MARKS and not _is_false([*node.args, *(k.value for k in node.keywords)])
    if isinstance(node, ast.Assign):
        stored = any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in node.targets)
        return stored and not _is_false([node.value])
    return False


def _imported(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _full_name(node: ast.AST, names: dict[str, str]) -> str:
    """a.b.c with a resolved, if the node is that."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (before := _full_name(node.value, names)):
        return f"{before}.{node.attr}"
    return ""


def _is_entry(full: str) -> bool:
    """torch.autograd.x, harmless x apart, but not torch.autograd.x.y, of which it is a part."""
    return full.startswith("torch.autograd.") and full not in HARMLESS and full.count(".") == 2


def _own_backwards(tree: ast.Module) -> set[int]:
    """How many arguments, self apart, the methods `backward` of classes other than MLP take; with defaults, several numbers."""
    counts: set[int] = set()
    for owner in ast.walk(tree):
        if isinstance(owner, ast.ClassDef) and owner.name != "MLP":
            for f in owner.body:
                if isinstance(f, ast.FunctionDef) and f.name == "backward":
                    most = 20 if f.args.vararg else len(f.args.args) - 1
                    counts |= {*range(len(f.args.args) - 1 - len(f.args.defaults), most + 1)}
    return counts


def _nets(tree: ast.Module) -> set[str]:
    """Names that are given an MLP."""
    made = [n for n in ast.walk(tree) if isinstance(n, ast.Assign) and ast.unparse(n.value).startswith("MLP(")]
    return {target.id for node in made for target in node.targets if isinstance(target, ast.Name)}


def _is_foreign(call: ast.Call, own: set[int], nets: set[str]) -> bool:
    """A call x.backward(..) where x is neither self, super() nor an MLP, and no other class of the file has such a method."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "backward"):
        return False
    return ast.unparse(call.func.value) not in {"self", "super()", *nets} and len(call.args) + len(call.keywords) not in own


def _reached(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that importing the file runs, MLP and the losses, and the functions and classes that any of them names."""
    waiting = [node for node in tree.body if not _is_main(node) and getattr(node, "name", "MLP") in API]
    others = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in API}
    while waiting:
        part = waiting.pop()
        yield part
        named = {n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(part) if isinstance(n, ast.Name | ast.Attribute)}
        waiting += [others.pop(name) for name in sorted(named & others.keys())]


def _needed(tree: ast.Module) -> Iterator[ast.stmt]:
    """MLP and the losses, and the statements of the file that bind a name which any of them takes from it, or change what it is."""
    waiting = [node for node in tree.body if getattr(node, "name", "") in API or _changes_others(node)]
    others = [node for node in tree.body if node not in waiting]
    while waiting:
        part = waiting.pop()
        yield part
        taken = {n.id for n, bound in _scoped(part, set()) if isinstance(n, ast.Name) and n.id not in bound}
        taken |= {n.attr for n in ast.walk(part) if isinstance(n, ast.Attribute)}
        binding = [node for node in others if taken & ({getattr(node, "name", "")} | _bound(ast.Module([node], [])))]
        waiting += binding
        others = [node for node in others if node not in binding]


def _changes_others(node: ast.stmt) -> bool:
    """Whether a statement of the file, no function or class, stores into an attribute or an item, or may do so by name."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef) or _is_main(node):
        return False
    nodes = [*ast.walk(node)]
    stores = any(isinstance(n, ast.Attribute | ast.Subscript) and not isinstance(n.ctx, ast.Load) for n in nodes)
    return stores or any(isinstance(n, ast.Name) and n.id in {"setattr", "exec", "eval", "globals", "vars"} for n in nodes)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)
