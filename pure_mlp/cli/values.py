"""The values of flags: what a text means, or why it is refused."""

from __future__ import annotations

from argparse import ArgumentTypeError
from math import isfinite

from pure_mlp.cli.setup import EXPLAINING
from pure_mlp.distributed.mesh import Mesh, parsed


def positive_int(text: str) -> int:
    """A whole number from 1.

    >>> positive_int("3")
    3
    """
    return _at_least(text, 1)


def width(text: str) -> int:
    """The width of a hidden layer; a list of them is told how it is written.

    >>> width("64")
    64
    """
    parts = [part.strip(" []()") for part in text.replace(";", ",").strip(" ,").split(",")]
    if len(parts) > 1 and all(map(str.isdecimal, parts)):
        raise ArgumentTypeError(f"separate by spaces: --hidden {' '.join(parts)}")
    return positive_int(text)


def natural(text: str) -> int:
    """A whole number from 0 that fits a seed.

    >>> natural("0")
    0
    """
    return _at_least(text, 0)


def _at_least(text: str, least: int) -> int:
    if not (text.isdecimal() and text.isascii()) or not least <= int(text) < 2**63:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least}")
    return int(text)


def positive(text: str) -> float:
    """A finite number above 0.

    >>> positive("1e-3")
    0.001
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def fraction(text: str) -> float:
    """A number between 0 and 1, both left out.

    >>> fraction("0.2")
    0.2
    """
    value = positive(text)
    if value >= 1:
        raise ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def fraction_or_name(text: str) -> float | str:
    """A number between 0 and 1, or any text that is no number.

    >>> fraction_or_name("0.1"), fraction_or_name("held.npz")
    (0.1, 'held.npz')
    """
    try:
        float(text)
    except ValueError:
        return text
    return fraction(text)


def place(text: str) -> str:
    """The name of a file or folder to write.

    >>> place("out")
    'out'
    """
    if not text:
        raise ArgumentTypeError("an empty name, expected that of a file or folder")
    return text


def mesh(text: str) -> Mesh:
    """A mesh of processes.

    >>> mesh("dp=2").dp
    2
    """
    try:
        return parsed(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def rule(text: str) -> str:
    """A rule for credit; one that explains is told where it is.

    >>> rule("fa")
    'fa'
    """
    if text in EXPLAINING:
        raise ArgumentTypeError(f"{text!r} explains what a net has learnt and trains none: see {EXPLAINING[text]} of the library")
    return text
