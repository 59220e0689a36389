"""Reports as a text for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from textwrap import fill

import attrs

from pure_mlp.homework.grade.judge import Report

VERDICTS = ("right", "wrong", "could not run")


def verdict(report: Report) -> str:
    """`right`, `wrong` or `could not run`.

    >>> verdict(Report("mlp.py", failure="still running after 60 s"))
    'could not run'
    """
    return VERDICTS[2] if report.failure else VERDICTS[0] if report.right else VERDICTS[1]


def exit_code(reports: Sequence[Report]) -> int:
    """0 if all are right, 1 if some are wrong, 2 if some could not be run.

    >>> exit_code([Report("a.py"), Report("b.py", failure="hangs")])
    2
    """
    return max((VERDICTS.index(verdict(report)) for report in reports), default=0)


def as_text(report: Report, width: int = 80, brief: bool = False) -> str:
    """The table of one file and its diagnosis, in lines of at most `width` characters; without the rows that are right if `brief`.

    >>> print(as_text(Report("mlp.py", failure="still running after 60 s")))
    mlp.py: could not run
      still running after 60 s
    >>> from pure_mlp.homework.grade.rows import Row
    >>> print(as_text(Report("a.py", (Row("forward", "error", "", "KeyError: 3"), Row("dJdW1", "error", "", "KeyError: 3")))))
    a.py: wrong
      forward         error  KeyError: 3
      dJdW1           error  the same exception
    """
    lines = [f"{report.path}: {verdict(report)}"]
    lines += [_wrapped("  ", report.failure, width)] if report.failure else []
    told = {""}
    for row in report.rows:
        if not (brief and row.verdict == "right"):
            raised = row.raised if row.raised not in told else "the same exception" * bool(row.raised)
            lines.append(_wrapped(f"  {row.name:<15} {row.verdict:<6} ", "; ".join(filter(None, [row.detail, raised])), width))
            told.add(row.raised)
    lines += [_wrapped("  -> ", sentence, width) for sentence in report.diagnosis]
    return "\n".join(lines)


def _wrapped(start: str, text: str, width: int) -> str:
    """`text` after `start`, in lines that begin where it begins; a narrow terminal gets 30 characters all the same."""
    indent = " " * len(start)
    wide = max(width, len(start) + 30)
    return fill(text, wide, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False) if text else start.rstrip()


def as_summary(reports: Sequence[Report], width: int = 80) -> str:
    """How many of several files are right, and what is said of more than one of them, most frequent first.

    >>> print(as_summary([Report("a.py"), Report("b.py", failure="hangs")]))
    2 files: 1 right, 0 wrong, 1 could not run
    """
    counts = Counter(map(verdict, reports))
    lines = [f"{len(reports)} files: {', '.join(f'{counts[v]} {v}' for v in VERDICTS)}"]
    said = Counter(sentence.split(" (line ")[0] for report in reports for sentence in report.diagnosis)
    lines += [_wrapped(f"{number:>5} x ", sentence, width) for sentence, number in said.most_common() if number > 1]
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
