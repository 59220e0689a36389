"""A model as a file: safetensors, with the setup and whatever a run needs to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import attrs
import torch
from torch import Tensor

from pure_mlp.cli.folder import FILES
from pure_mlp.cli.model import Model, tables_of, widths_of
from pure_mlp.cli.setup import Setup, setup_from
from pure_mlp.data.standardize import Standardizer
from pure_mlp.layers.embedding import Embedding
from pure_mlp.layers.linear import Linear
from pure_mlp.record import tree_items
from pure_mlp.saving.store import read as read_file
from pure_mlp.saving.store import restored, write

R = TypeVar("R")

NAME = FILES[0]
_KIND = "a model of pure-mlp train"


def save(path: Path, model: Model, tensors: Mapping[str, Tensor] = MappingProxyType({}), training: object = None) -> None:
    """Write the model, with the setup in the metadata.

    The tensors are named by their path in the params, as `0.weight`; the standardisers' are `inputs.mean`, `inputs.std`,
    `targets.mean` and `targets.std`. More tensors, and what JSON can hold of their meaning, are for `checkpoint`.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     save(Path(folder, NAME), example())
    ...     load_model(Path(folder)).setup == example().setup
    True
    """
    trees: dict[str, object] = {"": model.params, "inputs": model.inputs, "targets": model.targets or ()}
    named = {name: t for prefix, tree in trees.items() for name, t in tree_items(tree, prefix)}
    write(path, _KIND, {**tensors, **named}, {"setup": attrs.asdict(model.setup), "training": training})


def load_model(place: Path) -> Model:
    """The model in a folder written by `train --out`, or in one of its .safetensors files. No code in the file is run.

    Raises `ValueError` for a file that is not such a one, or not as it was written; `OSError` where there is none.

    >>> load_model(Path("no_such.txt"))
    Traceback (most recent call last):
    ValueError: no_such.txt: expected a folder or a .safetensors file, found nothing
    """
    return read(place, lambda model, tensors, training: model)


def read(place: Path, made: Callable[[Model, Mapping[str, Tensor], Any], R]) -> R:  # Any is what JSON holds
    """What `made` makes of the model, all tensors and the JSON that `save` wrote. Raises as `load_model`, whatever `made` raises.

    >>> from tempfile import TemporaryDirectory
    >>> from pure_mlp.cli.model import example
    >>> with TemporaryDirectory() as folder:
    ...     save(Path(folder, NAME), example(), training=7)
    ...     read(Path(folder), lambda model, tensors, training: training)
    7
    """
    path = params_file(place)
    tensors, meaning = read_file(path, _KIND)
    try:
        return made(_model(setup_from(meaning["setup"]), tensors), tensors, meaning["training"])
    except Exception as error:  # a file that someone else signed may hold anything
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: not a model written by pure-mlp train ({said})") from error


def params_file(place: Path) -> Path:
    """The params file that a folder or a name stands for. Raises `ValueError` where it stands for none.

    >>> params_file(Path("RUN.SafeTensors")).name
    'RUN.SafeTensors'
    """
    if not place.is_dir():
        if place.suffix.lower() != ".safetensors":
            found = "another kind" if place.exists() else "nothing"
            raise ValueError(f"{place}: expected a folder or a .safetensors file, found {found}")
        return place
    if not (place / NAME).is_file():
        raise ValueError(f"{place}: a folder without {NAME}")
    return place / NAME


def _model(setup: Setup, tensors: Mapping[str, Tensor]) -> Model:
    def like(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.zeros((), dtype=dtype).expand(*shape)  # a setup may say any sizes: no memory is taken for them

    layers = tuple(Linear(like(n, m), like(n)) for m, n in pairwise(widths_of(setup)))
    tables = tuple(Embedding(like(*size)) for size in tables_of(setup))
    params = restored((tables, *layers) if tables else layers, tensors)
    column = like(setup.sizes[0], dtype=torch.float64 if setup.table else torch.float32)
    inputs = restored(Standardizer(column, column), tensors, "inputs")
    regression = setup.task == "regression"
    return Model(setup, params, inputs, restored(Standardizer(like(1), like(1)), tensors, "targets") if regression else None)
