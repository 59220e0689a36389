"""What people read: escaped, in their encoding, in words; and the habits of a command line."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import KEPT

import pure_mlp
from pure_mlp.__main__ import main
from pure_mlp.cli.printing import printable
from pure_mlp.cli.report import table
from pure_mlp.cli.version import version

EVIL = "\x1b[2J\x07\u202e\x9b\0\ud800"
SMALL = ["--epochs", "1", "--hidden", "4", "--batch", "4"]


def program(*arguments: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pure_mlp", *arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=120, check=False)


def npz(path: Path, labels: list[str]) -> str:
    np = pytest.importorskip("numpy", reason="numpy reads .npz")
    n = len(labels) * 10
    np.savez(path, X=np.arange(2.0 * n).reshape(n, 2), y=np.array(labels * 10))
    return str(path)


@given(st.text())
def test_nothing_that_is_printed_steers_a_terminal(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown


def test_tables_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    table(f"t{EVIL}", (f"c{EVIL}",), [(f"r{EVIL}",)], (f"f{EVIL}",))
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.splitlines())
    assert [line[0] for line in printed.splitlines()[1:]] == ["t", "c", "-", "r", "f"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
def test_names_of_classes_files_and_folders_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steer = "\x1b[31m$x^\u202e"
    data = npz(tmp_path / f"d{steer}.npz", [f"a{steer}", f"b{steer}", f"c{steer}"])
    out, rows = str(tmp_path / f"run{steer}"), str(tmp_path / f"p{steer}.csv")
    assert main(["train", data, "--out", out, *SMALL]) == 0
    assert main(["predict", out, data, "--csv", rows]) == 0
    unknown = (["train", data + steer], ["train", f"--{steer}"], [steer], ["predict", out + steer, data])
    for wrong in (*unknown, ["train", data, "--out", out]):
        assert main(wrong) == 2
    printed = capsys.readouterr()
    assert all(line.isprintable() for line in (printed.out + printed.err).splitlines())
    assert "\\x1b[31m" in printed.out
    assert printed.err.count("\\x1b[31m") >= 5
    assert json.loads(Path(out, "metrics.json").read_text())["setup"]["classes"] == [f"{c}{steer}" for c in "abc"]
    with Path(rows).open(newline="", encoding="utf-8") as file:
        assert {row["label"] for row in csv.DictReader(file)} == {f"{c}{steer}" for c in "abc"}


LABELS = ["L\u00e4nge", "\u6f22", "\U0001f600"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_what_an_encoding_lacks_is_replaced(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, buffer = npz(tmp_path / "d.npz", LABELS), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding))
    assert main(["train", data, *SMALL]) == 0
    shown = "L\\xe4nge" if encoding == "ascii" else "L\u00e4nge"
    assert shown in buffer.getvalue().decode(encoding)


def test_the_files_are_written_whatever_the_encoding_of_the_terminal(tmp_path: Path) -> None:
    encoding, data = "ascii", npz(tmp_path / "d.npz", LABELS)
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    trained = program("train", data, "--out", "run", *SMALL, folder=tmp_path, environment=environment)
    assert (trained.returncode, b"Traceback" in trained.stderr) == (0, False)
    assert {p.name for p in (tmp_path / "run").iterdir()} == KEPT
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"].keys() == {"training", "test"}
    told = program("predict", "run", data, "--csv", "p.csv", folder=tmp_path, environment=environment)
    assert told.returncode == 0
    assert "L\u00e4nge" in (tmp_path / "p.csv").read_text(encoding="utf-8")
    assert "L\\xe4nge" in trained.stdout.decode(encoding)


def test_labels_that_no_encoding_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = npz(tmp_path / "d.npz", ["a\ud800", "b", "c"])
    assert main(["train", data, "--out", str(tmp_path / "run"), *SMALL]) == 0
    assert main(["predict", str(tmp_path / "run"), data, "--csv", str(tmp_path / "p.csv")]) == 0
    assert "a\\ud800" in capsys.readouterr().out
    assert "a\\ud800" in (tmp_path / "p.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["64,32", "64, 32", "64;32", "64,32,", "[64,32]"])
def test_a_list_with_commas_is_told_how_to_be_written(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--hidden", text]) == 2
    assert capsys.readouterr().err == "pure-mlp train: argument --hidden: separate by spaces: --hidden 64 32\n"


@pytest.mark.parametrize("text", ["\u0661", "\u00b2", "1_000", " 1", "+1", "1.0", "1e3", "", "9" * 30])
def test_a_whole_number_is_written_in_digits(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--epochs", text]) == 2
    assert "is not a whole number from 1" in capsys.readouterr().err


def test_without_a_command_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: pure-mlp")
    assert all(command in printed.out for command in ("train", "predict", "check", "homework", "theory"))
    assert printed.err == ""


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([flag])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"pure-mlp {version()}\n"


def test_a_net_beyond_memory_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "diabetes", "--hidden", str(10**15)]) == 2
    assert capsys.readouterr().err == f"pure-mlp train: a net of the widths 10 {10**15} 1 does not fit into memory\n"


@pytest.mark.skipif(
    sys.platform == "win32" or "_starting" not in Path(pure_mlp.__file__).read_text(encoding="utf-8"),
    reason="signals of POSIX; and pure_mlp/__init__.py has to import pure_mlp._starting first",
)
@pytest.mark.parametrize("wait", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_ctrl_c_in_the_first_second_is_silent(wait: float, tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "pure_mlp", "train", "diabetes", "--epochs", "1000000"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stderr
        for line in started.stderr:
            if "pure_mlp._starting" in line:
                break
        time.sleep(wait)
        started.send_signal(signal.SIGINT)
        errors = started.stderr.read()
    assert started.returncode == 130
    said = [line for line in errors.splitlines() if not line.startswith("import time:")]
    assert not said or said[-1].startswith("pure-mlp train: interrupted")
    assert not any("Traceback" in line or "Error" in line for line in said)
