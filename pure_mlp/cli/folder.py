"""The folder of a run."""

from __future__ import annotations

from pathlib import Path

from pure_mlp.saving.files import remove_leftovers

FILES = ("params.safetensors", "metrics.csv", "metrics.json", "curves.png")
"""The names of what a run writes."""

JSONL, EVENTS, PAGE = "metrics.jsonl", "tensorboard", "report.html"
"""The names of what is written of a run when it is asked for."""


def epoch_file(folder: Path, epoch: int | str) -> Path:
    """The file of the params of one epoch under --save-every.

    >>> epoch_file(Path("out"), 10).name
    'epoch-10.safetensors'
    """
    return folder / f"epoch-{epoch}.safetensors"


def epoch_files(folder: Path) -> list[str]:
    """The names of the epoch files in the folder, in the order of their epochs.

    >>> epoch_files(Path("no such folder"))
    []
    """
    return sorted((path.name for path in folder.glob(epoch_file(folder, "*").name)), key=lambda name: (len(name), name))


def claim(folder: Path, overwrite: bool) -> None:
    """Make the folder of a run, and remove the temporary files that a killed run left there.

    Raises `ValueError` where a run is kept already, unless it may be overwritten, and where a file has the name.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = Path(place, "metrics.csv").write_text("")
    ...     claim(Path(place), False)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: --out ...: there is a run in it already (metrics.csv); --resume goes on with it, --overwrite replaces it
    """
    for place in (folder, *folder.parents):
        if (place.exists() or place.is_symlink()) and not place.is_dir():
            raise ValueError(f"--out {folder}: {place} is a file, expected a folder")
    there = [name for name in (*FILES, JSONL, EVENTS, PAGE) if (folder / name).exists()] + epoch_files(folder)
    if there and not overwrite:
        names = ", ".join(there)
        said = f"there is a run in it already ({names})"
        raise ValueError(f"--out {folder}: {said}; --resume goes on with it, --overwrite replaces it")
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*map(folder.joinpath, (*epoch_files(folder), JSONL, PAGE)), *(folder / EVENTS).glob("events.out.tfevents.*")):
        path.unlink(missing_ok=True)
    tidy(folder)


def tidy(folder: Path) -> None:
    """Remove the temporary files that a killed run left in a folder.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     tidy(Path(place))
    """
    for name in (*FILES, JSONL, PAGE):
        remove_leftovers(folder / name)


def holds_params(folder: Path) -> bool:
    """Whether the folder holds a run that can be resumed.

    >>> holds_params(Path("no such folder"))
    False
    """
    return (folder / FILES[0]).is_file()
