"""What the type checkers infer and refuse: the files of `tests/typed`, run through mypy and pyright with the torch of `typings`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

import pure_mlp

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests" / "typed").glob("typed_*.py"))

Found = dict[tuple[str, int], str]
"""Messages by file name and line."""


def expected(marks: str) -> Found:
    """The texts after `# E:` and the like."""
    lines = ((path.name, number, line) for path in FILES for number, line in enumerate(path.read_text().splitlines(), 1))
    marked = ((name, number, re.search(rf"  # [{marks}]: (.+)$", line)) for name, number, line in lines)
    return {(name, number): match[1] for name, number, match in marked if match}


@pytest.fixture(scope="module")
def by_mypy() -> Found:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", str(ROOT / "typings"))
        patch.chdir(ROOT)
        flags = ["--strict", "--config-file=", f"--cache-dir={os.devnull}", "--no-error-summary", "--hide-error-context"]
        out, problem, _ = api.run([*flags, *map(str, FILES)])
    assert not problem, problem
    found: Found = {}
    for path, number, text in re.findall(r"^(.+?):(\d+): error: (.+)$", out, re.MULTILINE):
        key = Path(path).name, int(number)
        found[key] = f"{found.get(key, '')}{text}\n"
    return found


@pytest.fixture(scope="module")
def by_pyright() -> Found:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *map(str, FILES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    errors = [d for d in json.loads(done.stdout)["generalDiagnostics"] if d["severity"] == "error"]
    return {(Path(d["file"]).name, d["range"]["start"]["line"] + 1): d["message"] for d in errors}


def test_every_file_is_checked() -> None:
    assert [path.stem for path in FILES] == [
        *("typed_autograd", "typed_errors", "typed_errors_sized", "typed_nets", "typed_sized", "typed_training")
    ]


def test_mypy_infers_the_types_and_refuses_the_errors(by_mypy: Found) -> None:
    wanted = expected("EM")
    assert sorted(by_mypy) == sorted(wanted), by_mypy
    assert {key: text for key, text in wanted.items() if text not in by_mypy[key]} == {}, by_mypy


def test_pyright_infers_the_types_and_refuses_the_errors(by_pyright: Found) -> None:
    assert sorted(by_pyright) == sorted(expected("E")), by_pyright


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_page_on_types_shows_what_they_say_of_wrong_nets(checker: str, request: pytest.FixtureRequest) -> None:
    page = (Path(pure_mlp.__file__).parent / "docs" / "types.md").read_text("utf-8")
    shown = re.findall(rf"^{checker}  +(.+)$", page, re.MULTILINE)
    said = "".join(text for (file, _), text in request.getfixturevalue(f"by_{checker}").items() if file == "typed_errors_sized.py")
    assert len(shown) == 8
    assert [text for text in shown if text not in said] == []


@pytest.mark.parametrize("name", ["backward", "requires_grad_", "autograd", "no_grad", "vjp"])
def test_autograd_is_a_type_error(name: str, by_mypy: Found) -> None:
    assert any(file == "typed_autograd.py" and f'no attribute "{name}"' in text for (file, _), text in by_mypy.items())
