"""`python -m tests.benchmarks.table --minutes 60`: measure the whole list, and write the tables of `README.md` beside this file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from .goals import goals, verdicts
from .machine import CAPABILITIES, described, limits, variables
from .measure import compare
from .report import Result, markdown
from .runtimes import NAMES
from .shapes import SHAPES, shape_name
from .task import Task

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- tables -->\n", "<!-- end of tables -->"


class Setting(NamedTuple):
    """What a table is of."""

    capability: str
    threads: int
    optimizer: str
    loss: str

    def __str__(self) -> str:
        return f"{self.capability}, {self.threads} thread{'s' * (self.threads > 1)}, {self.optimizer}, {self.loss}"


SETTINGS = [
    *(Setting("native", threads, rule, loss) for threads in (1, 2) for rule in ("sgd", "adam") for loss in ("mse", "bce")),
    *(Setting(capability, 1, "sgd", "mse") for capability in CAPABILITIES[1:]),
]


def table(setting: Setting, results: dict[str, Result], names: Sequence[str], rounds: int) -> str:
    """The ratios, who beats us where, the goals that are missed, who was left out."""
    text = [f"### {setting}", "", f"{rounds} rounds at most; {described()}", "", *markdown(results, names), ""]
    for shape, result in results.items():
        found = verdicts(goals(shape, setting.optimizer, setting.loss, setting.threads), result.times)
        text += [f"- {shape}: {line}" for line in found if "reached" not in line]
        text += [f"- {shape}: {name} left out: {why}" for name, why in result.missing.items()]
    return "\n".join([*text, ""])


def split(readme: Path = README) -> tuple[str, str, str]:
    """What stands before, between and behind the markers. Raises `ValueError` where those are missing."""
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{readme}: no line {BEGIN.strip()} or {END}")
    before, rest = text.split(BEGIN, 1)
    between, behind = rest.split(END, 1)
    return before, between, behind


def write(tables: Sequence[str], readme: Path = README) -> None:
    """Put the tables between the markers."""
    before, _, behind = split(readme)
    readme.write_text(before + BEGIN + "\n" + "\n".join(tables) + "\n" + END + behind, encoding="utf-8")


def main() -> None:
    """Settings in turn until the minutes are over; what has been measured by then is written after each shape."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.table", description=__doc__)
    parser.add_argument("shapes", nargs="*", default=[*SHAPES], type=shape_name, metavar="shape", help=", ".join(SHAPES))
    parser.add_argument("--minutes", type=float, default=60.0, help="no shape is begun after that")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--settings", type=int, nargs="+", default=[*range(len(SETTINGS))], help="their numbers in the list")
    parser.add_argument("--append", action="store_true", help="keep the tables that are there")
    parser.add_argument("--peers", metavar="a,b", help="besides eager; all of them if not given")
    args = parser.parse_args()
    names = [name for name in NAMES if not args.peers or name in ("eager", *args.peers.split(","))]
    end = monotonic() + 60 * args.minutes
    tables = [split()[1].strip() + "\n"] if args.append else []
    for setting in (SETTINGS[i] for i in args.settings):
        results: dict[str, Result] = {}
        for shape in args.shapes:
            if monotonic() >= end:
                print(f"out of time before {setting}, {shape}")
                return
            task = Task(*SHAPES[shape], setting.loss, setting.optimizer, setting.threads, "")
            with variables(limits(setting.capability)):
                results[shape] = compare(task, names, args.rounds, 0.02)
            write([*tables, table(setting, results, names, args.rounds)])
            print(f"{setting}, {shape}: {(end - monotonic()) / 60:.1f} minutes left", flush=True)
        tables.append(table(setting, results, names, args.rounds))


if __name__ == "__main__":
    main()
