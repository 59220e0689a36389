"""One self-contained `mlp.py`, for any Python from 3.7 and any torch from 1.7.1."""

from __future__ import annotations

from pathlib import Path

MARK = "Written by `pure-mlp homework bundle`"


def bundle() -> str:
    """The text of the single file: the module `template`, under a line that says where it comes from.

    >>> bundle().splitlines()[0]
    '# Written by `pure-mlp homework bundle`'
    """
    return f"# {MARK}\n" + Path(__file__).with_name("template.py").read_text(encoding="utf-8")


def write_bundle(directory: Path) -> Path:
    """Write the single file into `directory`, made if need be, as `mlp.py` and return its path.

    Raises `ValueError` rather than replace a file that is not a bundle, and `OSError` where it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_bundle(Path(folder, "new")).read_text(encoding="utf-8") == bundle()
    True
    """
    target = directory / "mlp.py"
    if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"{target} exists and is not a bundle: it is not replaced")
    directory.mkdir(parents=True, exist_ok=True)
    target.write_text(bundle(), encoding="utf-8")
    return target
