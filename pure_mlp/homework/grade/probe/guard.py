"""Between the grader and a stranger's file: a process that outlives every process the file starts, and ends them all.

On Linux it is a subreaper: what the file leaves behind, in whatever session or group, becomes its child. It ends with the grader,
even where that is killed. Elsewhere the process group alone is ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # of prctl, in <sys/prctl.h>


def guarded(run: Callable[[], None]) -> int:
    """Call `run` in a child process; the exit code of that, or minus the signal that ended it. No descendant is left.

    >>> guarded.__name__  # and nothing else here: it forks
    'guarded'
    """
    grader = os.getppid()
    _prctl(SET_CHILD_SUBREAPER, 1)
    _prctl(SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != grader:  # it ended before it could have been noticed
        return 1
    signal.signal(signal.SIGTERM, _end)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    end_descendants()
    return os.waitstatus_to_exitcode(status)


def _end(number: int, frame: object) -> None:
    end_descendants()
    os._exit(1)


def end_descendants() -> None:
    """Kill every process below this one until there is none.

    >>> end_descendants()
    """
    me = os.getpid()
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        below = _below(me)
        for process in below:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not below:
            return


def _below(root: int) -> list[int]:
    """The living descendants of a process, by /proc; none where there is no /proc."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                state, above = file.read().rpartition(b")")[2].split()[:2]
                if state != b"Z" or int(above) != root:
                    parents[int(name)] = int(above)
    found: list[int] = []
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        children = [process for process, its in parents.items() if its == parent]
        found += children
        waiting += children
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value)
