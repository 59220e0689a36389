"""Training by several processes is training by one: the laws of `mesh_laws`, all in one run of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import mesh_laws
import pytest
import torch

from pure_mlp import Mesh
from pure_mlp.__main__ import main
from pure_mlp.distributed.world import backend


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What was wrong with each law in each process."""
    done = subprocess.run(
        [sys.executable, mesh_laws.__file__],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch was built without torch.distributed")
@pytest.mark.parametrize("law", mesh_laws.LAWS)
def test_a_law(law: str, said: dict[str, list[str]]) -> None:
    if law != "one_that_fails_ends_all":
        assert said[law] == [""] * mesh_laws.LAWS[law][0]
        return
    waited, failed = said[law]
    assert "cross_entropy: classes from 7 to 7, z (1, 3) float32 has 0 to 2" in failed
    assert "RuntimeError" in waited


@pytest.mark.parametrize(
    ("mesh", "why"),
    [
        ("dp=2", "--mesh dp=2 needs 2 processes that know each other: torchrun --nproc-per-node 2 -m pure_mlp train .. --mesh"),
        ("dp=2,tp=2,sharded", "argument --mesh: Mesh: sharded together with tp=2: expected one of them"),
        ("dp=0", "argument --mesh: 'dp' must be >= 1: 0"),
        *((text, f"argument --mesh: a mesh {text!r}, expected") for text in ("", "dp", "dp=", "dp=2,dp=2", "pp=2", "dp=\u0662")),
    ],
)
def test_other_meshes_are_refused_in_a_line(mesh: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "diabetes", "--mesh", mesh]) == 2
    assert capsys.readouterr().err.startswith(f"pure-mlp train: {why}")


def test_a_mesh_counts_its_processes() -> None:
    assert [Mesh(dp=3).processes, Mesh(dp=3, tp=2).processes, Mesh().processes] == [3, 6, 1]


@pytest.mark.parametrize("gpus", [False, True])
@pytest.mark.parametrize("nccl", [False, True])
def test_gpus_talk_by_nccl_and_processors_by_gloo(gpus: bool, nccl: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus)
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: nccl)
    assert backend() == ("cpu:gloo,cuda:nccl" if gpus and nccl else "gloo")
