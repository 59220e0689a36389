"""The command line: `python -m pure_mlp` and `pure-mlp`."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence

from pure_mlp.cli.check import check
from pure_mlp.cli.parser import UsageError, parser
from pure_mlp.cli.predict import predict
from pure_mlp.cli.printing import never_fail_to_encode, printable
from pure_mlp.cli.trace import trace
from pure_mlp.cli.train import train

COMMANDS = {"train": train, "predict": predict, "trace": trace, "check": check}
REMEDIES = {
    errno.ENOSPC: "make room there, or write to another folder",
    errno.EROFS: "write to another folder",
    errno.EACCES: "change its permissions, or name another",
}
"""What helps where the system refuses."""


def main(argv: Sequence[str] | None = None) -> int:
    """A command: 0, 1 if `check` or `trace` found a fault, 2 for a bad flag, file or shape, 130 for Ctrl-C, 141 for a closed pipe.

    argv is without the program's name; the arguments of the process where it is None. Without a command, the help.
    """
    name = "pure-mlp"
    never_fail_to_encode()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the imports may have had a silent one
    try:
        options = parser().parse_args(argv)
        if options.command is None:
            parser().print_help()
            return 0
        name = f"pure-mlp {options.command}"
        run = COMMANDS.get(options.command) or options.run
        code = int(run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt as interrupt:
        _complain(f"{name}: {str(interrupt) or 'interrupted'}")
        return 130
    except UsageError as error:
        _complain(str(error))
        return 2
    except (ValueError, OSError) as error:
        _complain(f"{name}: {_in_words(error)}")
        return 2
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        _complain(f"{name}: out of memory: fewer rows at once (train: --batch), or a smaller net (--hidden), need less")
        return 2
    return code


def _in_words(error: Exception) -> str:
    """The message without the number that the system gives it, and what helps."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, UnicodeError):
        place = f"{error.filename}: " if error.filename is not None else ""
        remedy = f": {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        return place + error.strerror[:1].lower() + error.strerror[1:] + remedy
    return str(error)


def _complain(message: str) -> None:
    print(printable(" ".join(message.split())), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
