"""`python -m tests.stress.limits`: full disks, folders that are not writable, too little memory: one line with the remedy each."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pure_mlp.cli.params import load_model

NOBODY = 65534
TRAIN = ("train", "diabetes", "--hidden", "8", "--epochs", "3")


def _run(*flags: str, before: Callable[[], object] = lambda: None) -> str:
    """What the command says on stderr. Raises `AssertionError` unless that is one line, and the code 2."""
    command, environment = [sys.executable, "-m", "pure_mlp", *flags], {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(command, preexec_fn=before, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 2 or done.stderr.count("\n") != 1:
        raise AssertionError(f"{flags}: ended with {done.returncode}: {done.stderr}")
    return done.stderr.strip()


def _as_nobody() -> None:
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def full_disk(place: Path) -> str:
    """A device that is always full, a file system of 128 KiB where one may be mounted, and a run on it that stays loadable."""
    run = place / "run"
    subprocess.run([sys.executable, "-m", "pure_mlp", *TRAIN, "--out", str(run)], check=True, capture_output=True)
    said = _run("predict", str(run), "diabetes", "--csv", "/dev/full")
    small = place / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], capture_output=True, check=False
    ).returncode:
        return said + "\n(no small file system can be mounted here)"
    try:
        (small / "other").write_bytes(bytes(60_000))
        said += "\n" + _run(*TRAIN, "--hidden", "600", "--out", str(small / "run"))
        subprocess.run([sys.executable, "-m", "pure_mlp", *TRAIN, "--out", str(small / "kept")], check=True, capture_output=True)
        (small / "more").write_bytes(bytes(os.statvfs(small).f_bavail * 4096))
        said += "\n" + _run(*TRAIN[:-1], "9", "--out", str(small / "kept"), "--resume")
        load_model(small / "kept")
        if left := [*small.rglob(".*.part")]:
            raise AssertionError(f"left behind: {left}")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    return said


def not_writable(place: Path) -> str:
    """A folder that others may read only."""
    folder = place / "theirs"
    folder.mkdir(mode=0o555)
    place.chmod(0o755)
    return _run(*TRAIN, "--out", str(folder / "run"), before=_as_nobody)


def too_little_memory(place: Path) -> str:
    """A net that can be made, but not trained, in 3 GiB of addresses."""
    limit = partial(resource.setrlimit, resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
    return _run(*TRAIN, "--hidden", "16000", "16000", before=limit)


CASES: tuple[Callable[[Path], str], ...] = (full_disk, not_writable, too_little_memory)


def main() -> None:
    """Print what each case says."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as place:
            print(f"{case.__name__.replace('_', ' ')}:\n{case(Path(place))}", flush=True)


if __name__ == "__main__":
    main()
