"""Reports as a text for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import attrs

from pure_mlp.homework.grade.judge import Report


def verdict(report: Report) -> str:
    """`right`, `wrong` or `could not run`.

    >>> verdict(Report("mlp.py", failure="still running after 60 s"))
    'could not run'
    """
    return "could not run" if report.failure else "right" if report.right else "wrong"


def exit_code(reports: Sequence[Report]) -> int:
    """0 if all are right, 1 if some are wrong, 2 if some could not be run.

    >>> exit_code([Report("a.py"), Report("b.py", failure="hangs")])
    2
    """
    return max((("right", "wrong", "could not run").index(verdict(report)) for report in reports), default=0)


def as_text(report: Report) -> str:
    """The table of one file and its diagnosis.

    >>> print(as_text(Report("mlp.py", failure="still running after 60 s")))
    mlp.py: could not run
      still running after 60 s
    """
    lines = [f"{report.path}: {verdict(report)}"]
    lines += [f"  {report.failure}"] if report.failure else []
    lines += [f"  {row.name:<15} {row.verdict:<6} {row.detail}".rstrip() for row in report.rows]
    lines += [f"  -> {sentence}" for sentence in report.diagnosis]
    return "\n".join(lines)


def as_json(reports: Sequence[Report]) -> str:
    """A list of objects: path, verdict, failure, rows, diagnosis.

    >>> as_json([])
    '[]'
    """
    return json.dumps([attrs.asdict(report) | {"verdict": verdict(report)} for report in reports], indent=2)


def as_csv(reports: Sequence[Report]) -> str:
    """One line a file: path, verdict, failure, diagnosis, then the verdict of each row.

    >>> as_csv([Report("mlp.py", failure="hangs")]).splitlines()
    ['path,verdict,failure,diagnosis', 'mlp.py,could not run,hangs,']
    """
    names = list(dict.fromkeys(row.name for report in reports for row in report.rows))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["path", "verdict", "failure", "diagnosis", *names])
    for report in reports:
        verdicts = {row.name: row.verdict for row in report.rows}
        writer.writerow(
            [report.path, verdict(report), report.failure, " ".join(report.diagnosis), *(verdicts.get(n, "") for n in names)]
        )
    return out.getvalue()
