"""Programs in processes of their own: what may end a process, or is read once when one starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent.parent


def child(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    unset: Sequence[str] = (),
    before: Sequence[str] = (),
    seconds: float = 300,
) -> list[str]:
    """The lines that `python ARGUMENTS` prints, started among the tests; `before` is what starts it, an emulator say.

    Raises `AssertionError` with the end of what it complained of, and how it ended, where it failed.
    """
    env = {k: v for k, v in os.environ.items() if k not in unset}
    env |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    command = [*before, sys.executable, *arguments]
    done = subprocess.run(command, cwd=HERE, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
    return done.stdout.strip().splitlines()
