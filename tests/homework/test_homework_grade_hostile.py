"""Files that hang, fork, eat, print, leave, lie or are no Python cost their own row only, and no file is believed."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

from mistakes import CORRECT, spoiled
from students import STYLES

from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.report import as_summary, as_text, exit_code
from pure_mlp.homework.grade.rows import Row, Said
from pure_mlp.homework.grade.run import Limits, grade
from pure_mlp.homework.grade.tables import as_csv, as_json

WRONG = spoiled((("d1 = d2 * sf", "d1 = d2"),))

ENDLESS = {
    "recurses": "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "hangs": "while True: pass",
    "sleeps": "import time\ntime.sleep(1000)",
    "prints": "while True: print('x' * 1000000)",
}
HOSTILE = {
    "exits": "import os\nos._exit(0)",
    "leaves": "exit(3)",
    "is no Python": "class MLP(:",
    "eats memory": "x = [bytearray(1 << 28) for _ in range(100)]",
    "forks": "import os\nwhile True: os.fork()",
    "fills the disk": "f = open('big', 'wb')\nwhile True: f.write(bytes(1 << 20))",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "lies": "import os\nopen('observed.pt', 'wb').write(b'nonsense')\nos._exit(0)",
    "is no class": "MLP = mse_loss = bce_loss = 7",
    "is empty": "",
    "removes its folder": "import os, shutil\nshutil.rmtree(os.getcwd())\n" + CORRECT,
    "leans on the library": "from pure_mlp.losses.mse import mse as mse_loss",
    "reads stdin": "input()",
    "is far too long": "#" * (2 << 20),
}

FORGE = """
import os, sys, torch
row = {"stage": "", "error": ""}
seen = {"load": "", "unknown": "ValueError relu sigmoid identity", "nets": [row] * 36, "losses": [row] * 10,
        "autograd": [], "replaced": []}
"""
CHEATS = {
    "prints that all is right": "print('right')\nimport json\nprint(json.dumps({'verdict': 'right'}))\n" + WRONG,
    "replaces allclose": WRONG.replace("import torch\n", "import torch\ntorch.allclose = torch.equal = lambda *a, **k: True\n"),
    "replaces clone": WRONG.replace("import torch\n", "import torch\ntorch.Tensor.clone = lambda self: self\n"),
    "replaces save": WRONG + "\nsave = torch.save\ntorch.save = lambda seen, name: save({**seen, 'load': '', 'nets': []}, name)\n",
    "writes rows of its own": FORGE + "torch.save(seen, 'observed.pt')\nos._exit(0)\n",
    "writes under the name of the answer": FORGE
    + """
frame = sys._getframe()
while "answer" not in frame.f_globals: frame = frame.f_back
torch.save(seen, frame.f_globals["answer"])
os._exit(0)
""",
    "writes shapes from nowhere": FORGE
    + """
huge = torch.zeros(1).expand(1 << 40)
frame = sys._getframe()
while "answer" not in frame.f_globals: frame = frame.f_back
seen["nets"] = [{"stage": "", "error": "", "computed": {name + which: huge for name in
    ("y", "dJdW1", "dJdb1", "dJdW2", "dJdb2") for which in
        ("", " twice", " second", " new", " fresh")}}] * 36
torch.save(seen, frame.f_globals["answer"])
os._exit(0)
""",
}


USUAL = Limits()


def graded(folder: Path, sources: dict[str, str], limits: Limits = USUAL) -> dict[str, Report]:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return {Path(r.path).stem: r for r in grade(sorted(folder.glob("*.py")), limits, jobs=4)}


SURROGATES = {
    "a surrogate": 'raise ValueError("\\ud800")\nMLP = 0',
    "a surrogate in forward": CORRECT.replace("        return y_hat\n", '        raise ValueError("\\ud800 \\x1b[31m")\n'),
    "escapes": 'raise ValueError("\\x1b]0;owned\\x07\\x1b[2J")\nMLP = 0',
    "a name of its own": CORRECT.replace("        return y_hat\n", "        return type('\\x1b[31mT', (), {})()\n"),
    "an error without a text": "class E(Exception):\n    def __str__(self): return 1\n"
    + CORRECT.replace("        p = self.parameters\n", "        raise E\n"),
}


def test_the_bytes_of_one_file_spoil_nobodys_output(tmp_path: Path) -> None:
    """The command as it is run, with a strict encoding: every file has its row, and nothing is written raw."""
    (tmp_path / "right.py").write_text(CORRECT)
    (tmp_path / "\x1b[31mred.py").write_text(CORRECT)
    for name, source in SURROGATES.items():
        (tmp_path / f"{name}.py").write_text(source)
    done = command(tmp_path, "--csv", environment={"PYTHONIOENCODING": "utf-8:strict", "COLUMNS": "500"})
    assert done.returncode == 2, done.stderr
    assert b"\x1b" not in done.stdout
    verdicts = {Path(row["path"]).stem: row["verdict"] for row in csv.DictReader(done.stdout.decode().splitlines())}
    assert verdicts["right"] == verdicts["\\x1b[31mred"] == "right"
    assert verdicts.keys() == {*SURROGATES, "right", "\\x1b[31mred"}


def test_every_form_of_a_report_is_plain() -> None:
    rude = "\ud800 \x1b[31m \0"
    row = Row("forward", "error", rude, rude)
    whole = Report(rude, (row,), diagnosis=(Said(rude).text,), remarks=(Said(rude, "none"),))
    for report in (whole, Report(rude, failure=rude)):
        for text in (as_text(report), as_json(report), as_csv(report), as_summary([report, report])):
            assert all(letter.isprintable() or letter == "\n" for letter in text)
            assert text.encode("utf-8")


def command(folder: Path, *flags: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pure_mlp", "homework", "grade", *flags, str(folder)],
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=600,
    )


def test_files_without_an_end_are_ended(tmp_path: Path) -> None:
    reports = graded(tmp_path, ENDLESS, Limits(seconds=5))
    assert re.fullmatch(r"still running after 5 s(, in its import, line 2)?", reports["sleeps"].failure)
    assert [name for name, r in reports.items() if not r.failure] == []


def test_hostile_files_cost_their_own_row_only(tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "link.py").symlink_to("right.py")
    (tmp_path / "endless.py").symlink_to("/dev/zero")
    (tmp_path / "broken.py").symlink_to("nowhere")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\n# für\n".encode("latin-1") + CORRECT.encode())
    reports = graded(
        tmp_path,
        HOSTILE
        | {
            "right": CORRECT,
            "forks in forward": CORRECT.replace("        z1 = x", "        __import__('os').fork()\n        z1 = x"),
        },
    )
    assert all(reports.pop(name).verdict == "right" for name in ("right", "link", "latin"))
    half = [reports.pop(name) for name in ("is no class", "is empty", "forks in forward")]
    assert exit_code(half) == 1
    assert "PermissionError: os.fork: a graded file starts no processes (line" in half[2].rows[0].raised
    assert [name for name, r in reports.items() if not r.failure] == []
    told = {
        "is no Python": "SyntaxError: invalid syntax (line 1)",
        "forks": "os.fork",
        "exits": "before all was computed",
        "leaves": "SystemExit: 3",
        "crashes": "SIGSEGV",
        "fills the disk": "File too large",
        "eats memory": "MemoryError",
        "removes its folder": "",
        "leans on the library": "pure_mlp is not there when the homework is checked",
        "reads stdin": "EOFError",
        "is far too long": "larger than",
        "endless": "not an ordinary file",
        "pipe": "not an ordinary file",
        "folder": "not an ordinary file",
        "broken": "no such file",
    }
    assert {name: reports[name].failure for name, text in told.items() if text not in reports[name].failure} == {}


def test_a_file_that_cheats_is_not_believed(tmp_path: Path) -> None:
    reports = graded(tmp_path, CHEATS)
    assert [name for name, r in reports.items() if r.verdict == "right"] == []
    assert "replaces functions of torch (torch.allclose, torch.equal)" in " ".join(reports["replaces allclose"].diagnosis)
    assert "The slope of f is missing" in reports["prints that all is right"].diagnosis[0]


def test_correct_files_are_right_in_processes_of_their_own(tmp_path: Path) -> None:
    assert [name for name, r in graded(tmp_path, STYLES).items() if r.verdict != "right"] == []
