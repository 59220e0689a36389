"""Observe `mlp.py` of this folder. The limits come as arguments, the cases and the secret name of the answer on stdin."""

import os
import sys

from .guard import guarded


def look() -> None:
    """In a process of its own."""
    import faulthandler
    import io

    import torch

    from .limits import Alone, limit, refuse_processes
    from .observe import observe

    me = os.getpid()
    answer, nets, losses = torch.load(io.BytesIO(sys.stdin.buffer.read()))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what stood there is not for the file
    bounds = seconds, *_ = tuple(map(int, sys.argv[1:]))
    stack = os.open(f"{answer}.stack", os.O_WRONLY | os.O_CREAT)
    faulthandler.dump_traceback_later(seconds / 10, repeat=True, file=stack)  # where it hangs, if it does
    sys.argv = ["mlp.py"]
    del sys.path[0]  # where this package lies: its neighbours are not for the file
    limit(*bounds)
    sys.addaudithook(refuse_processes)
    sys.meta_path.insert(0, Alone)
    found = observe(os.path.abspath("mlp.py"), nets, losses)
    if os.getpid() == me:
        torch.save(found, answer)
    os._exit(0)


if __name__ == "__main__":
    code: int = guarded(look)
    os._exit(128 - code if code < 0 else code)  # as a shell does for a signal
