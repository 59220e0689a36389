"""The page as one self-contained HTML file."""

from __future__ import annotations

import json
from importlib.resources import files

from pure_mlp.learn.cases import NETS, batch, case, start
from pure_mlp.learn.filled import filled
from pure_mlp.learn.gallery import gallery

SCRIPTS = {"NET": "net.js", "PICTURE": "picture.js", "BATCH": "batch.js", "GALLERY": "gallery.js", "PAGE": "page.js"}


def page(seed: int) -> str:
    """HTML that loads nothing from anywhere.

    Args:
        seed: of the numbers that the page starts with.

    >>> page(0).splitlines()[0]
    '<!DOCTYPE html>'
    """
    room = files("pure_mlp.learn")
    parts = {name: room.joinpath(file).read_text(encoding="utf-8") for name, file in {"STYLE": "style.css", **SCRIPTS}.items()}
    parts |= {"START": json.dumps(start(seed, NETS[4])), "CASES": json.dumps([case(seed, net) for net in NETS])}
    parts |= {"BATCHES": json.dumps([batch(seed, net) for net in NETS]), "MISTAKES": json.dumps(gallery()).replace("<", "\\u003c")}
    return filled(room.joinpath("page.html").read_text(encoding="utf-8"), parts)
