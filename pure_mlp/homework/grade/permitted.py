"""Rows of the table about what a file may not do, whatever it computes: use autograd, replace what is torch's."""

from __future__ import annotations

from collections.abc import Sequence

from pure_mlp.homework.grade.probe.seen import Pass, Score
from pure_mlp.homework.grade.rows import Said, Told, told
from pure_mlp.homework.grade.source import autograd_uses, tried_lines, unused_imports


def autograd(
    source: str | bytes,
    called: Sequence[tuple[int, str]],
    attempts: Sequence[Pass | Score],
    imported: Sequence[tuple[int, str]] = (),
) -> Told:
    """Wrong if the source uses it or an entry of it was called.

    A remark for a graph or an import that nobody uses, and where only lines use it that try the file out when it is imported.
    `called` and `imported` hold lines and names, of calls after the import and during it. Raises `SyntaxError` for a source that
    does not parse.

    >>> autograd("def mse_loss(J): J.backward()", [(1, "torch.autograd.backward")], [])[1][0].text.partition(": the")[0]
    'Autograd is used (line 1: J.backward(); at run time, line 1: torch.autograd.backward)'
    >>> autograd("", [], [{"stage": "", "error": "", "graph": True}])[0].verdict
    'remark'
    """
    uses, aside = autograd_uses(source), tried_lines(source)
    written = [f"line {line}: {text}" for line, text in uses if line not in aside]
    counted = [*called, *(call for call in imported if call[0] not in aside)]
    used = [f"at run time, line {line}: {name}" for line, name in sorted({*counted})]
    if written or used:
        places = "; ".join([*written[:3], *used[:2]])
        return told("no autograd", [Said(f"Autograd is used ({places}): the derivatives have to be written by hand (part 2).")])
    said = []
    if tried := [f"line {line}: {text}" for line, text in [*uses, *imported] if line in aside]:
        text = f"Autograd runs when the file is imported ({'; '.join(tried[:3])}): what tries the file out"
        said.append(Said(f"{text} belongs under if __name__ == '__main__'.", "every script that imports the file runs it too"))
    if any(a.get("graph", False) for a in attempts):
        said.append(Said("Results require grad, though nothing uses it.", "in-place changes of them raise, and time is lost"))
    for line, name in unused_imports(source):
        text = f"{name} is imported in line {line} and not used."
        said.append(Said(text, "the handout forbids autograd: a reader may take the import for its use"))
    return told("no autograd", said)


def torch_intact(replaced: Sequence[str], settings: Sequence[str] = ()) -> Told:
    """Wrong if names of torch stand for something else after the file was run; a dtype that is set for all of it is a remark.

    >>> torch_intact([], ["the default dtype to float64"])[0].verdict, torch_intact([], ["autograd to off"])[0].verdict
    ('remark', 'wrong')
    >>> torch_intact(["torch.allclose"])[0].detail
    'The file replaces functions of torch (torch.allclose): every check after that would see what it wants to show.'
    """
    names = ", ".join(replaced[:5])
    text = f"The file replaces functions of torch ({names}): every check after that would see what it wants to show."
    said = [Said(text)] if replaced else []
    for setting in settings:
        risk = "a script that compares with numbers in float32 may fail" if "dtype" in setting else ""
        said.append(Said(f"The file sets {setting} for all of torch, and so for every script that imports it.", risk))
    return told("torch intact", said)
