"""Files that hang, fork, eat, print, leave, lie or are no Python cost their own row only, and no file is believed."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
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


ESCAPES = {
    "setsid": "import ctypes, os, time\nif ctypes.CDLL(None).fork() == 0:\n    os.setsid()\n    mark()\n    time.sleep(10000)\n",
    "twice": "import ctypes, os, time\nfork = ctypes.CDLL(None).fork\nif fork() == 0:\n    os.setsid()\n"
    "    if fork() == 0:\n        os.setsid()\n        mark()\n        time.sleep(10000)\n    os._exit(0)\n",
    "another program": "import ctypes, os\nlibc = ctypes.CDLL(None)\nif libc.fork() == 0:\n    os.setsid()\n    mark()\n"
    "    libc.execl(b'/bin/sleep', b'sleep', b'10000', None)\n",
}


def alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


needs_linux = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a subreaper, and processes as root")


@needs_linux
def test_processes_that_leave_the_group_are_ended(tmp_path: Path) -> None:
    """As root RLIMIT_NPROC does not hold, and libc's fork passes no audit hook."""
    marks = tmp_path / "marks"
    marks.mkdir()
    for name, escape in ESCAPES.items():
        mark = f"def mark(): open({str(marks)!r} + '/' + str(os.getpid()), 'w').close()\n"
        wait = f"while not os.listdir({str(marks)!r}): pass\n"
        (tmp_path / f"{name}.py").write_text("import os\n" + mark + escape + wait + CORRECT)
    reports = grade(sorted(tmp_path.glob("*.py")), jobs=2)
    assert [r.path for r in reports if r.verdict != "right"] == []
    escaped = [int(path.name) for path in marks.iterdir()]
    assert len(escaped) == len(ESCAPES)
    assert [process for process in escaped if alive(process)] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_grader_that_is_ended_takes_its_probes_along_and_leaves_what_it_has(tmp_path: Path, how: signal.Signals) -> None:
    """One file is right, one marks its process and sleeps: the report on the first is there, the process of the second is not."""
    if how == signal.SIGKILL and sys.platform != "linux":
        return
    mark = tmp_path / "mark"
    (tmp_path / "a.py").write_text(CORRECT)
    sleeper = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()) + '.')\ntime.sleep(10000)\nMLP = 0\n"
    (tmp_path / "b.py").write_text(sleeper)
    flags = [sys.executable, "-m", "pure_mlp", "homework", "grade", "--jobs", "1", "--seconds", "500", str(tmp_path)]
    with subprocess.Popen(flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as grader:
        assert grader.stdout is not None
        first = grader.stdout.readline()
        while not (mark.exists() and mark.read_text().endswith(".")):
            assert grader.poll() is None
            time.sleep(0.01)
        grader.send_signal(how)
        errors = grader.communicate(timeout=300)[1]
    assert first.decode().strip() == f"{tmp_path / 'a.py'}: right"
    assert grader.returncode == (-how if how == signal.SIGKILL else 130), errors
    if how != signal.SIGKILL:
        assert b"interrupted: 1 of 2 files graded" in errors
    process = int(mark.read_text().rstrip("."))
    while alive(process):  # it has been told: this ends, or the whole run is ended
        time.sleep(0.01)


def test_an_interrupted_list_is_closed(tmp_path: Path) -> None:
    """What was graded is in the JSON, which is whole."""
    mark = tmp_path / "mark"
    (tmp_path / "a.py").write_text(CORRECT)
    (tmp_path / "b.py").write_text(f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(10000)\nMLP = 0\n")
    flags = [sys.executable, "-m", "pure_mlp", "homework", "grade", "--json", "--jobs", "1", "--seconds", "500", str(tmp_path)]
    with subprocess.Popen(flags, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as grader:
        while not mark.exists():
            assert grader.poll() is None
            time.sleep(0.01)
        grader.terminate()
        out, _ = grader.communicate(timeout=300)
    assert [r["verdict"] for r in json.loads(out)] == ["right"]


def test_files_without_an_end_are_ended(tmp_path: Path) -> None:
    reports = graded(tmp_path, ENDLESS, Limits(seconds=5))
    assert "still running after 5 s" in reports["sleeps"].failure
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
