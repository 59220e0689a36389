"""What is refused and bounded in a process that runs a stranger's file. This is no sandbox."""

from __future__ import annotations

from collections.abc import Sequence


def refuse_processes(event: str, details: tuple[object, ...]) -> None:
    """An audit hook that lets nothing start a process. Raises `PermissionError`.

    >>> refuse_processes("open", ("mlp.py",))
    >>> refuse_processes("os.fork", ())
    Traceback (most recent call last):
    PermissionError: os.fork: a graded file starts no processes
    """
    if event in ("os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec", "subprocess.Popen"):
        raise PermissionError(f"{event}: a graded file starts no processes")


class Alone:
    """A finder of modules that keeps pure_mlp away, as where the homework is checked."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        """Nothing to say of other modules. Raises `ModuleNotFoundError` for pure_mlp."""
        if name.split(".")[0] == "pure_mlp":
            raise ModuleNotFoundError(
                "pure_mlp is not there when the homework is checked: `homework bundle` writes a file without it"
            )


def limit(seconds: int, megabytes: int, written: int) -> None:
    """Bound this process from here on: seconds of processor, memory, megabytes of a file, no core file, no children.

    >>> limit.__name__  # and nothing else here: it cannot be undone
    'limit'
    """
    try:
        import resource
    except ImportError:  # not a POSIX system: the wall clock alone limits
        return
    bounds = [("CPU", seconds), ("AS", megabytes << 20), ("FSIZE", written << 20), ("CORE", 0), ("NPROC", 0)]
    for name, bound in bounds:
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (bound, bound))
