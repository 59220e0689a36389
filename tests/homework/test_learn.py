# ruff: noqa: RUF001  (the page writes the mathematical minus sign)
"""The page to learn with: self-contained, its numbers the library's, its picture whole."""

from __future__ import annotations

import json
import re
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from shutil import which

import pytest
from graded import SENTENCES
from mistakes import NET_SPOILS
from mistakes_losses import LOSS_SPOILS

import pure_mlp
from pure_mlp.homework.grade.net_mistakes import MERGED
from pure_mlp.learn.cases import NETS, batch, case, start
from pure_mlp.learn.commands import add_parser
from pure_mlp.learn.gallery import gallery
from pure_mlp.learn.page import SCRIPTS, page

ROOM = Path(pure_mlp.__file__).parent / "learn"


def in_node(code: str) -> str:
    node = which("node")
    if node is None:
        pytest.skip("node is not installed")
    scripts = [(ROOM / name).read_text(encoding="utf-8") for name in ("net.js", "picture.js", "batch.js", "gallery.js")]
    done = subprocess.run([node, "-e", "\n".join((*scripts, code))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_loads_nothing() -> None:
    html = page(1)
    assert not re.findall(r"{{\w+}}", html)
    assert not re.search(r"\b(src|href)=|@import|url\(|fetch\(|import\(", html)
    assert set(re.findall(r"https?://[^\"']+", html)) == {"http://www.w3.org/2000/svg"}
    assert all((ROOM / name).read_text(encoding="utf-8") in html for name in SCRIPTS.values())


def test_the_page_computes_what_the_library_computes() -> None:
    cases = [case(seed, net) for seed in range(5) for net in NETS]
    assert float(in_node(f"console.log(difference({json.dumps(cases)}))")) < 1e-12
    cases[3]["cotangents"]["W1"][0][0] += 1e-6  # type: ignore[index]  # one entry of a matrix
    assert float(in_node(f"console.log(difference({json.dumps(cases)}))")) > 1e-8


def test_the_batch_is_what_the_library_computes_of_it() -> None:
    batches = [batch(seed, net) for seed in range(2) for net in NETS]
    assert float(in_node(f"console.log(batchDifference({json.dumps(batches)}))")) < 1e-12
    batches[3]["tensors"]["dW1"][0][0] += 1e-6  # type: ignore[index]  # one entry of a matrix
    assert float(in_node(f"console.log(batchDifference({json.dumps(batches)}))")) > 1e-8


def test_every_tensor_of_the_batch_has_its_shape() -> None:
    b = batch(0, NETS[4])
    table = in_node(f"const b = {json.dumps(b)}; console.log(batchTable(b.net, b.params, b.x, b.y, 1))")
    found = re.findall(r'<th scope="row"[^>]*>(\w+)</th><td>[^<]*</td><td>([^<]*)</td><td>([^<]*)</td>', table)
    sizes = {"N": "4", "n": "2", "h": "3", "K": "2"}
    assert {name for name, _, _ in found} == {"x", *b["params"], *b["tensors"]}
    for name, letters, shape in found:
        written = [sizes[letter] for letter in letters.split(" × ")]
        assert shape == f"({', '.join(written)}{',' * (len(written) == 1)})", name


def test_the_gallery_shows_the_whole_library() -> None:
    """Each diff is the one that the confusion table of the grader plants, each sentence the one that it says."""
    mistakes = gallery()
    plain = [name for name in NET_SPOILS if name not in MERGED]
    assert [m["name"] for m in mistakes] == plain + [f"{key}: {name}" for _, key, name in LOSS_SPOILS]
    for m in mistakes:
        assert m["diff"], m["name"]
        assert m["right"] != m["wrong"], m["name"]
        assert m["said"] in SENTENCES.values(), m["name"]
    html = in_node(f"console.log(galleryOf({json.dumps(mistakes)}))")
    assert html.count("<details class") == len(mistakes)
    assert "undefined" not in html
    assert "NaN" not in html


def test_the_picture_has_every_value_above_and_every_cotangent_below() -> None:
    c = case(0, NETS[4])
    code = f"""
    const c = {json.dumps(c)}, cache = forward(c.net, c.params, c.x), grads = backward(c.net, c.params, cache, c.y);
    console.log(picture(c.net, c.params, cache, grads, c.J));"""
    svg = in_node(code)
    above = [float(text.replace("−", "-")) for text in re.findall(r'class="value"[^>]*>([^<]*)<', svg)]
    below = [float(text.replace("−", "-")) for text in re.findall(r'class="cotangent"[^>]*>([^<]*)<', svg)]
    params, values, cotangents = c["params"], c["values"], c["cotangents"]
    flat = [w for name in ("W1", "W2") for row in params[name] for w in row]  # type: ignore[union-attr]  # matrices
    expected = [*flat, *c["x"], *(z for vector in values.values() for z in vector), c["J"]]
    assert sorted(above) == pytest.approx(sorted(expected), abs=0.0051)
    flat = [w for name in ("W1", "W2") for row in cotangents[name] for w in row]  # type: ignore[union-attr]  # matrices
    nodes = [d for name in ("x", "z1", "z2", "z3", "y_hat") for d in cotangents[name]]
    assert sorted(below) == pytest.approx(sorted([*flat, *nodes, 1.0]), abs=0.0051)


def test_a_step_lowers_the_loss() -> None:
    code = f"""
    const c = {json.dumps(start(0, NETS[4]))};
    const loss = (p) => LOSSES[c.net.loss].value(c.y, forward(c.net, p, c.x).y_hat);
    const grads = backward(c.net, c.params, forward(c.net, c.params, c.x), c.y);
    console.log(JSON.stringify([loss(c.params), loss(sgd(c.params, grads, 0.01))]));"""
    before, after = json.loads(in_node(code))
    assert after < before


@pytest.mark.parametrize("part", ["W1", "W2", "x", "z1", "z2", "z3", "y_hat", "J"])
def test_every_part_is_explained_in_its_own_numbers(part: str) -> None:
    code = f"""
    const c = {json.dumps(case(0, NETS[4]))}, cache = forward(c.net, c.params, c.x), grads = backward(c.net, c.params, cache, c.y);
    console.log(explanation("{part}", 0, 0, c.net, c.params, cache, grads));"""
    said = in_node(code)
    assert "undefined" not in said
    assert "NaN" not in said
    if part in ("W1", "W2", "x", "z1", "z2", "z3"):
        *_, products, result = said.replace("−", "-").split(" = ")
        total = sum(float(a) * float(b) for a, b in (pair.split(" · ") for pair in products.split(" + ")))
        assert total == pytest.approx(float(result), abs=0.05)


def browser() -> str:
    found = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found or pytest.skip("no Chromium is installed")


def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    script = """<script>
    const change = (id, value, kind) => { at(id).value = value; at(id).dispatchEvent(new Event(kind, { bubbles: true })); };
    at("step").click(); at("step").click();
    document.body.dataset.squares = state.losses.length + " " + state.losses.every((J, i, all) => i === 0 || J < all[i - 1]);
    change("choose-loss", "bce", "change");
    at("step").click();
    document.body.dataset.labels = state.y.join(" ") + " " + at("choose-g").value + " " + at("choose-g").disabled;
    document.querySelector("[data-part=W2]").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    change("slider x[1]", "2", "input");
    document.body.dataset.input = state.x[0];
    at("reset").click();
    change("example", "3", "change");
    document.body.dataset.example = state.x.join(" ") + " " + document.querySelectorAll(".tensors .marked").length;
    document.body.dataset.gallery = document.querySelectorAll(".exhibit").length > 140;
    document.body.dataset.fits = document.documentElement.scrollWidth <= innerWidth;
    at("rate").value = "0.5";
    change("choose-loss", "squared_norm", "change");
    for (const name of ["choose-f", "choose-g"]) change(name, "identity", "change");
    for (const id of ["x[1]", "x[2]", "y[1]"]) change(`slider ${id}`, "3", "input");
    for (let i = 0; i < 30; i++) at("step").click();
    document.body.dataset.diverges = (run().J <= 1e6) + " " + at("explanation").textContent.includes("too large");
    at("reset").click();
    document.body.dataset.reset = state.losses.length + " " + state.x[0];
    </script></body>"""
    (tmp_path / "learn.html").write_text(page(0).replace("</body>", script), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom")
    command = [browser(), *flags, (tmp_path / "learn.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    body = re.search(r"<body ([^>]*)>", done.stdout)
    assert body
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body[1]))
    x = batch(0, NETS[4])["x"][2]
    more = {"diverges": "true true", "example": f"{x[0]} {x[1]} 10", "gallery": "true", "fits": "true"}
    assert said == {"squares": "2 true", "labels": "0 1 sigmoid true", "input": "2", "reset": "0 0.37", **more}
    assert "its numbers are those of the library" in done.stdout
    assert re.search(r"dW2\[1, 1\] = dz₃\[1\] · z₂\[1\] = ", done.stdout)


WIDTHS = (360, 390, 1280)
MEASURE = """<script>
for (const exhibit of document.querySelectorAll("details")) exhibit.open = true;
const batch = at("batch");
const fits = [document.documentElement, batch].every((e) => e.scrollWidth <= e.clientWidth);
parent.postMessage(innerWidth + (fits ? " fits" : " is too narrow"), "*");
</script></body>"""
FRAMES = "".join(f'<iframe src="learn.html" width="{width}" height="600"></iframe>' for width in WIDTHS)
OUTER = f"<body>{FRAMES}<script>addEventListener('message', (e) => document.body.append(`[${{e.data}}]`))</script></body>"


def test_the_page_fits_a_phone(tmp_path: Path) -> None:
    """With everything open; the picture alone is wider, and scrolls by itself."""
    (tmp_path / "learn.html").write_text(page(0).replace("</body>", MEASURE), encoding="utf-8")
    (tmp_path / "outer.html").write_text(OUTER)
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom")
    command = [browser(), *flags, "--window-size=2400,700", "--virtual-time-budget=20000", (tmp_path / "outer.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert {*re.findall(r"\[(\d+ [a-z ]+)\]", done.stdout)} == {f"{width} fits" for width in WIDTHS}


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["learn", "-o", str(tmp_path / "learn.html"), "--seed", "2"])
    assert args.run(args) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "learn.html")
    assert (tmp_path / "learn.html").read_text(encoding="utf-8") == page(2)
