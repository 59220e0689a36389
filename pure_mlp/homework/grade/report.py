"""Reports as a text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import fill

from pure_mlp.homework.grade.judge import VERDICTS, Report


def exit_code(reports: Sequence[Report]) -> int:
    """0 if all pass, with remarks or without, 1 if some fail, 2 if some could not be run.

    >>> exit_code([Report("a.py"), Report("b.py", failure="hangs")])
    2
    """
    return max((max(VERDICTS.index(report.verdict) - 1, 0) for report in reports), default=0)


def as_text(report: Report, width: int = 80, brief: bool = False) -> str:
    """The table of one file, what fails and what is remarked, in lines of at most `width` characters; only what is said if `brief`.

    >>> print(as_text(Report("mlp.py", failure="still running after 60 s")))
    mlp.py: could not run
      still running after 60 s
    >>> from pure_mlp.homework.grade.rows import Row
    >>> print(as_text(Report("a.py", (Row("forward", "error", "", "KeyError: 3"), Row("dJdW1", "error", "", "KeyError: 3")))))
    a.py: fails the checks that a hidden test makes
      forward         error  KeyError: 3
      dJdW1           error  the same exception
    """
    lines = [f"{report.path}: {report.verdict}"]
    lines += [_wrapped("  ", report.failure, width)] if report.failure else []
    told = {""}
    for row in report.rows if not brief else ():
        raised = row.raised if row.raised not in told else "the same exception" * bool(row.raised)
        lines.append(_wrapped(f"  {row.name:<15} {row.verdict:<6} ", "; ".join(filter(None, [row.detail, raised])), width))
        told.add(row.raised)
    lines += [_wrapped("  -> ", sentence, width) for sentence in report.diagnosis]
    lines += ["  Remarks:"] if report.remarks else []
    lines += [_wrapped("  -  ", f"{said.text} Risk: {said.risk}.", width) for said in report.remarks]
    return "\n".join(lines)


def _wrapped(start: str, text: str, width: int) -> str:
    """`text` after `start`, in lines that begin where it begins; a narrow terminal gets 30 characters all the same."""
    indent = " " * len(start)
    wide = max(width, len(start) + 30)
    return fill(text, wide, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False) if text else start.rstrip()


def as_summary(reports: Sequence[Report], width: int = 80) -> str:
    """How many of several files are right, and what is said of more than one of them, most frequent first.

    >>> print(as_summary([Report("a.py"), Report("b.py", failure="hangs")]))
    2 files: 1 right, 0 pass with remarks, 0 fail, 1 could not run
    """
    counts = Counter(report.verdict for report in reports)
    words = dict(zip(VERDICTS, ("right", "pass with remarks", "fail", "could not run")))
    lines = [_wrapped("", f"{len(reports)} files: {', '.join(f'{counts[v]} {words[v]}' for v in VERDICTS)}", width)]
    texts = [text for report in reports for text in (*report.diagnosis, *(said.text for said in report.remarks))]
    said = Counter(text.split(" (line ")[0] for text in texts)
    lines += [_wrapped(f"{number:>5} x ", sentence, width) for sentence, number in said.most_common() if number > 1]
    return "\n".join(lines)
