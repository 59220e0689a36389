"""`check FILE`: one entry of one gradient in full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mistakes import CORRECT, NET_SPOILS, spoiled

from pure_mlp.__main__ import main


@pytest.mark.parametrize(
    ("entry", "loss"), [("W1[0, 2]", "mse"), ("b1[3]", "bce"), ("W2[1, 0]", "bce"), ("b2[1]", "mse"), ("b2[1]", "bce")]
)
def test_a_right_entry_in_full(entry: str, loss: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlp.py").write_text(CORRECT)
    assert main(["check", str(tmp_path / "mlp.py"), "--entry", entry, "--loss", loss, "--f", "sigmoid"]) == 0
    text = capsys.readouterr().out
    above, below = (float(x) for x in re.findall(r"J\(\S+(?: \d\])? [+-] h\) = (\S+)", text))
    quotient, theirs = (float(x) for x in re.findall(r"(?:/ 2h|gradient) +?= (\S+)", text))
    assert (above - below) / 2e-5 == pytest.approx(quotient, abs=1e-9)
    assert theirs == pytest.approx(quotient, abs=1e-8)
    errors = [float(line.split()[2]) for line in text.splitlines() if re.match(r"  +1e-\d\d ", line)]
    assert len(errors) == 10
    if (entry, loss) == ("b2[1]", "mse"):  # a square: the quotient is exact but for rounding
        assert errors[0] < 1e-14
    else:
        assert errors[1] < errors[0] / 50
    assert errors[-1] > min(errors)


def test_a_wrong_entry_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlp.py").write_text(spoiled(NET_SPOILS["mean of b1"]))
    assert main(["check", str(tmp_path / "mlp.py"), "--entry", "b1[0]", "--f", "sigmoid"]) == 1
    assert "WRONG" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--entry", "W3[0]"], "W3[0]: expected an entry such as W1[0, 2] or b2[1]"),
        (["--entry", "W1[4, 0]"], "W1 has the shape (4, 3), counted from 0"),
        (["--loss", "cross_entropy"], "an mlp.py has mse and bce"),
    ],
)
def test_what_there_is_not_is_refused(flags: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlp.py").write_text(CORRECT)
    assert main(["check", str(tmp_path / "mlp.py"), *flags]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_raises_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mlp.py").write_text("def mse_loss(y, y_hat): ...")
    assert main(["check", str(tmp_path / "mlp.py")]) == 2
    assert "mlp.py: ValueError: it has no MLP" in capsys.readouterr().err
