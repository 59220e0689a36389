"""`python -m tests.benchmarks.credit`: the rules for credit on the digits, as a table."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator

from pure_mlp import Epoch, angles, cross_entropy, fit, kolen_pollack, training_step, value_and_grad
from pure_mlp.cli.model import Model, net_like, net_of
from pure_mlp.cli.parser import parser as flags
from pure_mlp.cli.prepared import prepare
from pure_mlp.cli.request import parts_of, setup_of
from pure_mlp.cli.rule import begun, own_params, ruled
from pure_mlp.cli.setup import RULES
from pure_mlp.data.load import load
from pure_mlp.data.standardize import fit_standardizer
from pure_mlp.registry.functions import OPTIMIZERS


def trained(rule: str, seed: int, epochs: int) -> tuple[float, list[list[float]]]:
    """Accuracy on the test part; the angle to the true gradient of each hidden layer's weights, before and after every epoch."""
    data = load("digits")
    command = ["train", "digits", "--hidden", "64", "32", "--rule", rule, "--seed", str(seed), "--epochs", str(epochs)]
    setup, generator = setup_of(flags().parse_args(command), data), Generator().manual_seed(seed)
    parts = parts_of(setup, data, generator)
    model = Model(setup, net_of(setup, generator)[1], fit_standardizer(parts["training"].x), None)
    training, test = prepare(model, parts["training"]), prepare(model, parts["test"])
    net, plain, start = ruled(setup), net_like(setup), begun(setup, model.params)
    sent = kolen_pollack(plain, 0.0) if rule == "kp" else net  # weight decay is no part of the credit
    optimizer = OPTIMIZERS[setup.optimizer](setup.lr)
    told: list[list[float]] = []

    def tell(carried: Any) -> None:
        mine = own_params(setup, value_and_grad(sent, cross_entropy)(carried, training.x, training.y)[1])
        true = value_and_grad(plain, cross_entropy)(own_params(setup, carried), training.x, training.y)[1]
        told.append([float(layer.weight) for layer in angles(mine, true)[:-1]])

    def watch(epoch: Epoch[Any]) -> None:
        tell(epoch.carry[0])

    tell(start)
    carry, _ = fit(
        training_step(net, cross_entropy, optimizer),
        (start, optimizer.init(start)),
        (training.x, training.y),
        epochs=epochs,
        batch=setup.batch,
        generator=generator,
        callbacks=(watch,),
    )
    answers = plain.fwd(own_params(setup, carry[0]), test.x)[0].argmax(1)
    return 100 * float((answers == test.y).double().mean()), told


def main(arguments: Sequence[str] | None = None) -> None:
    """A row a rule: accuracy over the seeds, and the mean angle of each hidden layer at the end."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks.credit", description=__doc__)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--epochs", type=int, default=30)
    args = options.parse_args(arguments)
    torch.set_num_threads(1)
    print("| rule | test accuracy [%] | degrees, layer 1 | degrees, layer 2 |\n|---|---|---|---|")
    for rule in RULES:
        runs = [trained(rule, seed, args.epochs) for seed in range(args.seeds)]
        accuracy = f"{statistics.mean(a for a, _ in runs):.1f} +- {statistics.pstdev([a for a, _ in runs]):.1f}"
        ends = [statistics.mean(told[-1][i] for _, told in runs) for i in range(2)]
        print(f"| `{rule}` | {accuracy} | {ends[0]:.0f} | {ends[1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
