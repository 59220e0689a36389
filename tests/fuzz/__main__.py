"""`python -m tests.fuzz SECONDS [--seed N] [--engine plan|native] [--sanitize]`."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter

from pure_mlp import Engine

from .run import run, warm
from .sanitize import restart


def main() -> int:
    """Draw programs for so many seconds; print each that differs, made short; 1 if there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=main.__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=0, help="the first program's (0)")
    parser.add_argument("--programs", type=int, help="at most so many")
    parser.add_argument("--engine", choices=["plan", "native"], help="this one alone")
    parser.add_argument("--shrink", type=float, default=60.0, metavar="SECONDS", help="to spend on making a program short (60)")
    parser.add_argument("--sanitize", action="store_true", help="native programs, under gcc's address and undefined sanitizers")
    options = parser.parse_args()
    if options.sanitize:
        return restart(sys.argv[1:])
    engines: list[Engine] = [options.engine] if options.engine else ["plan", "native"]
    for engine in engines:
        warm(engine)
    counts: Counter[str] = Counter()
    seeds = range(options.seed, options.seed + options.programs) if options.programs else itertools.count(options.seed)
    found = 0
    for difference in run(seeds, engines, counts=counts, until=time.monotonic() + options.seconds, shrink=options.shrink):
        found += 1
        print(difference, flush=True)
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return int(found > 0)


if __name__ == "__main__":
    raise SystemExit(main())
