"""`python -m tests.benchmarks.importing`: the time of `import pure_mlp` over that of `import torch`, whole processes in turn."""

from __future__ import annotations

import subprocess
import sys
from statistics import quantiles
from time import perf_counter


def seconds(module: str) -> float:
    """Wall time of a fresh interpreter that imports the module."""
    start = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return perf_counter() - start


def main(rounds: int = 21) -> None:
    """Print the quartiles of the ratio, after one round that warms the disk."""
    ratios = [seconds("pure_mlp") / seconds("torch") for _ in range(rounds + 1)][1:]
    low, median, high = quantiles(ratios, n=4)
    print(f"import pure_mlp / import torch: {median:.3f} [{low:.3f} {high:.3f}], {rounds} rounds")


if __name__ == "__main__":
    main()
