"""A file of tensors with what they mean: written whole or not at all, and read without running code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from pure_mlp.record import tree_items, tree_like
from pure_mlp.saving.files import replace_file
from pure_mlp.saving.packing import Unreadable, pack, unpack
from pure_mlp.shapes import spec

__all__ = ["FORMAT", "read", "restored", "write"]

T = TypeVar("T")

FORMAT = 2
"""The version of what is written; a file of a later one is refused."""


def write(path: str | os.PathLike[str], kind: str, tensors: Mapping[str, Tensor], meaning: Mapping[str, object]) -> None:
    """Write a safetensors file under a temporary name, flush it to the disk, and rename it.

    Args:
        path: of the file.
        kind: who is going to read it.
        tensors: by name.
        meaning: what JSON can hold.

    Raises:
        ValueError: something that the format cannot hold; nothing is written.
        OSError: what the system refuses.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(Path(folder, "a"), "an example", {}, {"answer": 42})
    ...     read(Path(folder, "a"), "an example")
    ({}, {'answer': 42})
    """
    try:
        about = json.dumps({"format": FORMAT, "kind": kind, **meaning})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)}: metadata that JSON cannot hold: {error}") from error
    replace_file(Path(path), pack(tensors, about))


def read(path: str | os.PathLike[str], kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:  # Any is what JSON holds
    """The tensors and the meaning that `write` wrote for this kind of reader. No code in the file is run.

    Args:
        path: of the file.
        kind: who reads it.

    Raises:
        ValueError: the file is cut short, damaged, newer, of another kind, or no such file at all; in one line, with its name.
        OSError: what the system refuses.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write(Path(folder, "a"), "an example", {}, {})
    ...     read(Path(folder, "a"), "a checkpoint")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: ...a: an example, expected a checkpoint
    """
    name, content = os.fspath(path), Path(path).read_bytes()
    try:
        tensors, about = unpack(content)
        meaning = json.loads(about)
        version, found = meaning.pop("format"), meaning.pop("kind")
    except Unreadable as error:
        raise ValueError(f"{name}: not a file that pure_mlp wrote, or damaged since ({error})") from error
    except Exception as error:  # metadata that someone else signed
        raise ValueError(f"{name}: not a file that pure_mlp wrote ({type(error).__name__})") from error
    if version != FORMAT:
        cure = "; a newer pure_mlp wrote it" if isinstance(version, int) and version > FORMAT else ""
        raise ValueError(f"{name}: format {version}, this version reads {FORMAT}{cure}")
    if found != kind:
        raise ValueError(f"{name}: {found}, expected {kind}")
    return tensors, meaning


def restored(like: T, tensors: Mapping[str, Tensor], prefix: str = "") -> T:
    """The tree of the structure of `like` whose tensors are those with its paths for names, on the devices of `like`.

    Args:
        like: a tree of the same shapes and dtypes.
        tensors: by name; there may be others.
        prefix: what the names begin with.

    Raises:
        ValueError: a tensor is not there, or of another shape or dtype, with its path.

    >>> import torch
    >>> restored((torch.zeros(2), ()), {"0": torch.ones(2)})
    (tensor([1., 1.]), ())
    """
    leaves = []
    for path, leaf in tree_items(like, prefix):
        if path not in tensors:
            raise ValueError(f"{path} is not in it, expected {spec(leaf)}")
        t = tensors[path]
        if t.shape != leaf.shape or t.dtype != leaf.dtype:
            raise ValueError(f"{path} is {spec(t)}, expected {spec(leaf)}")
        leaves.append(t.to(leaf.device))
    return tree_like(like, leaves)
