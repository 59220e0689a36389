"""`python -m tests.stress.readers`: every reader on 10,000 damaged files of its kind: read, or refused in one line."""

from __future__ import annotations

import gzip
import io
import random
import tempfile
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch
from torch import Generator

from pure_mlp import linear_init, load
from pure_mlp import save as save_checkpoint
from pure_mlp.cli.model import example
from pure_mlp.cli.params import NAME, load_model, save
from pure_mlp.data.idx import read_idx
from pure_mlp.data.npz import read_npz
from pure_mlp.data.text import read_csv
from pure_mlp.installed import has
from pure_mlp.record import tree_leaves
from pure_mlp.table.survey import read_table

Make = Callable[[Path], Path]
CARRY = (linear_init(3, 2, Generator().manual_seed(0)), (torch.arange(3), torch.ones((), dtype=torch.bfloat16)))


def _npz(folder: Path) -> Path:
    np = import_module("numpy")
    np.savez(folder / "a.npz", X=np.arange(12.0).reshape(4, 3), y=np.array(["a", "b", "c", "a"]))
    return folder / "a.npz"


def _idx(folder: Path) -> Path:
    (folder / "a.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 9, *range(9)])))
    return folder / "a.gz"


def _csv(folder: Path) -> Path:
    (folder / "a.csv").write_bytes(b'a,b\n1,2\n3.5,"4"\n')
    return folder / "a.csv"


ROWS = {"a": [1.5, -2.0, 0.25] * 4, "b": ["red", "blue", "red"] * 4, "c": [*range(12)]}


def _table(folder: Path) -> Path:
    (folder / "t.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in [[*ROWS], *zip(*ROWS.values())]))
    return folder / "t.csv"


def _parquet(folder: Path) -> Path:
    import_module("pyarrow.parquet").write_table(import_module("pyarrow").table(ROWS), folder / "t.parquet")
    return folder / "t.parquet"


def _safetensors(folder: Path) -> Path:
    save(folder / NAME, example())
    return folder / NAME


def _checkpoint(folder: Path) -> Path:
    save_checkpoint(folder / "a", CARRY, generator=Generator().manual_seed(0))
    return folder / "a"


def _same_checkpoint(path: Path) -> None:
    assert all(map(torch.equal, tree_leaves(load(path, CARRY).tree), tree_leaves(CARRY)))


def _same_model(path: Path) -> None:
    model, whole = load_model(path), example()
    assert model.setup == whole.setup
    assert all(map(torch.equal, tree_leaves(model.params), tree_leaves(whole.params)))


READERS: dict[str, tuple[Make, Callable[[Path], object]]] = {
    "csv": (_csv, lambda path: read_csv(path, 2)),
    "idx": (_idx, lambda path: read_idx(path, 1)),
    "safetensors": (_safetensors, _same_model),
    "checkpoint": (_checkpoint, _same_checkpoint),
}
if has("numpy"):
    READERS["npz"] = _npz, read_npz
if has("pyarrow"):
    READERS["table"] = _table, lambda path: read_table(path, "c", test=0.0)
    READERS["parquet"] = _parquet, lambda path: read_table(path, "c", test=0.0)
"""A whole file of each kind, and what reads it; a model that is read is the one that was written."""


def mutated(content: bytes, dice: random.Random) -> bytes:
    """The bytes with one to eight of them changed, put in or taken out; cut off; or others altogether."""
    if dice.random() < 0.1:
        return dice.randbytes(dice.randrange(200))
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 8))):
        at, kind = dice.randrange(len(data) + 1), dice.randrange(5)
        if kind < 2 and at < len(data):
            data[at] = dice.choice((0, 255, data[at] ^ 1 << dice.randrange(8), *b"[{9-'\"", dice.randrange(256)))
        elif kind == 2:
            data[at:at] = dice.randbytes(dice.randrange(9)) if dice.random() < 0.5 else data[at : at + 16] * dice.randrange(9)
        elif kind == 3:
            del data[at : at + dice.randrange(1, 9)]
        elif dice.random() < 0.2:
            del data[at:]
    return bytes(data)


def damaged(content: bytes, dice: random.Random) -> bytes:
    """The file mutated; of a zip half the time one of its members, so that the checksums of the zip are right."""
    if not content.startswith(b"PK") or dice.random() < 0.5:
        return mutated(content, dice)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        names = before.namelist()
        chosen = dice.choice([name for name in names if name.endswith((".npy", ".pkl"))])
        for name in names:
            after.writestr(name, mutated(before.read(name), dice) if name == chosen else before.read(name))
    return out.getvalue()


def fuzz(kind: str, rounds: int, seed: int) -> int:
    """How many of so many damaged files were refused; raises what the reader raises besides a `ValueError` of one line."""
    make, read = READERS[kind]
    dice, refused = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder))
        whole = path.read_bytes()
        for _ in range(rounds):
            content = damaged(whole, dice)
            path.write_bytes(content)
            try:
                read(path)
            except ValueError as error:
                refused += 1
                if "\n" in str(error) or not str(error).startswith(f"{path}: "):
                    raise AssertionError(f"{content!r}: {error}") from error
            except BaseException:
                print(repr(content))
                raise
    return refused


def main(rounds: int = 10_000) -> None:
    """Print for each kind how many were refused."""
    for kind in READERS:
        print(f"{kind}: {fuzz(kind, rounds, 0)} of {rounds} refused in words, the others read; nothing else happened", flush=True)


if __name__ == "__main__":
    main()
