"""Points for a report: each row's, in proportion to what is right in it; and what of that a student may see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.rows import ROWS

SEEN = ROWS[:11]
"""The rows that a student sees at once: forward, gradients, losses. The others are the teacher's until the grades are published."""


@attrs.frozen
class Score:
    """One row for a gradebook: `told` is for the student, what is seen of mistakes is for the teacher."""

    name: str
    score: float
    points: float
    told: str
    visible: bool


def scores(report: Report, points: Mapping[str, float]) -> list[Score]:
    """A score for each row that has points; all are 0 where the file could not be run.

    >>> [s.score for s in scores(Report("mlp.py", failure="hangs"), {"forward": 2.0})]
    [0.0]
    """
    rows = {row.name: row for row in report.rows}
    made = []
    for name in ROWS:
        if points.get(name, 0) > 0 and (name in rows or report.failure):
            credit = rows[name].credit if name in rows else 0.0
            told = rows[name].verdict if name in rows else report.failure
            made.append(Score(name, credit * points[name], points[name], told, name in SEEN))
    return made


def read_points(path: Path | None) -> dict[str, float]:
    """Points by row: 1 each without a file, else those of a JSON object, which leaves out what does not count.

    Raises `ValueError` for another file, a row that there is not, and points that are no positive number.

    >>> read_points(None)["forward"]
    1.0
    """
    if path is None:
        return dict.fromkeys(ROWS, 1.0)
    try:
        given = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f'{path} is no JSON, expected such as {{"forward": 10, "dJdW1": 5}}: {error}') from error
    if not isinstance(given, dict) or not given:
        raise ValueError(f'{path} has no object with points, expected such as {{"forward": 10, "dJdW1": 5}}')
    for name, value in given.items():
        if name not in ROWS:
            raise ValueError(f"{path}: no row {name!r}, expected some of {', '.join(ROWS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"{path}: {name} has the points {value!r}, expected a positive number")
    return {name: float(value) for name, value in given.items()}
