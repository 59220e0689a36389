"""One self-contained `mlp.py`, for any Python from 3.7 and any torch from 1.7.1, made from the sources of this package."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pure_mlp
from pure_mlp.homework.edit import text_of
from pure_mlp.homework.erase import erase, fields
from pure_mlp.homework.inline import inline
from pure_mlp.homework.module import binds, names, reached
from pure_mlp.homework.specialize import specialize

ROOT = Path(pure_mlp.__file__).parents[1]
FORMULAS = {"pure_mlp.kernels": "pure_mlp.homework.formulas"}
MARK = "Written by `pure-mlp homework bundle` from the sources of pure_mlp."

Place = tuple[str, str]


def write_bundle(directory: Path) -> Path:
    """Write the single file into `directory`, made if need be, as `mlp.py` and return its path.

    Raises `ValueError` rather than replace a file that is not a bundle, and `OSError` where it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_bundle(Path(folder, "new")).read_text(encoding="utf-8") == bundle()
    True
    """
    target = directory / "mlp.py"
    if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"{target} exists and is not a bundle: it is not replaced")
    directory.mkdir(parents=True, exist_ok=True)
    target.write_text(bundle(), encoding="utf-8")
    return target


def bundle() -> str:
    """The text of the single file: the classes and functions of the root `mlp.py`, after everything that they reach.

    What they reach is specialised to their calls: `specialize` and `inline` take out what the file never asks for.

    Raises `ValueError` where they reach a package other than torch and the standard library, or two things of one name.

    >>> [line for line in bundle().splitlines() if line.startswith("import")]
    ['import torch']
    """
    root = parse("mlp")[1]
    roots = [node.name for node in root.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    found: dict[Place, str] = {}
    imports: set[str] = set()
    for name in roots:
        _collect(("mlp", name), found, imports)
    defined = [name for _, name in found]
    if len({*defined}) != len(defined):
        raise ValueError(f"two definitions of one name: {sorted(n for n in {*defined} if defined.count(n) > 1)}")
    source = inline(specialize("\n".join([*sorted(imports), *found.values()]), roots), roots)
    summary = (ast.get_docstring(root) or "").partition("\n\n")[0]
    return f'# {MARK}\n"""{summary}"""\n\n' + _laid_out(source, reached(ast.parse(source), roots))


def _laid_out(source: str, statements: list[ast.stmt]) -> str:
    """The imports, the constants that need nothing else, each definition with the values made of it: blocks between empty lines."""
    imports = [s for s in statements if isinstance(s, ast.Import | ast.ImportFrom)]
    defined = {name for s in statements if s not in imports for name in binds(s)}
    constants = [s for s in statements if isinstance(s, ast.Assign) and not (names(s) - binds(s)) & defined]
    blocks = ["\n".join(text_of(source, s) for s in group) for group in (imports, constants) if group]
    for statement in statements:
        text = text_of(source, statement)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            blocks.append(text)
        elif statement not in imports + constants:
            blocks[-1] += "\n" + text
    return "\n\n".join(blocks) + "\n"


def parse(module: str) -> tuple[str, ast.Module]:
    """The source of a module of this package, or of the root `mlp`, and its tree.

    >>> parse("pure_mlp.layers.relu")[0].splitlines()[0]
    '\"\"\"The rectifier.\"\"\"'
    """
    source = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    return source, ast.parse(source)


def _collect(place: Place, found: dict[Place, str], imports: set[str], above: tuple[Place, ...] = ()) -> None:
    """Put the definition at `place` into `found` after all that it reaches, and what it imports from outside into `imports`."""
    module, name = place
    if place in found or place in above:
        return
    source, tree = parse(module)
    definitions, aliases = _table(tree)
    if name in definitions:
        node = definitions[name]
        text = erase(source, node)
        if isinstance(node, ast.ClassDef) and fields(node):
            imports.add("from collections import namedtuple")
        used = [n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)]
        for other in dict.fromkeys(used):
            if other in definitions or other in aliases:
                _collect((module, other), found, imports, (*above, place))
        found[place] = text
        return
    if name not in aliases:
        raise ValueError(f"{module}.py has no {name}: the single file needs it there")
    origin, original = aliases[name]
    if origin.split(".")[0] == "pure_mlp" and original:
        _collect((FORMULAS.get(origin, origin), original), found, imports, above)
    elif origin.split(".")[0] in {"torch", *sys.stdlib_module_names}:
        imports.add(f"from {origin} import {original}" if original else f"import {origin}")
    else:
        raise ValueError(f"{module}.py reaches {origin}.{original}: the single file has torch and the standard library alone")


def _table(tree: ast.Module) -> tuple[dict[str, ast.stmt], dict[str, tuple[str, str]]]:
    """What a module defines, by name; and what it imports: name -> (module, name there, or nothing for a module)."""
    definitions: dict[str, ast.stmt] = {}
    aliases: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                definitions[ast.unparse(target)] = node
        elif isinstance(node, ast.ImportFrom):
            aliases |= {a.asname or a.name: (node.module or "", a.name) for a in node.names}
        elif isinstance(node, ast.Import):
            aliases |= {a.asname or a.name: (a.name, "") for a in node.names}
    return definitions, aliases
