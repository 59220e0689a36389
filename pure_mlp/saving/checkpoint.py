"""Training that can stop, and go on in another process as if it had not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Generic, TypeVar

import attrs
import torch
from torch import Generator

from pure_mlp.layer import Layer
from pure_mlp.nodes import explained
from pure_mlp.record import tree_items
from pure_mlp.saving.described import described
from pure_mlp.saving.store import read, restored, write

__all__ = ["Checkpoint", "load", "save"]

T = TypeVar("T")
_KIND = "a checkpoint of pure_mlp.save"


@attrs.frozen(eq=False)
class Checkpoint(Generic[T]):
    """What `load` found: tree, step and metadata as `save` was given them, and a new generator in the state of the saved one."""

    tree: T
    step: int
    generator: Generator | None
    metadata: Mapping[str, Any]  # Any is what JSON holds


def save(
    path: str | os.PathLike[str],
    tree: object,
    *,
    net: Layer[Any, Any, Any, Any] | None = None,
    generator: Generator | None = None,
    step: int = 0,
    metadata: Mapping[str, object] | None = None,
) -> None:
    """Write everything that training needs to go on into one safetensors file, whole or not at all.

    The file is written under a temporary name, flushed to the disk and renamed. Its tensors are named by their paths in the tree,
    as `0.weight`, so that other programs can read them too.

    Args:
        path: of the file; programs expect such a one to end in `.safetensors`.
        tree: params, or a carry (params, optimizer state); any tree of tensors.
        net: a net whose description is kept, so that `load` notices another one; None keeps none.
        generator: whose state is kept; None keeps none.
        step: how many steps or epochs were done.
        metadata: whatever else JSON can hold.

    Raises:
        ValueError: a leaf that is no tensor, a tensor that is complex, sparse or sharded, or metadata that JSON cannot hold.
        OSError: what the system refuses.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp import mlp
    >>> net, params = mlp((3, 4, 2), Generator().manual_seed(0))
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.safetensors", params, net=net, step=7)
    ...     load(f"{folder}/a.safetensors", params, net=net).step
    7
    """
    items = [*tree_items(tree)]
    leaves: list[tuple[str, object]] = [*items]
    strange = next((item for item in leaves if not isinstance(item[1], torch.Tensor)), None)
    tensors = dict(items)
    if strange or len(tensors) < len(items):
        why = explained(strange[1], strange[0]) if strange else "two tensors with the same path, expected a tree of tensors"
        raise ValueError(f"save: {why}")
    state = None if generator is None else [generator.device.type, bytes(generator.get_state().tolist()).hex()]
    outline = None if net is None else described(net)
    write(path, _KIND, tensors, {"net": outline, "generator": state, "step": step, "metadata": {**(metadata or {})}})


def load(path: str | os.PathLike[str], like: T, *, net: Layer[Any, Any, Any, Any] | None = None) -> Checkpoint[T]:
    """What `save` wrote, as a tree of the classes of `like`. The file holds no code and no names of classes.

    Args:
        path: of the file.
        like: a tree of the structure, shapes and dtypes of the one that was saved, whose values do not matter; the tensors come
            onto its devices.
        net: is compared with the description of the net that was saved; None compares nothing.

    Returns:
        The `Checkpoint`.

    Raises:
        ValueError: the file is cut short, damaged, of a newer version, of another net or another tree; in one line that names it.
        OSError: what the system refuses.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.safetensors", (torch.ones(2), ()))
    ...     load(f"{folder}/a.safetensors", (torch.zeros(2), ())).tree
    (tensor([1., 1.]), ())
    """
    tensors, meaning = read(path, _KIND)
    name = os.fspath(path)
    if net is not None and (saved := meaning["net"]) != (wanted := described(net)):
        lines = zip_longest((saved or "").split("\n"), wanted.split("\n"), fillvalue="nothing")
        there, here = next((a.strip() or "no net", b.strip()) for a, b in lines if a != b)
        raise ValueError(f"{name}: of another net: {there} where {here} is expected")
    try:
        tree = restored(like, tensors)
        if unknown := tensors.keys() - dict(tree_items(like)).keys():
            raise ValueError(f"{min(unknown)} is in it, expected no such tensor")
    except ValueError as error:
        raise ValueError(f"{name}: of another tree: {error}") from error
    generator = None
    if meaning["generator"] is not None:
        device, state = meaning["generator"]
        generator = Generator(device).set_state(torch.tensor(list(bytes.fromhex(state)), dtype=torch.uint8))
    return Checkpoint(tree, meaning["step"], generator, meaning["metadata"])
