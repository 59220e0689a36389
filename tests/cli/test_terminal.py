"""Ctrl-C on a terminal, where rich has hidden the cursor and redraws its bar."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kept import KEPT

TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""Runs a command on a terminal of its own, whose keyboard and screen are stdin and stdout."""
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_ctrl_c_leaves_the_terminal_clean_and_the_files_whole(tmp_path: Path) -> None:
    command = ["-m", "pure_mlp", "train", "diabetes", "--epochs", "1000000", "--out", "run"]
    training = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    kept = tmp_path / "run" / "metrics.json"
    while not kept.exists():
        assert training.poll() is None
        time.sleep(0.02)
    screen = training.communicate(b"\x03", timeout=600)[0].decode()  # seconds after which it hangs

    assert training.returncode == 130
    assert screen.count(HIDE) == screen.count(SHOW) > 0
    assert screen.rindex(SHOW) > screen.rindex(HIDE)
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        epochs = [int(row["epoch"]) for row in csv.DictReader(file)]
    last = screen.replace(SHOW, "").splitlines()[-1]
    assert last == f"pure-mlp train: interrupted after epoch {len(epochs)}; run holds the files of that epoch"
    assert screen.endswith("\n")
    assert "Traceback" not in screen
    assert json.loads(kept.read_text())["epoch"] == epochs[-1] == len(epochs)
    assert {path.name for path in kept.parent.iterdir()} == KEPT
