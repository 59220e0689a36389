"""`check`: is every hand-written gradient what numerical differentiation says it is?"""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

from torch import Generator

from pure_mlp.check.differences import LIMIT, distance
from pure_mlp.check.rows import registered_by, row_laws
from pure_mlp.cli.cases import all_cases, net_cases
from pure_mlp.cli.printing import say
from pure_mlp.cli.report import table
from pure_mlp.homework.entry import entry_report

_LAST = ("identity", "sigmoid")
"""g of a file's net where it is not given: bce takes what sigmoid gives."""
_HOMEWORK = re.compile(r"^(class MLP|def (mse|bce)_loss)\b", re.MULTILINE)
"""What only an mlp.py has."""


def check(options: Namespace) -> int:
    """Print the distance of each gradient from 5-point differences in float64; 0 if all are right, else 1.

    Of a file: the laws of everything that it registers, or one entry of an mlp.py in full. Of a net, if one of
    hidden, f, g and loss is given. Else of every layer and loss of the library.

    >>> from pure_mlp.cli.parser import parser
    >>> check(parser().parse_args(["check", "--hidden", "--loss", "mse"]))  # doctest: +ELLIPSIS
    <BLANKLINE>
    the net 8 -> 3, f relu, g identity, loss mse: ... of 3 gradients are within 1e-07 (relative to the largest component)
    0
    """
    generator = Generator().manual_seed(options.seed)
    if options.file is not None:
        homework = options.entry or _HOMEWORK.search(options.file.read_text(encoding="utf-8", errors="replace"))
        return _check_entry(options, generator) if homework else _check_laws(options.file)
    given = (options.hidden, options.f, options.g, options.loss)
    if given == (None,) * 4:
        title, cases = "every layer and loss", all_cases(generator)
    else:
        hidden = [7] if options.hidden is None else options.hidden
        f, g, loss = options.f or "relu", options.g or "identity", options.loss or "mse"
        widths = " -> ".join(map(str, (8, *hidden, 3)))
        title, cases = f"the net {widths}, f {f}, g {g}, loss {loss}", net_cases(hidden, f, g, loss, generator)

    rows: list[tuple[str, ...]] = []
    wrong = 0
    for case in cases:
        found = distance(case.value, case.point, case.gradient, generator)
        wrong += not found.right
        verdict = "ok" if found.right else "WRONG"
        rows.append(
            (case.what, case.of, f"{found.places}/{case.point.numel()}", f"{found.absolute:.1e}", f"{found.relative:.1e}", verdict)
        )
    header = ("what", "gradient of", "places", "max abs error", "relative", "verdict")
    table(f"{title}: hand-written gradients against 5-point differences in float64", header, rows)
    print(f"\n{len(rows) - wrong} of {len(rows)} gradients are within {LIMIT:g} (relative to the largest component)")
    return int(wrong > 0)


def _check_entry(options: Namespace, generator: Generator) -> int:
    loss, f = options.loss or "mse", options.f or "relu"
    g = options.g or _LAST[loss == "bce"]
    text, right = entry_report(options.file, options.entry or "W1[0, 2]", f, g, loss, generator)
    for line in text.splitlines():
        say(line)
    return int(not right)


def _check_laws(path: Path) -> int:
    rows = registered_by(path)
    print(f"{path.name} registers {', '.join(row.name for row in rows)}; the laws of each:\n")
    reports = [report for row in rows for report in row_laws(row)]
    print("\n".join(map(str, reports)))
    return int(not all(report.ok for report in reports))
