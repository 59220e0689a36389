"""`python -m tests.benchmarks.loading`: the time to load each shipped data set."""

from __future__ import annotations

from statistics import quantiles
from time import perf_counter

from pure_mlp.data.embedded import EMBEDDED, embedded


def seconds(name: str) -> float:
    """Wall time of one loading."""
    start = perf_counter()
    embedded(name)
    return perf_counter() - start


def main(rounds: int = 21) -> None:
    """Print the quartiles for each set, after one round that warms the disk."""
    for name in EMBEDDED:
        low, median, high = quantiles([seconds(name) for _ in range(rounds + 1)][1:], n=4)
        print(f"load {name}: {median:.3f} s [{low:.3f} {high:.3f}], {rounds} rounds")


if __name__ == "__main__":
    main()
