"""The command line: `python -m pure_mlp` and `pure-mlp`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pure_mlp.cli.check import check
from pure_mlp.cli.parser import UsageError, parser
from pure_mlp.cli.predict import predict
from pure_mlp.cli.train import train

COMMANDS = {"train": train, "predict": predict, "check": check}


def main(argv: Sequence[str] | None = None) -> int:
    """A command: 0, 1 if `check` found a wrong gradient, 2 for a bad flag, file or shape, 130 for Ctrl-C, 141 for a closed pipe.

    argv is without the program's name; the arguments of the process where it is None.
    """
    name = "pure-mlp"
    try:
        options = parser().parse_args(argv)
        name = f"pure-mlp {options.command}"
        run = COMMANDS.get(options.command) or options.run
        code = int(run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt as interrupt:
        print(f"{name}: {interrupt or 'interrupted'}", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        message = " ".join(str(error).split())
        print(message if isinstance(error, UsageError) else f"{name}: {message}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
