"""The page to learn with: self-contained, its numbers the library's, its picture whole."""

from __future__ import annotations

import json
import re
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from shutil import which

import pytest

from pure_mlp.learn.cases import NETS, case, start
from pure_mlp.learn.commands import add_parser
from pure_mlp.learn.page import SCRIPTS, page

ROOM = Path(__file__).parent.parent / "pure_mlp" / "learn"


def in_node(code: str) -> str:
    node = which("node")
    if node is None:
        pytest.skip("node is not installed")
    scripts = [(ROOM / name).read_text(encoding="utf-8") for name in ("net.js", "picture.js")]
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
    cases[3]["cotangents"]["W1"][0][0] += 1e-6  # type: ignore[index,operator]  # one entry of a matrix
    assert float(in_node(f"console.log(difference({json.dumps(cases)}))")) > 1e-8


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


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["learn", "-o", str(tmp_path / "learn.html"), "--seed", "2"])
    assert args.run(args) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "learn.html")
    assert (tmp_path / "learn.html").read_text(encoding="utf-8") == page(2)
