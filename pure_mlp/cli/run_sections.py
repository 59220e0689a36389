"""What the page of a run shows of its record: the setup, the curves, the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pure_mlp.cli.checkpoint import kept_row
from pure_mlp.cli.recorded import Recorded
from pure_mlp.cli.request import watched
from pure_mlp.cli.scores import Scores
from pure_mlp.cli.setup import Setup
from pure_mlp.cli.summary import MOST_CLASSES, score_rows
from pure_mlp.record import tree_leaves
from pure_mlp.report.chart import Line, chart
from pure_mlp.report.markup import element
from pure_mlp.report.page import Section, figures, note
from pure_mlp.report.rows import confusion_table, facts, rows_table

__all__ = ["curves_section", "score_label", "scores_section", "setup_section"]


def score_label(setup: Setup) -> str:
    """What the score is, with its unit.

    >>> from pure_mlp.cli.model import example
    >>> score_label(example().setup)
    'RMSE [points of disease progression]'
    """
    if setup.task == "regression":
        return f"RMSE [{setup.unit or 'unit of the labels'}]"
    return "accuracy [%]"


def setup_section(run: Recorded, sizes: Mapping[str, int]) -> Section:
    """What was trained, on how many examples of each part, how, and how long.

    >>> from pathlib import Path
    >>> from pure_mlp.cli.history import Row
    >>> from pure_mlp.cli.model import example
    >>> run = Recorded(Path("out"), example(), (Row(1, 0.5, 0.75, 1.0, 0.25),), "", "plan")
    >>> setup_section(run, {"training": 354}).heading
    ''
    """
    setup, kept = run.setup, kept_row(run.setup, run.rows)
    count = sum(leaf.numel() for leaf in tree_leaves(run.model.params))
    said = "the last" if setup.val is None else "the best on the validation part"
    rule = "" if setup.rule == "backprop" else f", rule {setup.rule}"
    learns = f"one of {len(setup.classes)} classes" if setup.classes else "one value" + (f" [{setup.unit}]" if setup.unit else "")
    pairs = [
        ("data", f"{setup.data}: {setup.sizes[0]} features to {learns}"),
        ("examples", ", ".join(f"{n:,} {part}" for part, n in sizes.items())),
        ("net", f"{' - '.join(map(str, setup.sizes))}, f {setup.f}, g {setup.g}: {count:,} parameters"),
        ("training", f"{setup.loss}, {setup.optimizer} with rate {setup.lr:g}, batch {setup.batch}, seed {setup.seed}{rule}"),
        ("epochs", f"{len(run.rows)} in {sum(row.seconds for row in run.rows):.3g} s by engine {run.engine}"),
        ("kept", f"the params of epoch {kept.epoch}, {said}"),
    ]
    return Section("", [facts(pairs)])


def curves_section(run: Recorded) -> Section:
    """Loss and score over the epochs, and the same in numbers.

    >>> from pathlib import Path
    >>> from pure_mlp.cli.history import Row
    >>> from pure_mlp.cli.model import example
    >>> curves_section(Recorded(Path("out"), example(), (Row(1, 0.5, 0.75, 1.0, 0.25),), "", "plan")).heading
    'Curves'
    """
    setup, rows, part = run.setup, run.rows, watched(run.setup)
    scale = 1.0 if setup.task == "regression" else 100.0
    kept = kept_row(setup, rows)
    losses = [
        Line("training, mean over the epoch", [(row.epoch, row.train_loss) for row in rows]),
        Line(f"{part}, after the epoch", [(row.epoch, row.loss) for row in rows]),
    ]
    score = Line(part, [(row.epoch, scale * row.metric) for row in rows])
    drawn = [
        chart("loss", losses, "epoch", setup.loss, mark=(kept.epoch, kept.loss)),
        chart(
            f"score, {part} part",
            [score],
            "epoch",
            score_label(setup),
            log=False,
            mark=(kept.epoch, scale * kept.metric),
        ),
    ]
    header = ["epoch", "training loss", f"{part} loss", score_label(setup), "seconds"]
    cells = [[str(r.epoch), f"{r.train_loss:.5g}", f"{r.loss:.5g}", f"{scale * r.metric:.5g}", f"{r.seconds:.3g}"] for r in rows]
    numbers = element("details", element("summary", "every epoch in numbers"), rows_table(header, cells))
    return Section("Curves", [figures(drawn), note(f"The ring is at epoch {kept.epoch}, whose params are kept."), numbers])


def scores_section(setup: Setup, scored: Mapping[str, Scores], told: Sequence[tuple[float, float]]) -> Section:
    """The scores of the kept params on each part, and of the last part the confusion of classes, or (label, prediction) of some.

    >>> from pure_mlp.cli.model import example
    >>> scores_section(example().setup, {"test": Scores(88, 0.5, None, None, 55.0, 0.5)}, [(60.0, 65.0)]).heading
    'Scores'
    """
    header, cells = score_rows(setup, scored)
    parts = [rows_table(header, cells)]
    part, last = [*scored.items()][-1]
    if last.confusion is not None and len(setup.classes) <= MOST_CLASSES:
        said = (
            f"The {part} part: rows are true classes, columns predicted ones; the stronger a colour, the larger a share of its row."
        )
        parts += [confusion_table(setup.classes, last.confusion), note(said)]
    if setup.task == "regression":
        ends = min(map(min, told)), max(map(max, told))
        lines = [Line("as it is", [(end, end) for end in ends]), Line("example", told, dots=True)]
        unit = setup.unit or "unit of the labels"
        parts.append(figures([chart(f"predictions, {part} part", lines, "label", f"prediction [{unit}]", log=False, whole=False)]))
        parts.append(note(f"The first {len(told)} examples."))
    return Section("Scores", parts)
