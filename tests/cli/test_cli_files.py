"""Writing: links, pipes and devices are what they were, nothing read or kept is written over, nothing half is left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pure_mlp.__main__ import main
from pure_mlp.cli.folder import FILES
from pure_mlp.saving.files import replace_file

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and descriptors of POSIX")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "run"
    assert main(["train", "diabetes", "--epochs", "1", "--hidden", "4", "--out", str(folder)]) == 0
    (folder.parent / "new.csv").write_text(",".join("1234567890") + "\n")
    return folder


def predict(run: Path, out: str) -> int:
    return main(["predict", str(run), str(run.parent / "new.csv"), "--csv", out])


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_written(run: Path, exists: bool, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link, first = tmp_path / "deep" / "t.csv", tmp_path / "l.csv", tmp_path / "first.csv"
    if exists:
        target.write_text("old")
        target.chmod(0o640)
    link.symlink_to("deep/t.csv")
    first.symlink_to(link)
    assert predict(run, str(first)) == 0
    assert (first.is_symlink(), link.is_symlink(), target.is_symlink()) == (True, True, False)
    assert target.read_text().startswith("row,")
    assert not exists or stat.S_IMODE(target.stat().st_mode) == 0o640
    assert {p.name for p in tmp_path.rglob("*")} == {"deep", "t.csv", "l.csv", "first.csv"}


@posix
@pytest.mark.parametrize("way", ["itself", "symbolic", "hard", "model"])
def test_what_is_read_is_not_written_over(run: Path, way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = run / "params.safetensors" if way == "model" else run.parent / "new.csv"
    before, out = source.read_bytes(), tmp_path / "out.csv"
    if way == "symbolic":
        out.symlink_to(source)
    elif way == "hard":
        os.link(source, out)
    else:
        out = source
    assert predict(run, str(out)) == 2
    assert capsys.readouterr().err == f"pure-mlp predict: {out} is {source}, which is read: write to another file\n"
    assert source.read_bytes() == before


@posix
def test_a_pipe_gets_the_content_and_stays(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    replace_file(pipe, b"whole")
    reader.join(30)
    assert got == [b"whole"]
    assert pipe.is_fifo()
    replace_file(Path("/dev/null"), b"whole")
    assert not Path("/dev/null").is_file()


@posix
def test_a_descriptor_gets_the_content_behind_what_it_has(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb", buffering=0) as file:
        file.write(b"before ")
        replace_file(Path(f"/dev/fd/{file.fileno()}"), b"whole")
        (tmp_path / "link").symlink_to(f"/proc/self/fd/{file.fileno()}")
        replace_file(tmp_path / "link", b" twice")
        file.write(b" after")
        closed = file.fileno()
    assert (tmp_path / "a").read_bytes() == b"before whole twice after"
    with pytest.raises(OSError, match=f"/dev/fd/{closed}"):
        replace_file(Path(f"/dev/fd/{closed}"), b"whole")


@posix
def test_predictions_on_stdout_are_alone_there(run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pure_mlp", "predict", str(run), str(run.parent / "new.csv"), "--csv"]
    with (tmp_path / "a.csv").open("wb") as file:
        done = subprocess.run([*command, "/dev/stdout"], stdout=file, stderr=subprocess.PIPE, check=True)
    piped = subprocess.run([*command, "/dev/fd/1"], capture_output=True, check=True).stdout
    assert (tmp_path / "a.csv").read_bytes() == piped
    assert piped.decode().splitlines()[0] == "row,prediction [points of disease progression]"
    assert len(piped.splitlines()) == 2
    assert b"1 predictions written" in done.stderr


def test_a_name_as_long_as_a_name_may_be(tmp_path: Path) -> None:
    replace_file(tmp_path / ("\u00e4" * 127), b"whole")
    assert [len(os.fsencode(p.name)) for p in tmp_path.iterdir()] == [254]


@posix
def test_leftovers_of_the_dead_are_removed_and_of_the_living_kept(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (*FILES, "epoch-10.safetensors"):
        (out / f".{name}.{dead.pid}.part").write_bytes(b"half")
        (out / f".{name}.{dead.pid}-140000.part").write_bytes(b"half")
    (out / f".metrics.csv.{os.getppid()}.part").write_bytes(b"of a living process")
    (out / ".mine.12345678.part").write_bytes(b"of another program")
    assert main(["train", "diabetes", "--epochs", "1", "--hidden", "4", "--out", str(out)]) == 0
    left = {p.name for p in out.iterdir() if p.name.startswith(".")}
    assert left == {f".metrics.csv.{os.getppid()}.part", ".mine.12345678.part"}
    old = out / f".metrics.csv.{os.getppid()}.part"
    os.utime(old, (0, 0))
    replace_file(out / "metrics.csv", b"whole")
    assert not old.exists()


@posix
def test_a_run_killed_while_it_writes_leaves_nothing_after_the_next(tmp_path: Path) -> None:
    slow = "import os, time; from pathlib import Path; os.fsync = lambda fd: time.sleep(60); "
    write = "from pure_mlp.saving.files import replace_file; replace_file(Path('metrics.csv'), b'new')"
    writing = subprocess.Popen([sys.executable, "-c", slow + write], cwd=tmp_path)
    while not [*tmp_path.glob(".*.part")]:
        assert writing.poll() is None
        time.sleep(0.02)
    writing.send_signal(signal.SIGTERM)
    writing.wait(60)
    assert len([*tmp_path.glob(".*.part")]) == 1
    replace_file(tmp_path / "metrics.csv", b"newer")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("metrics.csv", b"newer")]


@pytest.mark.parametrize("name", FILES)
def test_a_run_is_not_replaced_unless_it_is_said(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_bytes(b"made by someone")
    flags = ["train", "diabetes", "--epochs", "1", "--hidden", "4", "--out", str(tmp_path)]
    assert main(flags) == 2
    printed = capsys.readouterr()
    said = f"--out {tmp_path}: there is a run in it already ({name}); --resume goes on with it, --overwrite replaces it"
    assert printed.err == f"pure-mlp train: {said}\n"
    assert printed.out == ""
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(name, b"made by someone")]
    assert main([*flags, "--overwrite"]) == 0
    assert not any(p.read_bytes() == b"made by someone" for p in tmp_path.iterdir())


def test_what_the_system_refuses_is_said_in_words(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    missing, inside = str(tmp_path / "no" / "p.csv"), str(tmp_path / "file" / "p.csv")
    cases = {
        missing: f"{missing}: there is no folder {tmp_path}/no to write to",
        inside: f"{inside}: not a directory",
        str(tmp_path / "folder"): f"{tmp_path}/folder: is a directory",
    }
    for out, expected in cases.items():
        assert predict(run, out) == 2
        assert capsys.readouterr().err == f"pure-mlp predict: {expected}\n"
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main(["train", "diabetes", "--out", str(folder)]) == 2
        assert capsys.readouterr().err == f"pure-mlp train: --out {folder}: {tmp_path}/file is a file, expected a folder\n"
    assert main(["train", "no.parquet"]) == 2
    assert capsys.readouterr().err.endswith("found no such file or folder\n")
    assert main(["predict", str(run), "no.csv"]) == 2
    assert capsys.readouterr().err == "pure-mlp predict: no.csv: no such file or directory\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("names", [("a", "a"), ("a" * 60 + "1", "a" * 60 + "2")], ids=["one name", "names of one beginning"])
def test_threads_that_write_at_once_do_not_mix_their_files(names: tuple[str, str], tmp_path: Path) -> None:
    gate, contents = threading.Barrier(2, timeout=60), (b"first " * 1000, b"second" * 1000)

    def pieces(content: bytes) -> Iterator[bytes]:
        for at in range(0, len(content), 2000):
            gate.wait()
            yield content[at : at + 2000]

    threads = [threading.Thread(target=replace_file, args=(tmp_path / n, pieces(c))) for n, c in zip(names, contents)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found.keys() == {*names}
    assert {*found.values()} <= {*contents}
    assert len(found) == 1 or [found[name] for name in names] == [*contents]


@pytest.mark.parametrize("flags", [["train", "diabetes", "--out", ""], ["predict", "run", "diabetes", "--csv", ""]])
def test_an_empty_name_is_refused(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(flags) == 2
    said = f"pure-mlp {flags[0]}: argument {flags[-2]}: an empty name, expected that of a file or folder\n"
    assert capsys.readouterr().err == said
