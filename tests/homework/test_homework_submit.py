"""The zip that is handed in: the student's own file, and a word on it."""

from __future__ import annotations

import zipfile
from argparse import ArgumentParser
from pathlib import Path

import pytest
from mistakes import CORRECT, spoiled

from pure_mlp.homework.commands import add_parser
from pure_mlp.homework.submit import submit

PDF = b"%PDF-1.5\nbody\n%%EOF\n"


def run(*argv: str) -> int:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["homework", *argv])
    code = args.run(args)
    assert isinstance(code, int)
    return code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder one works in, with theory.pdf."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theory.pdf").write_bytes(PDF)
    return tmp_path


def test_the_students_own_file_is_handed_in(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "# by a student\n" + spoiled((("+= new[name]", "= new[name]"),))
    (folder / "mlp.py").write_text(source)
    assert run("submit", "ab1234", "--theory", "theory.pdf") == 0
    out = capsys.readouterr().out
    with zipfile.ZipFile(folder / "ab1234.zip") as archive:
        assert archive.namelist() == ["theory.pdf", "mlp.py"]
        assert archive.read("mlp.py").decode() == source
        assert archive.read("theory.pdf") == PDF
    lines = out.splitlines()
    assert lines[:3] == [
        "ab1234.zip",
        f"  theory.pdf, {len(PDF)} bytes: %PDF-1.5",
        f"  mlp.py, {len(source)} bytes: # by a student",
    ]
    assert lines[3] == "mlp.py: passes, with remarks"
    assert "backward overwrites the gradients" in " ".join(out.split())
    first = (folder / "ab1234.zip").read_bytes()
    submit("ab1234", Path("theory.pdf"), source.encode(), Path())
    assert (folder / "ab1234.zip").read_bytes() == first


def test_without_a_file_nothing_is_written_and_bundle_is_named(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no .*mlp\.py: .*`pure-mlp homework bundle`"):
        run("submit", "ab1234", "--theory", "theory.pdf")
    assert [path.name for path in folder.iterdir()] == ["theory.pdf"]


def test_another_folders_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "mlp.py").write_text(CORRECT)
    assert run("submit", "ab1234", "--theory", "theory.pdf", "--mlp", "mine/mlp.py", "--out", "mine") == 0
    assert "mlp.py: right" in capsys.readouterr().out
    assert (folder / "mine" / "ab1234.zip").exists()


@pytest.mark.parametrize(
    ("netid", "name", "content", "program", "complaint"),
    [
        ("ab/1234", "theory.pdf", PDF, b"", "net id"),
        ("", "theory.pdf", PDF, b"", "net id"),
        ("ab1234", "Theory.pdf", PDF, b"", "has to be called"),
        ("ab1234", "theory.pdf", b"", b"", "not a whole PDF"),
        ("ab1234", "theory.pdf", PDF[:-6], b"", "not a whole PDF"),
        ("ab1234", "theory.pdf", PDF, b"class MLP", "not Python"),
        ("ab1234", "theory.pdf", PDF, b"\0", "not Python"),
        ("ab1234", "theory.pdf", PDF, b"class MLP: ...\ndef mse_loss(): ...", "does not define bce_loss"),
    ],
)
def test_submit_refuses(tmp_path: Path, netid: str, name: str, content: bytes, program: bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        submit(netid, tmp_path / name, program, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_submit_refuses_what_is_missing_or_misnamed(folder: Path) -> None:
    (folder / "MLP.py").write_text(CORRECT)
    with pytest.raises(ValueError, match=r"has to be called mlp\.py"):
        run("submit", "ab1234", "--theory", "theory.pdf", "--mlp", "MLP.py")
    (folder / "mlp.py").write_text(CORRECT)
    (folder / "theory.pdf").unlink()
    with pytest.raises(FileNotFoundError):
        run("submit", "ab1234", "--theory", "theory.pdf")
