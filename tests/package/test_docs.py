"""The README and the pages of the manual: their form, their links, and that what they say of the package is so."""

from __future__ import annotations

import ast
import doctest
import os
import re
import subprocess
import sys
from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import torch
from counted import Ops
from mypy import api
from torch import Generator, Tensor, nn

import pure_mlp
from pure_mlp import mlp, mse, sgd, training_step
from pure_mlp.cli.docs import add_parser, names, page
from pure_mlp.cli.parser import parser

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pure_mlp.__file__).parent
README = ROOT / "README.md"
PAGES = sorted((PACKAGE / "docs").glob("*.md"))
WANTED = {"adding", "changelog", "command_line", "concepts", "conventions", "design", "distributed", "guide", "models"}
WANTED |= {"quantities", "curvature", "credit", "types"}


def prose(path: Path) -> list[str]:
    """The lines of a page that are neither in a block of code nor rows of a table."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [line for line in text.splitlines() if not line.startswith("|")]


def test_the_readme_is_short() -> None:
    text = README.read_text("utf-8")
    commands = re.findall(r"^```sh\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)  # each block is one to be copied
    assert len(text.splitlines()) <= 150
    assert [line for line in text.splitlines() if len(line) > 100] == []
    assert len(commands) == 2
    assert all(command.startswith("python3 -m venv") and "\n" not in command.replace("\\\n", "") for command in commands)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_one_title_and_narrow_lines(path: Path) -> None:
    lines = prose(path)
    assert lines[0].startswith("# ")
    assert [line for line in lines[1:] if line.startswith("# ")] == []
    headings = [line for line in lines if re.match("##+ ", line)]
    assert path.stem == "changelog" or len({*headings}) == len(headings)
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize("path", [README, *PAGES], ids=lambda path: path.stem)
def test_links_point_to_what_exists(path: Path) -> None:
    """From the README into the package wherever that is installed; from page to page."""
    links = [link for link in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")) if not link.startswith("https://")]
    assert [link for link in links if not any((base / link).exists() for base in (path.parent, PACKAGE.parent))] == []
    assert path != README or len(links) > 8


def test_the_readme_leads_to_every_page_that_is_wanted() -> None:
    assert {path.stem for path in PAGES} >= WANTED
    linked = set(re.findall(r"\]\(pure_mlp/docs/(\w+)\.md\)", README.read_text("utf-8")))
    assert linked >= WANTED


def test_llms_txt_lists_every_page() -> None:
    text = (PACKAGE / "docs" / "llms.txt").read_text("utf-8")
    assert text.startswith("# pure_mlp\n\n> ")
    assert sorted(re.findall(r"^- \[.+?\]\((\w+)\.md\): \w", text, re.MULTILINE)) == [path.stem for path in PAGES]


def test_every_public_name_is_in_the_readme_or_a_page() -> None:
    said = set(re.findall(r"\w+", README.read_text("utf-8") + "".join(map(page, names()))))
    exported = {a.asname for node in parsed(PACKAGE / "__init__.py") if isinstance(node, ast.ImportFrom) for a in node.names}
    assert {name for name in exported if name and not name.startswith("_")} - said == set()


def parsed(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def rooms() -> dict[str, set[str]]:
    """What each room, a folder or a module of the package, imports from others."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        modules = [node.module or "" for node in parsed(path) if isinstance(node, ast.ImportFrom)]
        found.setdefault(room, set()).update(module.split(".")[1] for module in modules if module.startswith("pure_mlp."))
    return {room: others - {room} for room, others in found.items() if room not in ("__init__", "__main__")}


def test_rooms_import_from_above() -> None:
    """The order of the table in design.md; so that no room imports `cli`, which is the last one."""
    rows = re.findall(r"^\| (`[^|]+) \|", (PACKAGE / "docs" / "design.md").read_text("utf-8"), re.MULTILINE)
    row_of = {name: i for i, row in enumerate(rows) for name in re.findall(r"`(\w+)(?:/|\.py)`", row)}
    graph = rooms()
    assert graph.keys() <= row_of.keys()
    assert [(room, other) for room, others in graph.items() for other in others if row_of[other] > row_of[room]] == []
    assert "cli" not in set().union(*graph.values())


def test_there_is_no_circle_of_rooms() -> None:
    order = [*TopologicalSorter(rooms()).static_order()]  # raises CycleError, which names the circle
    assert order.index("layer") < order.index("train") < order.index("cli")
    with pytest.raises(CycleError):
        TopologicalSorter({**rooms(), "layer": {"cli"}}).prepare()


def flags(parser: ArgumentParser) -> Iterator[str]:
    """The commands of a parser, its long flags, and those below it."""
    for action in parser._actions:
        yield from (flag for flag in action.option_strings if flag.startswith("--"))
        if isinstance(action, _SubParsersAction):
            for name, below in action.choices.items():
                yield name
                yield from flags(below)


def test_every_command_and_flag_is_on_the_page_of_the_command_line() -> None:
    said = (PACKAGE / "docs" / "command_line.md").read_text("utf-8")
    found = set(flags(parser()))
    assert {"train", "--engine", "grade"} <= found
    assert {flag for flag in found if not re.search(rf"(?<![\w-]){flag}(?![\w-])", said)} == set()


def test_docs_prints_pages(capsys: pytest.CaptureFixture[str]) -> None:
    top = ArgumentParser()
    add_parser(top.add_subparsers())

    def printed(*argv: str) -> str:
        options: Namespace = top.parse_args(["docs", *argv])
        assert options.run(options) == 0
        return capsys.readouterr().out

    assert printed("concepts") == (PACKAGE / "docs" / "concepts.md").read_text("utf-8")
    listed = printed()
    assert all(name in listed for name in names())
    assert (listed + "".join(map(page, names()))).isascii()  # any terminal can print them
    with pytest.raises(ValueError, match="no page 'nothing', expected one of adding, "):
        page("nothing")


def count(step: Ops) -> int:
    """The operations on tensors: the profiler's marks are none."""
    return sum("record_function" not in name for name in step.names)


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the README counts what torch 2.13 dispatches")
def test_the_operations_that_the_readme_counts() -> None:
    (net, params), x, y = mlp((2, 20, 5), Generator()), torch.ones(10, 2), torch.ones(10, 5)
    with Ops() as ours:
        training_step(net, mse, sgd(0.1))((params, sgd(0.1).init(params)), (x, y))
    counts = [count(ours)]
    for foreach in (False, True):
        model = nn.Sequential(nn.Linear(2, 20), nn.ReLU(), nn.Linear(20, 5))
        with Ops() as theirs:
            tape(model, torch.optim.SGD(model.parameters(), lr=0.1, foreach=foreach), x, y)
        counts.append(count(theirs))
    said = re.search(r"(\d+) operations\. With .+? it is (\d+), or (\d+) with", " ".join(README.read_text("utf-8").split()))
    assert said is not None
    assert [int(n) for n in said.groups()] == counts == [16, 33, 30]


def tape(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the page says what mypy reports with torch 2.13")
def test_what_mypy_reports_of_autograd_in_a_project_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch's own annotations and the one setting of types.md: the lines marked there, and no others."""
    text = (PACKAGE / "docs" / "types.md").read_text("utf-8")
    [example] = re.findall(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert "\ndisallow_untyped_calls = true\n" in text
    (tmp_path / "mine.py").write_text(example, "utf-8")
    monkeypatch.delenv("MYPYPATH", raising=False)
    monkeypatch.chdir(tmp_path)
    setting = ["--config-file=", f"--cache-dir={os.devnull}", "--disallow-untyped-calls"]
    out, _, _ = api.run([*setting, f"--python-executable={sys.executable}", "mine.py"])
    marked = [i for i, line in enumerate(example.splitlines(), 1) if line.endswith("# reported")]
    assert len(marked) == 2
    assert [int(n) for n in re.findall(r"^mine\.py:(\d+): error: .*\[no-untyped-call\]$", out, re.MULTILINE)] == marked
    assert out.count("error:") == len(marked), out


def test_the_tour_typed_into_a_script_has_no_type_errors(tmp_path: Path) -> None:
    examples = doctest.DocTestParser().get_examples(README.read_text("utf-8"))
    script = tmp_path / "tour.py"
    script.write_text("".join(example.source for example in examples), "utf-8")
    assert len(examples) > 15
    checked = os.environ | {"MYPYPATH": str(ROOT / "typings")}
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={os.devnull}", str(script)]
    pyright = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(script)]
    for command in (mypy, pyright):
        done = subprocess.run(command, cwd=tmp_path, env=checked, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
