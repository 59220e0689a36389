"""The benchmarks run: every peer's parameters are eager autograd's, and a table comes out. The times are nobody's business here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def benchmark(*arguments: str) -> str:
    """What the command prints. Raises `CalledProcessError` if it fails, as it does if somebody's parameters are wrong."""
    command = [sys.executable, "-m", "tests.benchmarks", "tiny", "--quick", *arguments]
    root = Path(__file__).parent.parent
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout


def test_every_peer_computes_the_step_of_eager() -> None:
    peers = ["eager", "lean", "pure", "plan", "gemms"]
    printed = benchmark("--peers", ",".join(peers), "--optimizer", "adam", "--loss", "bce", "--goals", "--markdown")
    assert "left out" not in printed
    assert "goal plan / eager" in printed
    header, _, row = printed.splitlines()[-3:]
    assert [cell.strip() for cell in header.split("|")[2:-1]] == peers
    assert row.startswith("| tiny | 1.000 [1.000 1.000] |")
