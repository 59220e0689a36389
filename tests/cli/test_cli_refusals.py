"""What the commands refuse: one line, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pure_mlp import save
from pure_mlp.__main__ import main


def bad_files(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "words.csv").write_text("1,2,3\na,b,c\n")
    (folder / "narrow.csv").write_text("1,2,3\n")
    (folder / "none.csv").write_text("")
    (folder / "broken.safetensors").write_bytes(b"\x00" * 100)
    (folder / "broken.npz").write_bytes(b"PK\x03\x04")
    (folder / "file").write_text("a file")
    torch.save([1], folder / "list.pt")
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'  # as any program writes it
    (folder / "other.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    save(folder / "checkpoint.safetensors", torch.ones(1))


BAD = [
    ["teach"],
    ["train", "--lr", "fast"],
    ["train", "--lr", "nan"],
    ["train", "--epochs", "0"],
    ["train", "--batch", "-1"],
    ["train", "--hidden", "0"],
    ["train", "--f", "cube"],
    ["train", "--f", "softmax"],
    ["train", "--loss", "hinge"],
    ["train", "--g", "softmax"],
    ["train", "--test-fraction", "1"],
    ["train", "--test-fraction", "0.0001"],
    ["train", "--seed", "-1"],
    ["train", "--colour", "blue"],
    ["train", "--engine", "steam"],
    ["train", "no_such_data"],
    ["train", "empty"],
    ["train", "broken.npz"],
    ["train", "diabetes", "--loss", "cross_entropy"],
    ["train", "diabetes", "--loss", "bce"],
    ["train", "breast_cancer", "--loss", "bce"],
    ["train", "diabetes", "--out", "file"],
    ["train", "diabetes", "--out", "file/below"],
    ["train", "diabetes", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "3"],
    ["predict", "no_such_run", "digits"],
    ["predict", "no_such_run.pt", "digits"],
    ["predict", "no_such_run.safetensors", "digits"],
    ["predict", "empty", "digits"],
    ["predict", "broken.safetensors", "digits"],
    ["predict", "other.safetensors", "digits"],
    ["predict", "checkpoint.safetensors", "digits"],
    ["predict", "list.pt", "digits"],
    ["predict", "run", "digits"],
    ["predict", "run", "breast_cancer"],
    ["predict", "run", "narrow.csv"],
    ["predict", "run", "none.csv"],
    ["predict", "run", "missing.csv"],
    ["predict", "run", "words.csv"],
    ["predict", "run", "narrow.csv", "--part", "test"],
    ["predict", "run", "diabetes", "--csv", "empty"],
    ["check", "--g", "identity", "--loss", "bce"],
]


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    bad_files(folder)
    assert main(["train", "diabetes", "--epochs", "1", "--out", str(folder / "run")]) == 0
    return folder


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_a_bad_flag_file_or_shape_is_one_line_and_exit_code_2(
    arguments: list[str], bad_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bad_folder)
    capsys.readouterr()
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("pure-mlp")
    assert len(errors[0]) > len("pure-mlp train: ")
