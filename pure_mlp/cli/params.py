"""A model as a file: safetensors where that library is installed, else `torch.save`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from zipfile import is_zipfile

import attrs
import torch
from torch import Generator, Tensor

from pure_mlp.cli.extras import INSTALL
from pure_mlp.cli.files import replace_file
from pure_mlp.cli.model import Model, net_of
from pure_mlp.cli.setup import Setup, known
from pure_mlp.data.standardize import Standardizer
from pure_mlp.installed import has
from pure_mlp.record import tree_items, tree_like

NAMES = ("params.safetensors", "params.pt")


def save(folder: Path, model: Model) -> Path:
    """Write params.safetensors, or params.pt, and remove the other one; the setup goes into the metadata.

    The tensors are named by their path in the params, as `0.weight`; the standardisers' are `inputs.mean`, `inputs.std`,
    `targets.mean` and `targets.std`.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     _ = save(Path(folder), example())
    ...     load_model(Path(folder)).setup == example().setup
    True
    """
    tensors = {**dict(tree_items(model.params)), "inputs.mean": model.inputs.mean, "inputs.std": model.inputs.std}
    if model.targets is not None:
        tensors |= {"targets.mean": model.targets.mean, "targets.std": model.targets.std}
    metadata = {"pure_mlp": json.dumps(attrs.asdict(model.setup))}
    if has("safetensors") and has("numpy"):
        from safetensors.torch import save as pack

        name, content = NAMES[0], pack({key: t.contiguous() for key, t in tensors.items()}, metadata)
    else:
        buffer = BytesIO()
        torch.save({"tensors": tensors, **metadata}, buffer)
        name, content = NAMES[1], buffer.getvalue()
    replace_file(folder / name, content)
    (folder / NAMES[name == NAMES[0]]).unlink(missing_ok=True)
    return folder / name


def load_model(place: Path) -> Model:
    """The model in a folder written by `train --out`, or in one of its params files.

    Raises `ValueError` for a file that is not such a one, `OSError` where there is none.

    >>> load_model(Path("no_such.txt"))
    Traceback (most recent call last):
    ValueError: no_such.txt: expected a folder, a .safetensors or a .pt file
    """
    path = place
    if not place.is_dir() and place.suffix not in (".safetensors", ".pt"):
        raise ValueError(f"{place}: expected a folder, a .safetensors or a .pt file")
    if place.is_dir():
        there = [place / name for name in NAMES if (place / name).is_file()]
        if not there:
            raise ValueError(f"{place}: a folder without {' or '.join(NAMES)}")
        path = there[0]
    tensors, metadata = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    try:
        setup = Setup(**json.loads(metadata["pure_mlp"]))
        if not known(setup):
            raise ValueError("a setup of another version")
        _, like = net_of(setup, Generator())
        leaves = []
        for name, t in tree_items(like):
            if tensors[name].shape != t.shape or tensors[name].dtype != t.dtype:
                raise ValueError(f"{name} {tuple(tensors[name].shape)}, expected {tuple(t.shape)}")
            leaves.append(tensors[name])
        targets = Standardizer(tensors["targets.mean"], tensors["targets.std"]) if setup.task == "regression" else None
        return Model(setup, tree_like(like, leaves), Standardizer(tensors["inputs.mean"], tensors["inputs.std"]), targets)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a model written by pure-mlp train ({error})") from error


def _safetensors(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, str]]:
    if not (has("safetensors") and has("numpy")):
        raise ValueError(f"{path}: reading it needs safetensors; {INSTALL} brings it")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  not a mapping
    except SafetensorError as error:
        raise ValueError(f"{path}: not a safetensors file ({error})") from error


def _torch(path: Path) -> tuple[Mapping[str, Tensor], Mapping[str, str]]:
    if not is_zipfile(BytesIO(path.read_bytes())):
        raise ValueError(f"{path}: not a file of torch.save, or a truncated one")
    try:
        saved = torch.load(BytesIO(path.read_bytes()), weights_only=True)
        return saved["tensors"], saved
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a model written by pure-mlp train") from error
