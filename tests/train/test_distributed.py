"""Losses and gradients on tensors sharded over two processes are those of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pure_mlp.registry.losses import LOSS_ROWS

PROGRAM = """
import sys
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from pure_mlp import *
from pure_mlp.registry.losses import LOSS_ROWS

rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
mesh = init_device_mesh("cpu", (2,))
g = torch.Generator().manual_seed(0)
net, params = mlp((6, 8, 4), g, relu, dtype=torch.float64)
x, y = (torch.rand(10, n, generator=g, dtype=torch.float64) for n in (6, 4))

def shared(t, placement):
    return distribute_tensor(t, mesh, [placement])

everywhere = tree_map(lambda t: shared(t, Replicate()), params)
probabilities = serial(net, sigmoid)
for name, row in LOSS_ROWS.items():
    loss = row.loss
    f, p, q = (probabilities, (params, ()), (everywhere, ())) if row.takes == "probabilities" else (net, params, everywhere)
    J, grads = value_and_grad(f, loss)(p, x, y)
    dJ, dgrads = value_and_grad(f, loss)(q, shared(x, Shard(0)), shared(y, Shard(0)))
    torch.testing.assert_close(dJ.full_tensor(), J, atol=1e-12, rtol=0)
    for a, b in zip(tree_leaves(dgrads), tree_leaves(grads)):
        torch.testing.assert_close(a.full_tensor(), b, atol=1e-12, rtol=0)
    if rank == 0:
        print(name, flush=True)
dist.destroy_process_group()
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch was built without torch.distributed")
def test_losses_and_gradients_of_two_processes(tmp_path: Path) -> None:
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    command, store = [sys.executable, "-W", "ignore", "-c", PROGRAM], str(tmp_path / "store")
    out, err = subprocess.PIPE, subprocess.STDOUT
    workers = [
        subprocess.Popen([*command, str(rank), store], env=environment, text=True, stdout=out, stderr=err) for rank in range(2)
    ]
    try:
        told = [worker.communicate(timeout=240)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert [worker.returncode for worker in workers] == [0, 0], told
    assert told[0].split() == [*LOSS_ROWS]
