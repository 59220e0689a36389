"""`check`: is every hand-written gradient what numerical differentiation says it is?"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from torch import Generator

from pure_mlp.cli.cases import all_cases, net_cases
from pure_mlp.cli.differences import LIMIT, distance
from pure_mlp.cli.printing import say
from pure_mlp.cli.report import table
from pure_mlp.homework.entry import entry_report

LAST = ("identity", "sigmoid")
"""g of a file's net where it is not given: bce takes what sigmoid gives."""


def check(options: Namespace) -> int:
    """Print the distance of each gradient from 5-point differences in float64; 0 if all are right, else 1.

    Of a file, one entry in full. Of a net, if one of hidden, f, g and loss is given; else of every layer and loss of the library.

    >>> from pure_mlp.cli.parser import parser
    >>> check(parser().parse_args(["check", "--hidden", "--loss", "mse"]))  # doctest: +ELLIPSIS
    <BLANKLINE>
    the net 8 -> 3, f relu, g identity, loss mse: ... of 3 gradients are within 1e-07 (relative to the largest component)
    0
    """
    generator = Generator().manual_seed(options.seed)
    if options.file is not None:
        loss, f = options.loss or "mse", options.f or "relu"
        text, right = entry_report(Path(options.file), options.entry, f, options.g or LAST[loss == "bce"], loss, generator)
        for line in text.splitlines():
            say(line)
        return int(not right)
    given = (options.hidden, options.f, options.g, options.loss)
    if given == (None,) * 4:
        title, cases = "every layer and loss", all_cases(generator)
    else:
        hidden = [7] if options.hidden is None else options.hidden
        f, g, loss = options.f or "relu", options.g or "identity", options.loss or "mse"
        widths = " -> ".join(map(str, (8, *hidden, 3)))
        title, cases = f"the net {widths}, f {f}, g {g}, loss {loss}", net_cases(hidden, f, g, loss, generator)

    rows, wrong = [], 0
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
