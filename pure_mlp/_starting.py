"""What the command line does before anything that takes long is imported: Ctrl-C is silence, and 130.

And torch does not warn where there is no numpy, which only `.npz` files need.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings

_NAMES = ("pure-mlp", "pure-mlp.exe", "pure-mlp-script.py")


def _is_the_program() -> bool:
    """Whether this process is `python -m pure_mlp`, for whom argv[0] is "-m" until its module is found, or `pure-mlp`."""
    given, first = sys.orig_argv, sys.argv[0] if sys.argv else ""
    return (first == "-m" and "pure_mlp" in given[given.index("-m") :][1:2]) or os.path.basename(first) in _NAMES


if _is_the_program():
    warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
if _is_the_program() and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
