"""A model as a file: safetensors where that library is installed, else `torch.save`."""

from __future__ import annotations

import ctypes
import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.cli.extras import INSTALL
from pure_mlp.cli.files import replace_file
from pure_mlp.cli.model import Model
from pure_mlp.cli.setup import Setup, setup_from
from pure_mlp.data.limits import refuse_bomb
from pure_mlp.data.standardize import Standardizer
from pure_mlp.installed import has
from pure_mlp.layers.linear import Linear
from pure_mlp.record import tree_items

R = TypeVar("R")

NAMES = ("params.safetensors", "params.pt")
FORMAT = 1
"""The version of what is written; a file of a later one is refused."""


def save(folder: Path, model: Model, tensors: Mapping[str, Tensor] = MappingProxyType({}), training: object = None) -> Path:
    """Write params.safetensors, or params.pt, and remove the other one; setup, format and a checksum go into the metadata.

    The tensors are named by their path in the params, as `0.weight`; the standardisers' are `inputs.mean`, `inputs.std`,
    `targets.mean` and `targets.std`. More tensors, and what JSON can hold of their meaning, are for `checkpoint`.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     _ = save(Path(folder), example())
    ...     load_model(Path(folder)).setup == example().setup
    True
    """
    tensors = {**tensors, **dict(tree_items(model.params)), "inputs.mean": model.inputs.mean, "inputs.std": model.inputs.std}
    if model.targets is not None:
        tensors |= {"targets.mean": model.targets.mean, "targets.std": model.targets.std}
    tensors = {name: t.contiguous() for name, t in tensors.items()}
    kept = {"format": FORMAT, "setup": attrs.asdict(model.setup), "training": training}
    metadata = {"pure_mlp": json.dumps({**kept, "sha256": checksum(kept, tensors)})}
    if has("safetensors") and has("numpy"):
        from safetensors.torch import save as pack

        name, content = NAMES[0], pack({name: t.clone() for name, t in tensors.items()}, metadata)  # it refuses shared memory
    else:
        buffer = BytesIO()
        torch.save({"tensors": tensors, **metadata}, buffer)
        name, content = NAMES[1], buffer.getvalue()
    replace_file(folder / name, content)
    (folder / NAMES[name == NAMES[0]]).unlink(missing_ok=True)
    return folder / name


def load_model(place: Path) -> Model:
    """The model in a folder written by `train --out`, or in one of its params files. No code in the file is run.

    Raises `ValueError` for a file that is not such a one, or not as it was written; `OSError` where there is none.

    >>> load_model(Path("no_such.txt"))
    Traceback (most recent call last):
    ValueError: no_such.txt: expected a folder, a .safetensors or a .pt file, found nothing
    """
    return read(place, lambda model, tensors, training: model)


def read(place: Path, made: Callable[[Model, Mapping[str, Tensor], Any], R]) -> R:  # Any is what JSON holds
    """What `made` makes of the model, all tensors and the JSON that `save` wrote. Raises as `load_model`, whatever `made` raises.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     read(save(Path(folder), example(), training=7), lambda model, tensors, training: training)
    7
    """
    path = params_file(place)
    safe = path.suffix.lower() == ".safetensors"
    if safe and not (has("safetensors") and has("numpy")):
        raise ValueError(f"{path}: reading it needs safetensors; {INSTALL} brings it")
    with path.open("rb"):
        pass  # what the system refuses is said by the system
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tensors, text = _safetensors(path) if safe else _torch(path)
        kept = json.loads(text)
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']}, this version reads {FORMAT}")
        if kept.pop("sha256") != checksum(kept, tensors):
            raise ValueError("its checksum is another")
        return made(_model(setup_from(kept["setup"]), tensors), tensors, kept["training"])
    except Exception as error:  # damaged bytes make these libraries raise almost anything
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: not a model written by pure-mlp train, or damaged since ({said})") from error


def params_file(place: Path) -> Path:
    """The params file that a folder or a name stands for. Raises `ValueError` where it stands for none.

    >>> params_file(Path("RUN.PT")).name
    'RUN.PT'
    """
    if not place.is_dir() and place.suffix.lower() not in (".safetensors", ".pt"):
        found = "another kind" if place.exists() else "nothing"
        raise ValueError(f"{place}: expected a folder, a .safetensors or a .pt file, found {found}")
    if not place.is_dir():
        return place
    there = [place / name for name in NAMES if (place / name).is_file()]
    if not there:
        raise ValueError(f"{place}: a folder without {' or '.join(NAMES)}")
    return there[0]


def _model(setup: Setup, tensors: Mapping[str, Tensor]) -> Model:
    def tensor(name: str, *shape: int) -> Tensor:
        t = tensors[name]
        if t.shape != shape or t.dtype != torch.float32:
            raise ValueError(f"{name} {tuple(t.shape)} {t.dtype}, expected {shape} float32")
        return t

    widths = [*zip(setup.sizes, setup.sizes[1:])]
    params = tuple(Linear(tensor(f"{i}.weight", n, m), tensor(f"{i}.bias", n)) for i, (m, n) in enumerate(widths))
    inputs = Standardizer(tensor("inputs.mean", setup.sizes[0]), tensor("inputs.std", setup.sizes[0]))
    regression = setup.task == "regression"
    targets = Standardizer(tensor("targets.mean", 1), tensor("targets.std", 1)) if regression else None
    return Model(setup, params, inputs, targets)


def _safetensors(path: Path) -> tuple[Mapping[str, Tensor], str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()["pure_mlp"]  # noqa: SIM118  not a mapping


def _torch(path: Path) -> tuple[Mapping[str, Tensor], str]:
    content = path.read_bytes()
    with zipfile.ZipFile(BytesIO(content)) as packed:
        refuse_bomb(path, sum(entry.file_size for entry in packed.infolist()), len(content))
    try:
        saved = torch.load(BytesIO(content), weights_only=True)
    except Exception as error:  # its message advises to load without `weights_only`, which would run code
        raise ValueError(f"torch.load: {type(error).__name__}") from error
    return saved["tensors"], saved["pure_mlp"]


def checksum(kept: object, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of what JSON can hold, and of every tensor's name, dtype, shape and bytes.

    >>> whole = checksum({}, {"a": torch.ones(2)})
    >>> whole == checksum({}, {"a": torch.ones(2)}), whole == checksum({}, {"a": torch.ones(1, 2)})
    (True, False)
    """
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    for name in sorted(tensors):
        t = tensors[name].contiguous()
        digest.update(f"{name} {t.dtype} {tuple(t.shape)}".encode())
        digest.update(ctypes.string_at(t.data_ptr(), t.numel() * t.element_size()))
    return digest.hexdigest()
