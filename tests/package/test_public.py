"""Everything public is documented with an example that runs; autograd and global state are nowhere in the package."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

import pure_mlp
from pure_mlp.cli.reference import reference

ROOT = Path(pure_mlp.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
Definition = ast.FunctionDef | ast.ClassDef
GLOBAL_STATE = {"manual_seed", "seed", "set_default_dtype", "set_default_device", "set_num_threads", "set_rng_state"}
AUTOGRAD = {
    *("autograd", "backward", "requires_grad", "requires_grad_", "retain_grad", "grad_fn", "no_grad", "enable_grad"),
    *("set_grad_enabled", "inference_mode", "vjp", "jacrev", "jacfwd", "hessian", "grad_and_value", "linearize"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT.parent).with_suffix("")).replace("/", ".").removesuffix(".__init__")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def public(tree: ast.Module) -> Iterator[Definition]:
    """The public functions and classes of a module, overloads left out."""
    for node in tree.body:
        overloaded = isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "overload" for d in node.decorator_list)
        if isinstance(node, Definition) and not node.name.startswith("_") and not overloaded:
            yield node


def exports() -> list[tuple[str, str, str]]:
    """(module, name, name in pure_mlp) of everything that `pure_mlp` exports."""
    body = parsed(ROOT / "__init__.py").body
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pure_mlp")]
    return [(str(node.module), alias.name, str(alias.asname)) for node in imports for alias in node.names if alias.name[0] != "_"]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parsed(path))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_everything_public_is_documented_and_every_function_has_an_example(path: Path) -> None:
    documented = {node.name: ast.get_docstring(node) or "" for node in public(parsed(path))}
    functions = {node.name for node in public(parsed(path)) if isinstance(node, ast.FunctionDef)}
    assert [name for name, text in documented.items() if not text] == []
    room = path.relative_to(ROOT).parts[0]
    inside = room in ("_compile", "theory", "learn") or path.name == "__main__.py"  # what nobody imports is tested by unit tests
    assert [name for name in functions if ">>>" not in documented[name] and not inside] == []


def test_the_public_list_is_explicit_sorted_and_complete() -> None:
    assert [(name, alias) for _, name, alias in exports() if name != alias] == []
    names = {alias for _, _, alias in exports()}
    assert len(names) == len(exports())
    found = {name for name, value in vars(pure_mlp).items() if not name.startswith("_") and not isinstance(value, ModuleType)}
    assert found == names


FUNCTIONS = [name for _, _, name in exports() if inspect.isfunction(getattr(pure_mlp, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_says_what_it_takes_and_returns(name: str) -> None:
    """A line for each argument; those of an init are said once, by `Init`."""
    function = getattr(pure_mlp, name)
    takes = inspect.signature(function).parameters
    same = takes.keys() == inspect.signature(pure_mlp.linear_init).parameters.keys()
    text = inspect.getdoc(pure_mlp.Init.__call__ if same else function) or ""
    arguments = text.partition("\nArgs:\n")[2].partition("\n\n")[0]
    assert {argument for argument in takes if not re.search(rf"^    \*?{argument}: .", arguments, re.MULTILINE)} == set()
    assert inspect.signature(function).return_annotation in (None, "None") or "\nReturns:\n" in text


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, name, _ in exports()])
def test_an_export_is_what_its_module_defines(module: str, name: str) -> None:
    """A function or class with a docstring, or a value or type that the module assigns."""
    tree = parsed(Path(str(importlib.import_module(module).__file__)))
    assert getattr(pure_mlp, name) is getattr(importlib.import_module(module), name)
    assigned = {t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)}
    annotated = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    documented = {node.name for node in public(tree) if ast.get_docstring(node)}
    assert name in documented | assigned | annotated


def mentions(tree: ast.Module) -> Iterator[str]:
    """Every name, attribute, argument and imported name in the code, documentation left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
            yield f"{ast.unparse(node.value)}.{node.attr}"
        elif isinstance(node, ast.keyword | ast.arg):
            yield str(node.arg)
        elif isinstance(node, ast.ImportFrom) and node.module == "torch.func":
            yield from (name for alias in node.names for name in (alias.name, f"func.{alias.name}"))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from f"{getattr(node, 'module', '')}.{'.'.join(a.name for a in node.names)}".split(".")


OF_OTHERS = ROOT / "homework" / "grade", ROOT / "homework" / "entry.py"


@pytest.mark.parametrize("path", [path for path in SOURCES if not {path, *path.parents} & {*OF_OTHERS}], ids=name_of)
def test_no_module_uses_autograd_or_global_state(path: Path) -> None:
    """What reads the work of others alone may name autograd, or call their `backward`. The compiler leaves inference mode, and
    a module puts gradients where optimizers of torch look for them."""
    found = set(mentions(parsed(path))) - {"modes.py": {"inference_mode"}, "net_module.py": {"leaf.grad"}}.get(path.name, set())
    assert not found & AUTOGRAD
    assert not found & {f"torch.{name}" for name in GLOBAL_STATE}
    assert not {name for name in found if name.endswith((".grad", "func.grad", "func.jvp", "func.vjp"))}


def test_the_scan_sees_autograd() -> None:
    assert "func.jvp" in set(mentions(ast.parse("from torch.func import jvp")))
    for line in ("x.backward()", "torch.ones(1, requires_grad=True)", "from torch.autograd import grad", "import torch.autograd"):
        assert set(mentions(ast.parse(line))) & AUTOGRAD
    assert "torch.manual_seed" in set(mentions(ast.parse("torch.manual_seed(0)")))
    assert "p.grad" in set(mentions(ast.parse("p.grad = None")))


def table() -> list[str]:
    """The names in the table of the manual."""
    return re.findall(r"^\| `(\w+)` \|", reference(), re.MULTILINE)


def test_the_manual_lists_what_is_public_and_nothing_else() -> None:
    assert sorted(table()) == sorted(pure_mlp.__all__)
    assert not re.search(r"\|  \|$", reference(), re.MULTILINE), "a name without a word"
    assert sorted(pure_mlp.__all__) == sorted({alias for _, _, alias in exports()})


def test_everything_is_imported_by_the_star_and_no_module() -> None:
    brought: dict[str, object] = {}
    exec("from pure_mlp import *", brought)
    assert {name for name in brought if not name.startswith("__")} == set(pure_mlp.__all__)
    assert not any(isinstance(value, ModuleType) for value in brought.values())


def test_the_version_is_that_of_the_metadata() -> None:
    try:
        assert pure_mlp.__version__ == metadata.version("pure-mlp")
    except metadata.PackageNotFoundError:
        assert pure_mlp.__version__ == "0"


OWN_ROOMS = [ROOT, *(ROOT / room for room in ("layers", "losses", "combinators", "optim", "registry", "check", "quantities"))]
PUBLIC = [p for p in SOURCES if p.parent in OWN_ROOMS and p.name[0] != "_"]


@pytest.mark.parametrize("path", PUBLIC, ids=name_of)
def test_a_public_module_says_what_is_public_in_it(path: Path) -> None:
    module = importlib.import_module(name_of(path))
    assert all(hasattr(module, name) for name in module.__all__)
    assert not any(name.startswith("_") or isinstance(getattr(module, name), ModuleType) for name in module.__all__)
    assert {name for place, name, _ in exports() if place == name_of(path)} <= set(module.__all__)
