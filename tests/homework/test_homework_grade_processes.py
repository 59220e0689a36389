"""No process that a file starts outlives its grading, and none the grader; what was graded by then is there."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mistakes import CORRECT

import pure_mlp.homework.grade
from pure_mlp.homework.grade.run import grade
from pure_mlp.homework.grade.source import unused_imports

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


def test_the_packages_of_the_grader_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is reachable by PYTHONPATH alone, named from another folder, as torch itself is on some machines."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "reachable.py").touch()
    (tmp_path / "mlp.py").write_text("import reachable\n" + CORRECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, ["packages", os.environ.get("PYTHONPATH")])))
    assert [(r.verdict, r.failure) for r in grade([Path("mlp.py")])] == [("right", "")]


class Cycle:
    """Garbage that runs Python when it is collected, so that threads change places at any moment."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


def test_sources_are_read_by_several_threads() -> None:
    """CPython 3.11 raises `SystemError` where two threads build a tree at a time."""
    source = "y = " + " + ".join(["f(a[1:2], *b, **{'k': [i for i in z]})"] * 80) + "\nx = " + "(" * 60 + "1" + ")" * 60

    def read(_: int) -> list[tuple[int, str]]:
        garbage = [Cycle() for _ in range(20)]
        del garbage
        return unused_imports(source)

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    try:
        sys.setswitchinterval(1e-6)
        gc.set_threshold(50)
        with ThreadPoolExecutor(8) as pool:
            assert [*pool.map(read, range(300))] == [[]] * 300
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*threshold)


def test_the_neighbours_of_the_probe_stand_for_nothing_of_the_library_of_python() -> None:
    """The probe starts with their folder before Python's own."""
    folder = Path(str(pure_mlp.homework.grade.__file__)).parent
    assert {path.stem for path in folder.iterdir()} & {*sys.stdlib_module_names} == set()
