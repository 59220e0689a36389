"""`python -m tests.benchmarks.estimators`: the classifier beside scikit-learn's: time of an epoch, and accuracy."""

from __future__ import annotations

import argparse
import gc
import warnings
from importlib import import_module
from statistics import median
from time import process_time
from typing import Any

import torch
from torch import Generator

from pure_mlp.data.load import load
from pure_mlp.data.split import split

from .goals import verdict

GOAL = 0.3
"""Of the seconds that theirs takes for an epoch."""


def parts(name: str, dtype: str) -> tuple[Any, ...]:
    """Standardised features and labels to train with, and others to score, as arrays."""
    data = load(name)
    training, test = split(data, 0.25, Generator().manual_seed(0))
    mean, std = training.x.mean(0), training.x.std(0).clamp(min=1e-3)
    arrays = [(((part.x - mean) / std).numpy().astype(dtype), part.y.reshape(-1).numpy()) for part in (training, test)]
    return *arrays[0], *arrays[1]


def main() -> None:
    """One thread, the default net of 100 and batches of 200 of both; planning and compiling included."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.estimators", description="Beside scikit-learn.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--hidden", type=int, nargs="*", default=[100])
    parser.add_argument("--engine", help="as of fit")
    args = parser.parse_args()
    ours = import_module("pure_mlp.interop.estimators").PureMLPClassifier
    print(
        f"seconds of one processor, medians of {args.rounds} fits of {args.epochs} epochs in turn; engine {args.engine or 'plan'}"
    )
    theirs = import_module("sklearn.neural_network").MLPClassifier
    torch.set_num_threads(1)
    limited = import_module("threadpoolctl").threadpool_limits
    same = {"hidden_layer_sizes": tuple(args.hidden), "max_iter": args.epochs}
    for name in ("digits", "breast_cancer"):
        for dtype in ("float64", "float32"):
            x, y, held, labels = parts(name, dtype)
            with limited(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                times: dict[Any, list[float]] = {ours: [], theirs: []}
                scores: dict[Any, list[float]] = {ours: [], theirs: []}
                for seed in range(args.rounds):
                    for kind, more in ((ours, {"engine": args.engine}), (theirs, {"n_iter_no_change": args.epochs + 1})):
                        estimator = kind(**same, random_state=seed, **more)
                        gc.collect()
                        begin = process_time()
                        estimator.fit(x, y)
                        times[kind].append((process_time() - begin) / args.epochs)
                        scores[kind].append(estimator.score(held, labels))
            ratio = median(a / b for a, b in zip(times[ours], times[theirs]))
            said = f"ours {1e3 * median(times[ours]):.2f} ms an epoch, theirs {1e3 * median(times[theirs]):.2f}, ratio {ratio:.2f}"
            accuracy = f"accuracy {median(scores[ours]):.4f} and {median(scores[theirs]):.4f}"
            print(f"{name} in {dtype}, {len(x)} rows: {said}, goal < {GOAL}: {verdict(ratio, GOAL)}; {accuracy}", flush=True)


if __name__ == "__main__":
    main()
