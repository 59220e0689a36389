"""`train`: a net on a data set, with everything that a person wants to see and keep of it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import torch

from pure_mlp.cli.anatomy import anatomy
from pure_mlp.cli.begin import begin
from pure_mlp.cli.checkpoint import kept_row, resume
from pure_mlp.cli.extras import advice
from pure_mlp.cli.fitting import fit_model
from pure_mlp.cli.folder import FILES, claim, epoch_files, holds_params, tidy
from pure_mlp.cli.history import Row, columns, draw_curves, write_json
from pure_mlp.cli.joined import joined
from pure_mlp.cli.logs import LOGS, logged, refuse_logs
from pure_mlp.cli.model import net_like
from pure_mlp.cli.printing import say
from pure_mlp.cli.request import data_of, setup_of, watched
from pure_mlp.cli.scores import score_name, scores
from pure_mlp.cli.summary import print_data, print_engine, print_net, print_scores
from pure_mlp.cli.warned import warned_in_a_line


def train(options: Namespace) -> int:
    """Train as the flags say, print it, and write the files of `--out` after every epoch; 0.

    Raises `KeyboardInterrupt` that says what is kept, `ValueError` and `OSError` for what cannot be done.

    >>> from pure_mlp.cli.parser import parser
    >>> train(parser().parse_args(["train", "diabetes", "--epochs", "1"]))  # doctest: +ELLIPSIS
    data       diabetes: 10 features -> ...
    nothing was saved; --out DIR keeps params, metrics and curves
    0
    """
    with joined(options.mesh) as first:
        return _train(options, first)


def _train(options: Namespace, first: bool) -> int:
    """Only the first of several processes writes; the others read what is there, before anything new can be."""
    refuse_logs(options.log, options.out)
    data = data_of(options)
    setup = setup_of(options, data)
    model, prepared, run = begin(setup, data)
    folder = Path(options.out) if options.out else None
    if folder and options.resume and holds_params(folder):
        run = resume(folder, run, model)
        if first:
            tidy(folder)
    elif folder and first:
        claim(folder, options.overwrite)
    elif options.resume and not folder:
        raise ValueError("--resume goes with --out, the folder of the run")
    folder = folder if first else None

    print_data(setup, {name: part.data for name, part in prepared.items()})
    batch = min(setup.batch, prepared["training"].size)
    print_net(setup, anatomy(net_like(setup), model.params, torch.zeros(batch, setup.sizes[0])))
    if missing := advice():
        print(f"\n{missing}")
    print(flush=True)

    rows: list[Row] = []
    try:
        header = columns(watched(setup), score_name(setup.task))
        with warned_in_a_line("pure-mlp train"), logged(options.log, folder, header, len(run.rows)) as logs:
            flags = options.engine, options.save_every, options.mesh
            model, run = fit_model(model, prepared, run, folder, rows, *flags, listeners=logs)
    except KeyboardInterrupt as interrupt:
        left = f"{folder} holds the files of that epoch" if folder and rows else "nothing was saved"
        raise KeyboardInterrupt(f"interrupted after epoch {len(rows)}; {left}") from interrupt
    finally:
        drawn = bool(folder and rows) and draw_curves(Path(options.out, "curves.png"), setup, watched(setup), rows)

    kept = kept_row(setup, run.rows)
    scored = {name: scores(model, part) for name, part in prepared.items()}
    files: list[str] = []
    if folder:
        files = [*FILES[: 4 if drawn else 3], *epoch_files(folder), *(LOGS[name] for name in LOGS if name in options.log)]
        write_json(folder / "metrics.json", setup, kept.epoch, run.engine, run.compile_seconds, scored)
    print_engine(run.engine, run.compile_seconds)
    print_scores(setup, scored)
    if setup.val is not None:
        print(f"\n{len(rows)} epochs; kept are the params of epoch {kept.epoch}, the best on the validation part")
    print()
    if folder:
        say(f"written to {folder}: {', '.join(files)}")
    else:
        say("nothing was saved; --out DIR keeps params, metrics and curves")
    return 0
