"""`python -m tests.stress.kill`: `kill -9` at 200 random moments; the run always loads and goes on to the same bits."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

from pure_mlp.__main__ import main as command
from pure_mlp.cli.folder import epoch_files
from pure_mlp.cli.params import load_model, read


def _command(out: Path, epochs: int) -> list[str]:
    flags = ["--hidden", "8", "--epochs", str(epochs), "--val", "0.2", "--save-every", "10", "--out", str(out), "--resume"]
    return [sys.executable, "-m", "pure_mlp", "train", "diabetes", *flags]


def tensors(out: Path) -> dict[str, object]:
    return read(out, lambda model, tensors, training: {name: t.tolist() for name, t in tensors.items()})


def _epochs(out: Path) -> int:
    return read(out, lambda model, tensors, training: len(training["rows"]))


def killed_at_random(times: int, seed: int) -> int:
    """Kill a run so many times, up to a fifth of a second after it began to write, and let it go on; its epochs at the end.

    Raises `AssertionError` where an epoch was lost, or the end differs by a bit from that of a run that was left alone; and what
    loading raises.
    """
    dice, done = random.Random(seed), 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        out, alone = Path(place, "run"), Path(place, "alone")
        for _ in range(times):
            before = written(out)
            running = subprocess.Popen(_command(out, 10**6), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            with running:
                while written(out) == before and running.poll() is None:
                    time.sleep(0.002)
                time.sleep(dice.random() * 0.2)
                running.kill()
                said = running.communicate()[1]
            if running.returncode != -9:
                raise AssertionError(f"ended by itself: {said!r}")
            load_model(out)
            if _epochs(out) < done:
                raise AssertionError(f"{_epochs(out)} epochs after {done}")
            done = _epochs(out)
        for folder in (out, alone):
            with redirect_stdout(io.StringIO()):
                code = command(_command(folder, done)[3:])
            if code:
                raise AssertionError(f"ended with {code}")
        if tensors(out) != tensors(alone):
            raise AssertionError("the run came to other bits than one that was left alone")
        kept = epoch_files(alone)  # the killed run may have one more: it is written before the run that comes to it
        if [tensors(out / name) for name in kept] != [tensors(alone / name) for name in kept]:
            raise AssertionError("the epochs that were kept on the way are others")
        if left := [*out.glob(".*.part")]:
            raise AssertionError(f"left behind: {left}")
    return done


def written(out: Path) -> int:
    path = out / "params.safetensors"
    return path.stat().st_mtime_ns if path.exists() else 0


def main(times: int = 200) -> None:
    """Print what was found."""
    done = killed_at_random(times, 0)
    print(f"killed {times} times on the way to epoch {done}: always loadable, no epoch lost, the end the same to the bit")


if __name__ == "__main__":
    main()
