"""`python -m tests.stress.elastic`: a worker of two is killed; torchrun starts both again, and they come to the same end."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .kill import tensors, written

EPOCHS = 60


def _job(out: Path, restarts: int) -> subprocess.Popen[str]:
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", str(restarts)]
    train = ["pure_mlp", "train", "diabetes", "--hidden", "8", "--epochs", str(EPOCHS), "--val", "0.2", "--mesh", "dp=2"]
    command = [sys.executable, "-m", *torchrun, "-m", *train, "--out", str(out), "--resume"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _worker(job: int, rank: int) -> int:
    """The process of this rank among the children of torchrun."""
    children = Path(f"/proc/{job}/task/{job}/children").read_text().split()
    return next(int(child) for child in children if f"\0RANK={rank}\0" in Path(f"/proc/{child}/environ").read_text())


def killed_workers(times: int, seed: int) -> str:
    """Kill a worker so many times on the way; what torchrun said at the end of a job that it may not start again.

    Raises `AssertionError` where the end differs by a bit from that of a job that was left alone.
    """
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        out, alone, last = Path(place, "killed"), Path(place, "alone"), Path(place, "last")
        with _job(out, times) as job:
            for _ in range(times):
                _kill_after_a_while(job, out, dice)
            job.communicate()
        with _job(alone, 0) as undisturbed:
            undisturbed.communicate()
        if job.returncode or undisturbed.returncode:
            raise AssertionError(f"ended with {job.returncode}, {undisturbed.returncode}")
        if tensors(out) != tensors(alone):
            raise AssertionError("the job came to other bits than one that was left alone")
        with _job(last, 0) as job:
            _kill_after_a_while(job, last, dice)
            said = job.communicate()[1]
        if not job.returncode:
            raise AssertionError("a job went on without one of its workers")
    return said


def _kill_after_a_while(job: subprocess.Popen[str], out: Path, dice: random.Random) -> None:
    before = written(out)
    while written(out) == before:
        time.sleep(0.01)
    time.sleep(dice.random() * 0.1)
    os.kill(_worker(job.pid, dice.randrange(2)), 9)


def main(times: int = 2) -> None:
    """Print what was found."""
    said = killed_workers(times, 0)
    print(f"a worker killed {times} times: the end is the same to the bit. Without restarts torchrun says:")
    print("\n".join(line for line in said.splitlines() if "rank" in line or "exitcode" in line))


if __name__ == "__main__":
    main()
