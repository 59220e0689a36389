"""Reports as JSON and as CSV, written one after the other, so that an interrupted run leaves what it has."""

from __future__ import annotations

import csv
import io
import json

import attrs

from pure_mlp.homework.grade.judge import Report
from pure_mlp.homework.grade.rows import ROWS


def as_json(report: Report) -> str:
    """One object: path, rows, diagnosis, remarks, failure, verdict.

    >>> as_json(Report("mlp.py"))
    '{"path": "mlp.py", "rows": [], "diagnosis": [], "remarks": [], "failure": "", "verdict": "right"}'
    """
    return json.dumps(attrs.asdict(report) | {"verdict": report.verdict})


def csv_head() -> str:
    """The names of the columns.

    >>> csv_head().split(",")[:3]
    ['path', 'verdict', 'failure']
    """
    return _line(["path", "verdict", "failure", "diagnosis", "remarks", *ROWS])


def as_csv(report: Report) -> str:
    """One line: path, verdict, failure, what is said, then the verdict of each row.

    >>> as_csv(Report("mlp.py", failure="hangs"))[:32]
    'mlp.py,could not run,hangs,,,,,,'
    """
    verdicts = {row.name: row.verdict for row in report.rows}
    said = [" ".join(report.diagnosis), " ".join(f"{s.text} Risk: {s.risk}." for s in report.remarks)]
    return _line([report.path, report.verdict, report.failure, *said, *(verdicts.get(name, "") for name in ROWS)])


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
