"""How training is laid out over processes, as a value."""

from __future__ import annotations

import attrs
from attrs.validators import and_, ge, instance_of

__all__ = ["Mesh", "parsed"]

_SOME = and_(instance_of(int), ge(1))


@attrs.frozen
class Mesh:
    """dp times tp processes: dp groups share the rows of each batch, and the tp processes of a group the units of each layer.

    By default params are replicated: every process holds all of them. With tp > 1 pairs of linear layers are cut, the first by
    rows, the second by columns, so that a pair needs one sum over the group forward and one backward (Shoeybi et al.,
    arXiv:1909.08053). With sharded, a process holds a part of the rows of every tensor of params and optimizer state, as FSDP2
    does, and gathers the params for each step (Rajbhandari et al., arXiv:1910.02054).

    Args:
        dp: how many groups share the rows of a batch, at least 1.
        tp: how many processes share the units, at least 1.
        sharded: whether the dp groups also share the memory of params and state; not together with tp > 1.

    Raises:
        ValueError: a number below 1, or sharded together with tp > 1.

    >>> Mesh(dp=2, tp=2).processes
    4
    """

    dp: int = attrs.field(default=1, validator=_SOME)
    tp: int = attrs.field(default=1, validator=_SOME)
    sharded: bool = False

    def __attrs_post_init__(self) -> None:
        if self.sharded and self.tp > 1:
            raise ValueError(f"Mesh: sharded together with tp={self.tp}: expected one of them")

    @property
    def processes(self) -> int:
        """How many there are."""
        return self.dp * self.tp

    def __str__(self) -> str:
        return ",".join([f"dp={self.dp}", *([f"tp={self.tp}"] if self.tp > 1 else []), *(["sharded"] if self.sharded else [])])


def parsed(text: str) -> Mesh:
    """The mesh that a text stands for: `dp=2`, `dp=2,tp=2`, `dp=4,sharded`. Raises `ValueError` for any other text.

    >>> str(parsed("tp=2, dp=3"))
    'dp=3,tp=2'
    """
    words = [word.strip() for word in text.split(",")]
    sizes = {name: size for name, _, size in (word.partition("=") for word in words if word != "sharded")}
    twice = len(sizes) + words.count("sharded") < len(words)
    if twice or not sizes.keys() <= {"dp", "tp"} or not all(map(_whole, sizes.values())):
        raise ValueError(f"a mesh {text!r}, expected such as dp=2 or dp=2,tp=2 or dp=2,sharded")
    return Mesh(**{name: int(size) for name, size in sizes.items()}, sharded="sharded" in words)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
