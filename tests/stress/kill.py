"""`python -m tests.stress.kill`: `kill -9` at 200 random moments; the run always loads and goes on to the same bits."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context
from pathlib import Path

import torch

from pure_mlp.__main__ import main as command
from pure_mlp.cli.folder import epoch_files
from pure_mlp.cli.params import load_model, read


def _run(out: Path, epochs: int, said: Path) -> None:
    """Train a net that is so small that nearly all its time goes into writing files. Raises `SystemExit`."""
    torch.set_num_threads(1)
    flags = ["--hidden", "2", "--batch", "400", "--epochs", str(epochs), "--val", "0.2", "--save-every", "10"]
    with said.open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        raise SystemExit(command(["train", "diabetes", *flags, "--out", str(out), "--resume"]))


def tensors(out: Path) -> dict[str, object]:
    return read(out, lambda model, tensors, training: {name: t.tolist() for name, t in tensors.items()})


def _epochs(out: Path) -> int:
    return read(out, lambda model, tensors, training: len(training["rows"]))


def killed_at_random(times: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> int:
    """Kill a run so many times, soon after it began to write, and let it go on; its epochs at the end.

    The processes are forks of one that has imported everything and computed nothing. Raises `AssertionError` where an epoch was
    lost, or the end differs by a bit from that of a run that was left alone; and what loading raises.
    """
    dice, done = random.Random(seed), 0
    context = get_context("forkserver")
    context.set_forkserver_preload(["pure_mlp.__main__"])
    with tempfile.TemporaryDirectory() as place:
        out, alone, said = Path(place, "run"), Path(place, "alone"), Path(place, "said")
        for i in range(times):
            before = written(out)
            running = context.Process(target=_run, args=(out, 10**6, said))
            running.start()
            while written(out) == before and running.is_alive():
                time.sleep(0.001)
            time.sleep(dice.random() * 0.15)
            running.kill()
            running.join()
            if running.exitcode != -9:
                raise AssertionError(f"ended by itself: {said.read_text('utf-8')!r}")
            load_model(out)
            if _epochs(out) < done:
                raise AssertionError(f"{_epochs(out)} epochs after {done}")
            done = _epochs(out)
            if (i + 1) % 20 == 0:
                tell(f"killed {i + 1} times, at epoch {done}")
        for folder in (out, alone):
            ending = context.Process(target=_run, args=(folder, done, said))
            ending.start()
            ending.join()
            if ending.exitcode:
                raise AssertionError(f"ended with {ending.exitcode}: {said.read_text('utf-8')!r}")
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
    done = killed_at_random(times, 0, lambda text: print(text, flush=True))
    print(f"killed {times} times on the way to epoch {done}: always loadable, no epoch lost, the end the same to the bit")


if __name__ == "__main__":
    main()
