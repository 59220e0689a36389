"""Damaged and hostile files: one line and exit code 2, whatever the libraries that read them raise."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import attrs
import pytest
import torch
from stress.readers import READERS, fuzz

from pure_mlp.__main__ import main
from pure_mlp.cli.model import Model, example
from pure_mlp.cli.params import NAME, load_model, save
from pure_mlp.data.idx import read_idx
from pure_mlp.data.npz import read_npz
from pure_mlp.saving.packing import pack
from pure_mlp.saving.store import FORMAT, write


@pytest.mark.parametrize("kind", READERS)
def test_damaged_files_are_read_or_refused(kind: str) -> None:
    assert fuzz(kind, 300, 1) > 100


def refused(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    model = path.suffix == ".safetensors"
    assert main(["predict", str(path), "diabetes"] if model else ["train", str(path)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert str(path) in printed.err
    return printed.err


def npz(path: Path, header: str, data: bytes = b"") -> Path:
    np = pytest.importorskip("numpy", reason="numpy reads .npz")
    text = header.encode("latin1") + b"\n"
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data
    y = io.BytesIO()
    np.save(y, np.array([0, 1]))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("X.npy", member)
        file.writestr("y.npy", y.getvalue())
    return path


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1000000000000000), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 100000000000), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 1), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 1), }",
        "(" * 200,
        "'\\",
        "",
    ],
)
def test_a_mangled_header_in_an_npz(header: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(npz(tmp_path / "a.npz", header, bytes(16)), capsys)


@pytest.mark.parametrize("order", "<>")
def test_characters_beyond_unicode_in_an_npz(order: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np = pytest.importorskip("numpy", reason="numpy reads .npz")
    names = np.frombuffer(struct.pack(f"{order}2I", 0x110000, 97), dtype=f"{order}U1")
    np.savez(tmp_path / "a.npz", X=np.ones((2, 1)), y=names)
    refused(tmp_path / "a.npz", capsys)


def safetensors(path: Path, header: bytes, data: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        json.dumps({"__metadata__": {"pure_mlp": "[" * 5000}}).encode(),
        b"[" * 5000,
        json.dumps({"__metadata__": {"pure_mlp": "null"}}).encode(),
        json.dumps({"__metadata__": {"pure_mlp": '{"format": 2}'}}).encode(),
        json.dumps({"__metadata__": {"pure_mlp": "{}", "sha256": ""}, "a": {"data_offsets": 1}}).encode(),
        b"{}",
        b"\xff\xfe",
    ],
)
def test_hostile_metadata(header: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(safetensors(tmp_path / "a.safetensors", header), capsys)


def test_a_later_format_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(pack({}, json.dumps({"format": FORMAT + 1, "kind": "a poem"})))
    assert f"format {FORMAT + 1}, this version reads {FORMAT}; a newer pure_mlp wrote it" in refused(path, capsys)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "F3", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0]},
        {"dtype": "F32", "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [10**30, 0], "data_offsets": [0, 0]},
    ],
    ids=str,
)
def test_signed_nonsense(
    entry: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pure_mlp.saving.packing._digest", lambda *_: "")
    header = {"__metadata__": {"pure_mlp": "{}", "sha256": ""}, "a": entry}
    refused(safetensors(tmp_path / "a.safetensors", json.dumps(header).encode(), bytes(4)), capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": (10, 10**12, 1)},
        {"sizes": ()},
        {"sizes": (10,)},
        {"sizes": "abc"},
        {"sizes": (10, 4, 2)},
        {"task": "poetry"},
        {"task": "classes"},
        {"f": "cube"},
        {"loss": "cross_entropy"},
        {"classes": (1, 2)},
        {"epochs": "many"},
        {"seed": -1},
        {"unit": None},
    ],
    ids=str,
)
def test_a_setup_that_cannot_be_is_refused(change: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = {**attrs.asdict(example().setup), **change}
    tensors = {"inputs.mean": torch.zeros(10)}
    write(tmp_path / "a.safetensors", "a model of pure-mlp train", tensors, {"setup": setup, "training": None})
    assert "not a model written by pure-mlp train" in refused(tmp_path / "a.safetensors", capsys)


def test_one_flipped_bit_in_a_weight_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / NAME
    save(path, example())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "its checksum is another" in refused(path, capsys)


def test_loading_runs_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return print, ("run",)

    torch.save({"tensors": {}, "pure_mlp": Evil()}, tmp_path / "a.safetensors")
    assert refused(tmp_path / "a.safetensors", capsys).endswith("wrote, or damaged since (no safetensors file)\n")


def test_endings_in_any_case(tmp_path: Path) -> None:
    save(tmp_path / "A.SafeTensors", example())
    assert isinstance(load_model(tmp_path / "A.SafeTensors"), Model)


def test_a_file_that_unpacks_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 1]) + (2**28).to_bytes(4, "big")
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(header)
        for _ in range(256):
            file.write(bytes(2**20))
    size = (tmp_path / "a.gz").stat().st_size
    expected = f"{tmp_path}/a.gz: unpacks from {size} to {2**28} bytes, more than 100 times as many: refused"
    with pytest.raises(ValueError, match=r"refused") as caught:
        read_idx(tmp_path / "a.gz", 1)
    assert str(caught.value) == expected
    np = pytest.importorskip("numpy", reason="numpy reads .npz")
    np.savez_compressed(tmp_path / "a.npz", X=np.zeros((2**14, 2**10)), y=np.zeros(2**14))
    with pytest.raises(ValueError, match=r"bytes, more than 100 times as many: refused"):
        read_npz(tmp_path / "a.npz")


def test_what_a_gzip_holds_beyond_its_header_is_not_unpacked(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.gz", "wb") as file:
        file.write(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 2]))
        file.write(bytes(2**20))
    with pytest.raises(ValueError, match=r"expected 10 bytes for dimensions \(2,\), found more \(over-long\)"):
        read_idx(tmp_path / "a.gz", 1)
