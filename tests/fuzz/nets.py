"""Nets of the library with losses and optimizers, drawn as programs."""

from __future__ import annotations

from random import Random

import pure_mlp as pm
from pure_mlp.registry.layers import LAYER_ROWS
from pure_mlp.registry.losses import LOSS_ROWS
from pure_mlp.registry.optimizers import OPTIMIZER_ROWS
from pure_mlp.registry.schedules import SCHEDULE_ROWS

from .containers import container
from .program import Program

ACTIVATIONS = [sample.name for row in LAYER_ROWS.values() if row.word for sample in row.samples()]
SCHEDULES = [f"SCHEDULE_ROWS[{name!r}].make({{lr}})" for name in SCHEDULE_ROWS]
OPTIMIZERS = [
    f"pm.{name}({', '.join(['{lr}', *(f'{key}={value!r}' for key, value in options.items())])})"
    for name, row in OPTIMIZER_ROWS.items()
    for options in ({}, *row.variants.values())
]
CLIPS = ["pm.clip_by_global_norm(1.0)", "pm.clip_by_value(0.1)", "pm.clip_by_global_norm(1e-3)"]
LOSSES = [
    *(
        f"pm.{name}" if getattr(pm, name) is row.function else f"LOSS_ROWS[{name!r}].mean"  # the loss, or what makes it
        for name, row in LOSS_ROWS.items()
        if row.takes != "probabilities"
    ),
    "lambda y, z: pm.mse(y, z, 'sum')",
]


def optimizer(random: Random, rate: str) -> str:
    """An optimizer, perhaps on a schedule, perhaps after clipping, as an expression."""
    lr = random.choice(SCHEDULES).format(lr=rate) if random.random() < 0.3 else rate
    rule = random.choice(OPTIMIZERS).format(lr=lr)
    return f"pm.chain({random.choice(CLIPS)}, {rule})" if random.random() < 0.3 else rule


def net(random: Random, n_in: int, n_out: int, depth: int = 2) -> tuple[str, str]:
    """A net from one width to another, and its params, as expressions; the params know a generator g and a dtype d."""
    act = f"pm.{random.choice(ACTIVATIONS)}"
    affine = f"pm.linear_init({n_in}, {n_out}, g, d)"
    kinds = ["linear", "dense", "serial", "fan_sum", "remat", "parallel"] + ["residual", "activation"] * (n_in == n_out)
    kind = random.choice(kinds if depth else kinds[:2])
    if kind == "linear":
        return "pm.linear", affine
    if kind == "dense":
        return f"pm.dense({act})", affine
    if kind == "activation":
        return act, "()"
    if kind == "serial":
        middle = random.choice([1, 2, 3, 5, 8])
        (f, p), (h, q) = net(random, n_in, middle, depth - 1), net(random, middle, n_out, depth - 1)
        return f"pm.serial({f}, {act}, {h})", f"({p}, (), {q})"
    if kind == "parallel" and n_out > 1:
        (f, p), (h, q) = net(random, n_in, 1, depth - 1), net(random, n_in, n_out - 1, depth - 1)
        return f"pm.parallel({f}, {h})", f"({p}, {q})"
    if kind == "fan_sum":
        (f, p), (h, q) = net(random, n_in, n_out, depth - 1), net(random, n_in, n_out, depth - 1)
        return f"pm.fan_sum({f}, {h})", f"({p}, {q})"
    f, p = net(random, n_in, n_out, depth - 1)
    return f"pm.{'residual' if kind == 'residual' else 'remat'}({f})", p


def drawn_net(seed: int) -> Program:
    """A training step of a net, a loss and an optimizer of the library; a quarter of the nets are ensembles of two."""
    random = Random(seed)
    n_in, n_out = random.choice([1, 2, 3, 5, 8]), random.choice([1, 2, 3, 5])
    made, params = net(random, n_in, n_out)
    loss, dtype = random.choice(LOSSES), random.choice(["torch.float64", "torch.float32"])
    several = random.random() < 0.25
    lead = "2, " if several else ""
    layouts = random.choices(["rows", "columns", "gaps", "padded", "misaligned", "first row"], k=2)
    rows = [random.choice([1, 2, 3, 5, 16, 33]), random.choice([0, 1, 4, 16])]

    def batch(n: int) -> str:
        x = f"rand(({lead}{n}, {n_in}), {dtype}, {random.randrange(1000)}, {layouts[0]!r}, '')"
        y = f"rand(({lead}{n}, {n_out}), {dtype}, {random.randrange(1000)}, {layouts[1]!r}, '')"
        target = f"{y}.argmax(-1)" if loss == "pm.cross_entropy" else f"{y}.sigmoid()" if "bce" in loss else y
        return f"pack({container(random, 0.7)!r}, {x}, {target})"

    if several:
        made, params = f"pm.ensemble({made})", f"pm.tree_map(lambda p: torch.stack((p, p * 0.5)), {params})"
    setup = (
        f"g, d = torch.Generator().manual_seed({seed}), {dtype}",
        f"params, optimizer = {params}, {optimizer(random, random.choice(['1.0', '0.1', '1e-3', '1e-7']))}",
        f"inner = pm.training_step({made}, {loss}, optimizer)",
    )
    batches = tuple(batch(rows[0] if j == 0 or random.random() < 0.7 else rows[1]) for j in range(random.randrange(2, 5)))
    return Program(
        setup,
        ("params", "optimizer.init(params)"),
        batches,
        ("(n0, n1), J = inner((c0, c1), (x0, x1))",),
        kind=container(random, 0.7),
    )
