"""Operations on lists of tensors as one operation a leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pure_mlp._compile.graph import Unplannable

_LEAF = {name: f"aten.{name}.Tensor" for name in ("add", "sub", "mul", "div")}
_LEAF |= {name: f"aten.{name}.default" for name in ("sqrt", "neg", "exp", "abs", "reciprocal", "maximum", "minimum")}
_LEAF |= {name: f"aten.{name}.default" for name in ("addcmul", "addcdiv")}
_LEAF |= {"lerp": "aten.lerp.Scalar"}


def per_leaf(
    op: str, args: tuple[object, ...], place: Callable[[], str]
) -> Iterator[tuple[str, tuple[object, ...], dict[str, object]]]:
    """The operation on each leaf, its arguments and keywords: of a tuple each leaf gets its element, anything else is
    shared.

    Raises `Unplannable` for one without an entry in the table."""
    name = op.split(".")[1].removeprefix("_foreach_")
    if name not in _LEAF:
        raise Unplannable(f"{op} has no form for single tensors here {place()}")
    length = len(args[0]) if isinstance(args[0], tuple) else 0
    for i in range(length):
        mine = tuple(a[i] if isinstance(a, tuple) else a for a in args)
        value = {"value": mine[3]} if name in ("addcmul", "addcdiv") and len(mine) > 3 else {}
        yield _LEAF[name], mine[:3] if value else mine, value


def independent(args: Sequence[object]) -> bool:
    """Whether an in-place operation on the list args[0] gives the same in any order: no tensor is in it twice, or is
    read for another leaf.
    """
    targets = args[0] if args and isinstance(args[0], (list, tuple)) else ()
    place = {id(t): i for i, t in enumerate(targets)}
    lists = [a if isinstance(a, (list, tuple)) else [a] * (len(targets) + 1) for a in args[1:]]
    return len(place) == len(targets) and all(place.get(id(t), i) == i for a in lists for i, t in enumerate(a))
