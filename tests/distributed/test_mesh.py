"""Training by several processes is training by one: the laws of `mesh_laws`, all in one run of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import mesh_laws
import pytest
import torch


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    """What was wrong with each law in each process."""
    done = subprocess.run(
        [sys.executable, mesh_laws.__file__],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
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
