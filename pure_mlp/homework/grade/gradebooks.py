"""Reports for Gradescope, Otter and PrairieLearn."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pure_mlp.homework.grade.credit import SEEN, scores
from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.report import as_text
from pure_mlp.homework.grade.rows import ROWS

SETUP = """#!/usr/bin/env bash
# Gradescope builds the machine: put the wheel of pure_mlp beside this file, or let pip find it.
set -e
apt-get update && apt-get install -y python3-pip
python3 -m pip install torch --index-url https://download.pytorch.org/whl/cpu
python3 -m pip install /autograder/source/*.whl || python3 -m pip install pure-mlp
"""
RUN = """#!/usr/bin/env bash
# Gradescope grades one submission.
cd /autograder
points=/autograder/source/points.json
[ -e "$points" ] && set -- --points "$points"
python3 -m pure_mlp homework grade submission/mlp.py --format gradescope --out results "$@"
[ -e results/results.json ]
"""


def gradescope(report: Report, points: Mapping[str, float], seconds: float) -> dict[str, bytes]:
    """results.json, and autograder.zip with setup.sh, run_autograder and points.json. The score counts hidden rows too.

    >>> sorted(gradescope(Report("mlp.py"), {}, 1.0))
    ['autograder.zip', 'results.json']
    """
    made = scores(report, points)
    tests: list[dict[str, object]] = [
        {
            "name": s.name,
            "number": str(i),
            "score": s.score,
            "max_score": s.points,
            "status": "passed" if s.score == s.points else "failed",
            "output": s.told,
            "output_format": "text",
            "visibility": "visible" if s.visible else "after_published",
            "tags": ["numbers" if s.visible else "state"],
        }
        for i, s in enumerate(made, 1)
    ]
    teacher = {"name": "for the teacher", "output": as_text(report, 100), "output_format": "text", "visibility": "hidden"}
    whole = {
        "score": sum(s.score for s in made),
        "execution_time": round(seconds),
        "output": _student(report),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [*tests, teacher],
    }
    parts = {"setup.sh": SETUP, "run_autograder": RUN, "points.json": json.dumps(dict(points), indent=2)}
    archive = io.BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as file:
        for name, text in parts.items():
            entry = ZipInfo(name)
            entry.external_attr = 0o100755 << 16  # to be run
            file.writestr(entry, text)
    return {"results.json": json.dumps(whole, indent=2).encode(), "autograder.zip": archive.getvalue()}


def prairielearn(report: Report, points: Mapping[str, float], seconds: float) -> dict[str, bytes]:
    """results.json of an external grader. The score, 0 to 1, counts the teacher's rows; their output is in the score alone.

    >>> json.loads(prairielearn(Report("mlp.py", failure="cannot be read"), {"forward": 1.0}, 1.0)["results.json"])["gradable"]
    False
    """
    made = scores(report, points)
    total = sum(s.points for s in made)
    whole = {
        "gradable": not report.failure,
        "score": sum(s.score for s in made) / total if total else 0.0,
        "message": _student(report),
        "output": report.failure,
        "tests": [
            {"name": s.name, "points": s.score, "max_points": s.points, "message": "", "output": s.told} for s in made if s.visible
        ],
    }
    return {"results.json": json.dumps(whole, indent=2).encode()}


def otter(report: Report, points: Mapping[str, float], seconds: float) -> dict[str, bytes]:
    """test_mlp.py with a test case for each row, which grades ./mlp.py where Otter runs it.

    >>> b"OK_FORMAT = False" in otter(Report("mlp.py"), {"forward": 1.0}, 1.0)["test_mlp.py"]
    True
    """
    cases = []
    for name in ROWS:
        if points.get(name, 0) > 0:
            told = f'success_message="{name}: right", failure_message="{name}: not right"'
            head = f"@test_case(name={name!r}, points={points[name]}, hidden={name not in SEEN}, {told})"
            cases.append(f"{head}\ndef test_{name.replace(' ', '_')}(env):\n    assert verdicts()[{name!r}] == 'right'\n")
    return {"test_mlp.py": (OTTER + "\n\n".join(cases)).encode()}


OTTER = '''"""The homework's mlp.py, graded by pure_mlp, row by row."""

from functools import lru_cache
from pathlib import Path

from otter.test_files import test_case
from pure_mlp.homework.grade.run import Limits, grade_file

OK_FORMAT = False
name = "mlp"
points = None


@lru_cache(maxsize=None)
def verdicts():
    report = grade_file(Path("mlp.py"), Limits())
    assert not report.failure, report.failure
    return {row.name: row.verdict for row in report.rows}


'''

GRADEBOOKS: dict[str, Callable[[Report, Mapping[str, float], float], dict[str, bytes]]] = {
    "gradescope": gradescope,
    "otter": otter,
    "prairielearn": prairielearn,
}
"""Files to write, by name, for each of the three."""


def _student(report: Report) -> str:
    """What a student is told of the whole: whether it could be run, and how many rows are right."""
    if report.failure:
        return f"The file could not be graded: {report.failure}."
    seen = [row for row in report.rows if row.name in SEEN]
    return f"{sum(row.verdict == 'right' for row in seen)} of {len(seen)} checks that you see are right; there are others."


def write(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write the files into the folder, made if need be, and return their paths.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     [path.name for path in write({"results.json": b"{}"}, Path(folder))]
    ['results.json']
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]
