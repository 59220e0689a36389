"""Tables on the command line: the flags that say what they are, and their parts."""

from __future__ import annotations

from argparse import Namespace

from pure_mlp.cli.setup import Setup
from pure_mlp.data.standardize import Standardizer
from pure_mlp.table.split import Split
from pure_mlp.table.survey import counted, open_table, read_table, source_of
from pure_mlp.table.table import Table

__all__ = ["another_table", "table_again", "table_of", "table_parts"]


def table_of(options: Namespace, val: float | str | None) -> Table:
    """The table that the flags of `train` name. Raises `ValueError` as `read_table`, and without a target.

    >>> from pure_mlp.cli.parser import parser
    >>> table_of(parser().parse_args(["train", "no.csv"]), None)
    Traceback (most recent call last):
    ValueError: no.csv: expected a .csv or .parquet file, found no such file or folder
    """
    if options.target is None:
        names = ", ".join(map(repr, source_of(options.data).columns))
        raise ValueError(f"{options.data}: --target says which column is learnt; there are {names}")
    width: int = options.embed_width
    return read_table(
        options.data,
        options.target,
        drop=options.drop,
        text=options.text,
        embed=dict.fromkeys(options.embed, width),
        task=options.task,
        impute=options.impute,
        test=options.test_fraction,
        val=_fraction(val),
        seed=options.seed,
    )


def table_again(setup: Setup) -> Table:
    """The table of a run, read anew as the flags of that run said. Raises `ValueError` as `read_table`, `OSError` without its file.

    >>> from pure_mlp.cli.model import example
    >>> table_again(example().setup)
    Traceback (most recent call last):
    ValueError: diabetes: the model was not trained on a table
    """
    schema = setup.table
    if schema is None or setup.test_fraction is None:
        raise ValueError(f"{setup.data}: the model was not trained on a table")
    return read_table(
        setup.data,
        schema.target.name,
        drop=schema.dropped,
        text=[column.name for column in (*schema.columns, schema.target) if column.kind == "text"],
        embed={column.name: column.embed for column in schema.columns if column.embed},
        task=setup.task,
        impute=schema.impute,
        test=setup.test_fraction,
        val=_fraction(setup.val),
        seed=setup.seed,
    )


def table_parts(setup: Setup, table: Table) -> dict[str, Table]:
    """As `parts_of`. Raises `ValueError` for a part without rows, and for another file whose rows the model does not take.

    >>> from pure_mlp.cli.model import example
    >>> table = read_table({"a": [*range(50)], "b": [0.5] * 50}, "b")
    >>> {name: part.size for name, part in table_parts(example().setup, table).items()}
    {'training': 42, 'test': 8}
    """
    parts = {"training": table.part("training")}
    if isinstance(setup.val, str):
        parts["validation"] = counted(another_table(setup, setup.val, table.inputs))
    elif setup.val is not None:
        parts["validation"] = table.part("validation")
    return {**parts, "test": table.part("test")}


def another_table(setup: Setup, path: str, inputs: Standardizer) -> Table:
    """A file for a model that was trained on a table, split as that one. Raises `ValueError` as `open_table`.

    >>> from pure_mlp.cli.model import example
    >>> another_table(example().setup, "houses.csv", example().inputs)
    Traceback (most recent call last):
    ValueError: houses.csv: the model was trained on diabetes, which is no table
    """
    if setup.table is None or setup.test_fraction is None:
        raise ValueError(f"{path}: the model was trained on {setup.data}, which is no table")
    split = Split(setup.test_fraction, _fraction(setup.val), setup.seed)
    return open_table(path, setup.table, setup.task, split, inputs)


def _fraction(val: float | str | None) -> float:
    return val if isinstance(val, float) else 0.0
