"""`report`, `compare` and `train --log`: what they show is what the run was, and whatever is wrong is said in a line."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from shutil import which
from types import ModuleType
from typing import Any

import pytest
import torch

from pure_mlp import Linear
from pure_mlp.__main__ import main
from pure_mlp.cli.params import NAME, read, save
from pure_mlp.cli.prepared import Prepared
from pure_mlp.cli.recorded import again, recorded
from pure_mlp.cli.watching import MOST, Watching
from pure_mlp.saving import store

np = pytest.importorskip("numpy", reason="numpy reads .npz")
EVIL = "<script>alert(1)</script>&\"'"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder to work in, and no curves.png."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.chdir(tmp_path)


def write(kind: str, seed: int = 0) -> str:
    """80 examples: an .npz file for "regression" and "images", for "classes" and "binary" a table with evil texts."""
    g = np.random.default_rng(seed)
    if kind == "regression":
        x = g.normal(size=(80, 3))
        np.savez("d.npz", X=x, y=x @ [1.0, -2.0, 0.5] + x[:, 0] ** 2)
    elif kind == "images":
        np.savez("d.npz", X=g.normal(size=(80, 3, 4)), y=np.arange(80) % 3)
    else:
        x = g.normal(size=(80, 2)).round(3)
        names = [EVIL, "b", "c"][: 3 if kind == "classes" else 2]
        with Path("d.csv").open("w", newline="") as file:
            rows = ([*row, names[i % len(names)]] for i, row in enumerate(x.tolist()))
            csv.writer(file).writerows([[f"{EVIL} length", "width", "kind"], *rows])
        return "d.csv"
    return "d.npz"


def train(kind: str, *flags: str, out: str = "run", epochs: int = 4) -> None:
    target = [] if kind in ("regression", "images") else ["--target", "kind"]
    assert main(["train", write(kind), *target, "--hidden", "4", "--epochs", str(epochs), "--out", out, *flags]) == 0


def page(*words: str) -> str:
    assert main(["report", "run", *words]) == 0
    return Path("run", "report.html").read_text("utf-8")


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main([*words]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def epochs_of(path: str) -> list[dict[str, str]]:
    with Path(path).open() as file:
        return [*csv.DictReader(file)]


def rewrite(change: Callable[[Any], None]) -> None:
    """The file of the run, with a change in what JSON holds of its epochs."""

    def other(model: Any, tensors: Any, training: Any) -> None:
        change(training)
        save(Path("run", NAME), model, {name: t for name, t in tensors.items() if name.startswith("training.")}, training)

    read(Path("run"), other)


@pytest.mark.parametrize("kind", ["regression", "images", "classes", "binary"])
def test_the_page_of_a_run(kind: str) -> None:
    train(kind, "--val", "0.2")
    html = page()
    assert not re.search(r"<script|\bsrc=|@import|url\(|https?:|{{", html)
    assert {link[:22] for link in re.findall(r'href="([^"]*)', html)} <= {"data:image/png;base64,"}
    assert "Its losses are those of the record, to the bit." in html
    assert not re.search(r"\b(nan|inf|None)\b", html)
    headings = re.findall(r"<h2>([^<]+)</h2>", html)
    more = {"images": ["The first layer"], "classes": ["The decision surface"], "binary": ["The decision surface"]}
    assert headings == ["Curves", "Scores", "Gradients", "Spectra", *more.get(kind, [])]
    if kind == "classes":
        assert f"{EVIL} length" not in html
        evil = html.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;")
        assert evil == 4 + 2 + 1  # an axis of each plane, row and column of the confusion, the legend
        assert re.findall(r"<figcaption>(after epoch \d|before training)<", html) == [
            "before training",
            *(f"after epoch {n}" for n in (1, 2, 4)),
        ]
    metrics = json.loads(Path("run/metrics.json").read_text())["metrics"]
    assert f"<td>{metrics['test']['loss']:.4g}</td>" in html
    if kind != "regression":
        cells = [0 if cell == "·" else int(cell) for cell in re.findall(r"--share: \d+%\">([^<]+)<", html)]
        assert cells == [n for row in metrics["test"]["confusion"] for n in row]
    for row in epochs_of("run/metrics.csv"):
        assert f"<td>{row['epoch']}</td><td>{float(row['train_loss']):.5g}</td><td>{float(row['validation_loss']):.5g}</td>" in html


def by_autograd(layers: Sequence[Linear], part: Prepared) -> list[torch.Tensor]:
    params = [t.clone().requires_grad_() for p in layers for t in (p.weight, p.bias)]
    y_hat = (part.x @ params[0].t() + params[1]).relu() @ params[2].t() + params[3]
    grads = torch.autograd.grad((y_hat - part.y).square().mean(), params)
    return [torch.cat((a.flatten(), b)) for a, b in (grads[:2], grads[2:])]


@pytest.mark.parametrize("rule", ["backprop", "fa", "kp"])
def test_what_is_measured_is_the_run_itself(rule: str) -> None:
    train("regression", "--rule", rule)
    run = recorded(Path("run"))
    model, parts, start = again(run, 4)
    training = parts["training"]
    assert isinstance(training, Prepared)
    watching = Watching(model, training.x, training.y, 4)
    watching.see(0, start.carry[0])
    theirs = by_autograd(model.params, training)
    [first] = watching.moments
    assert first.to_first == (0.0, 0.0)
    assert (first.to_backprop is None) == (rule == "backprop")
    if rule == "backprop":
        assert first.norms == pytest.approx([t.norm().item() for t in theirs], rel=1e-5)
        watching.see(4, run.model.params)
        pairs = zip(theirs, by_autograd(run.model.params, training))
        angles = [torch.rad2deg((a @ b / a.norm() / b.norm()).acos()).item() for a, b in pairs]
        assert watching.moments[-1].to_first == pytest.approx(angles, rel=1e-3)
        assert min(angles) > 0.1
    elif rule == "fa":
        assert first.norms[1] == pytest.approx(theirs[1].norm().item(), rel=1e-5)
        assert first.to_backprop is not None
        assert first.to_backprop[1] < 0.1 < first.to_backprop[0]  # the last layer's cotangent passes no feedback
    assert ("angle to the gradient of backpropagation" in page()) == (rule != "backprop")


def test_a_folder_called_as_shipped_data_is_no_data() -> None:
    Path("diabetes").mkdir()
    assert main(["train", "diabetes", "--epochs", "1", "--hidden", "--out", "run"]) == 0
    assert "The first layer" not in page()


def test_of_many_epochs_some_are_measured_and_always_the_last() -> None:
    train("regression", epochs=1)
    model, parts, start = again(recorded(Path("run")), 1)
    batch = next(iter(parts["training"].pieces()))
    epochs = 2 * MOST + 1
    watching = Watching(model, batch.x, batch.y, epochs, batch.x)
    for epoch in range(epochs + 1):
        watching.see(epoch, start.carry[0])
    assert [moment.epoch for moment in watching.moments] == [*range(0, epochs, 3), epochs]
    assert [epoch for epoch, _ in watching.frames] == [0, 1, 2, 4, 8, 16, 32, 64, epochs]


def test_another_processor_is_said() -> None:
    """As if the recorded losses had been rounded in another way."""
    train("regression")

    def rounded(training: Any) -> None:
        training["rows"][2][1] += 1e-7

    rewrite(rounded)
    assert "Its losses differ from epoch 3 on" in page()


def test_a_report_refuses_in_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    train("regression", "--save-every", "2")
    whole = Path("run", NAME).read_bytes()
    assert refused(capsys, "report", "none") == "pure-mlp report: none: expected a folder or a .safetensors file, found nothing"
    Path("empty").mkdir()
    assert refused(capsys, "report", "empty") == "pure-mlp report: empty: a folder without params.safetensors"
    said = "holds params without the run that made them: name the folder that train --out wrote"
    assert refused(capsys, "report", "run/epoch-2.safetensors") == f"pure-mlp report: run/epoch-2.safetensors {said}"
    assert refused(capsys, "report", "run", "-o", "a.pdf") == "pure-mlp report: a.pdf: expected a name that ends in .html"
    assert refused(capsys, "report", "run", "-o", "no/a.html") == "pure-mlp report: no/a.html: there is no folder no to write to"
    Path("run", NAME).write_bytes(whole[:-10])
    assert refused(capsys, "report", "run").startswith(
        "pure-mlp report: run/params.safetensors: not a file that pure_mlp wrote, or damaged"
    )
    Path("run", NAME).write_bytes(whole)
    with monkeypatch.context() as later:
        rewrite(lambda training: later.setattr(store, "FORMAT", store.FORMAT + 1))
    assert re.search(r"run/params.safetensors: format \d+, .*; a newer pure_mlp wrote it", refused(capsys, "compare", "run"))
    Path("run", NAME).write_bytes(whole)
    write("regression", seed=1)
    assert refused(capsys, "report", "run") == "pure-mlp report: the examples of d.npz are others than those of the run in run"
    Path("d.npz").unlink()
    assert refused(capsys, "report", "run") == "pure-mlp report: d.npz: expected an .npz file, found no such file"
    assert not Path("run", "report.html").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [([[1, 2]], "run/params.safetensors: not a model written by pure-mlp train"), ([], "the run in run has no epoch yet")],
)
def test_a_damaged_history_and_none_are_refused(rows: list[list[int]], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    train("regression")
    rewrite(lambda training: training.update(rows=rows))
    for command in ("report", "compare"):
        assert refused(capsys, command, "run").startswith(f"pure-mlp {command}: {said}")


def test_runs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    train("binary", out="a")
    train("binary", "--lr", "0.1", "--val", "0.2", out="b & c", epochs=2)
    capsys.readouterr()
    assert main(["compare", "a", "b & c", "-o", "c.html"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.split(r"\s{2,}", lines[2]) == [
        *["run", "lr", "val", "last loss", "best loss", "last score", "best score"],
        *["watched", "epochs", "seconds", "params"],
    ]
    rows = epochs_of("b & c/metrics.csv")
    cells = re.split(r"\s{2,}", lines[5])
    assert [*cells[:3], cells[-1], cells[-3]] == ["b & c", "0.1", "0.2", "17", "2"]
    assert cells[3] == f"{float(rows[-1]['validation_loss']):.4g}"
    assert cells[4] == f"{min(float(row['validation_loss']) for row in rows):.4g}"
    html = Path("c.html").read_text("utf-8")
    assert html.count("<polyline") == 6
    assert "b &amp; c" in html
    assert "b & c" not in html
    assert "The runs differ in data, loss or watched part" in html


def test_runs_of_other_tasks_have_scores_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    train("regression", out="a", epochs=2)
    train("binary", out="b", epochs=2)
    assert main(["compare", "a", "b", "a", "-o", "c.html"]) == 0
    html = Path("c.html").read_text("utf-8")
    assert re.findall(r"<figcaption>([^<]+)", html) == [
        "training loss",
        "loss of the watched part",
        *["score of the watched part"] * 2,
    ]
    assert html.count("accuracy [%]") == html.count("RMSE [unit of the labels]") == 1


def test_lines_of_json_are_the_epochs_whatever_happens_between(capsys: pytest.CaptureFixture[str]) -> None:
    train("regression", "--log", "jsonl", epochs=2)
    train("regression", "--log", "jsonl", "--resume", epochs=3)
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    rows = epochs_of("run/metrics.csv")
    assert [{name: float(value) for name, value in row.items()} for row in rows] == lines
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert "metrics.jsonl" in capsys.readouterr().out.splitlines()[-1]
    page()
    train("regression", "--overwrite", epochs=1)
    assert {path.name for path in Path("run").iterdir()} == {"params.safetensors", "metrics.csv", "metrics.json"}


class Writer:
    """torch's `SummaryWriter`, as far as it is called."""

    calls: list[tuple[object, ...]]

    def __init__(self, folder: str, purge_step: int) -> None:
        Writer.calls = [(folder, purge_step)]

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        Writer.calls.append(("closed",))

    def add_scalar(self, *call: object) -> None:
        Writer.calls.append(call)

    def flush(self) -> None:
        Writer.calls.append(("flushed",))


def test_tensorboard_gets_every_epoch_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]  # of a module made here
    monkeypatch.setitem(sys.modules, module.__name__, module)
    train("regression", "--log", "tensorboard", "--log", "jsonl", epochs=1)
    train("regression", "--log", "tensorboard", "--resume", epochs=2)
    row = epochs_of("run/metrics.csv")[-1]
    scalars = [(name, float(value), 2) for name, value in row.items() if name != "epoch"]
    assert Writer.calls == [(str(Path("run/tensorboard")), 2), *scalars, ("flushed",), ("closed",)]
    assert Path("run/metrics.jsonl").exists()


def test_tensorboard_reads_what_it_got() -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    reader = import_module("tensorboard.backend.event_processing.event_accumulator")
    train("regression", "--log", "tensorboard", epochs=1)
    train("regression", "--log", "tensorboard", "--resume", epochs=3)
    events = reader.EventAccumulator("run/tensorboard")
    events.Reload()
    rows = epochs_of("run/metrics.csv")
    assert set(events.Tags()["scalars"]) == {"train_loss", "test_loss", "test_rmse", "seconds"}
    seen = [(event.step, event.value) for event in events.Scalars("test_rmse")]
    assert seen == [(int(row["epoch"]), pytest.approx(float(row["test_rmse"]), rel=1e-6)) for row in rows]


def test_a_log_that_cannot_be_is_refused_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    data = write("regression")
    assert refused(capsys, "train", data, "--log", "jsonl") == "pure-mlp train: --log jsonl goes with --out, the folder of the run"
    line = "pure-mlp train: --log tensorboard needs the package tensorboard: pip install 'pure-mlp[tensorboard]'"
    assert refused(capsys, "train", data, "--out", "run", "--log", "tensorboard") == line
    assert not Path("run").exists()


WIDTHS = (360, 1280)
MEASURE = """<script>
for (const part of document.querySelectorAll("details")) part.open = true;
const wide = [...document.querySelectorAll("figure")].filter((e) => e.scrollWidth > e.clientWidth).length;
const fits = document.documentElement.scrollWidth <= document.documentElement.clientWidth && !wide;
parent.postMessage(name + (fits ? " fits" : " is too narrow"), "*");
</script></body>"""


def test_the_pages_fit_a_phone_and_a_desktop(tmp_path: Path) -> None:
    browser = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    train("classes", "--rule", "fa")
    main(["report", "run", "-o", "report.html"])
    main(["compare", "run", "run", "-o", "compare.html"])
    names = ("report.html", "compare.html")
    frames = [
        f'<iframe src="{name}" name="{name} {width}" width="{width}" height="600"></iframe>' for name in names for width in WIDTHS
    ]
    for name in names:
        Path(name).write_text(Path(name).read_text("utf-8").replace("</body>", MEASURE), "utf-8")
    listen = "<script>addEventListener('message', (e) => document.body.append(`[${e.data}]`))</script>"
    Path("outer.html").write_text(f"<body>{''.join(frames)}{listen}</body>")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom")
    command = [browser, *flags, "--window-size=2400,700", "--virtual-time-budget=20000", (tmp_path / "outer.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert {*re.findall(r"\[([\w. ]+)\]", done.stdout)} == {f"{name} {width} fits" for name in names for width in WIDTHS}
