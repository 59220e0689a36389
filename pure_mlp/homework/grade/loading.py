"""Why a file cannot be loaded, where more can be said than its exception does."""

from __future__ import annotations

ALONE = "the file is graded alone, in an empty folder"
OTHERS = {
    "NameError: name 'get_ipython'": "that is a line of a notebook, no Python",
    "SystemExit": "the file ends Python when it is imported; what it does besides belongs under if __name__ == '__main__'",
    "EOFError": "it asks for input when it is imported; that belongs under if __name__ == '__main__'",
    "SyntaxError: invalid character": "was it copied from a document? Quotes and minus signs are ' and -",
    "SyntaxError: invalid non-printable character": "was it copied from a web page? Type the blank again",
}
"""How an exception begins, and what to say of it."""

NEEDS_OTHERS = ("ModuleNotFoundError: No module named", "ImportError: attempted relative import", "FileNotFoundError")


def unloadable(error: str, source: str | bytes) -> str:
    """What to say of a file with this exception, "" for none, or nothing where it can be graded.

    >>> unloadable("ModuleNotFoundError: No module named 'utils' (line 1)", "from utils import sigmoid")
    "cannot be loaded: ModuleNotFoundError: No module named 'utils' (line 1): the file is graded alone, in an empty folder"
    >>> unloadable("", '{"cells": []}')
    'is a Jupyter notebook, no Python: export its code as mlp.py'
    """
    text = source.encode("utf-8", "replace") if isinstance(source, str) else source
    lines = text.splitlines()
    if text.lstrip().startswith(b"{") and b'"cells"' in text:
        return "is a Jupyter notebook, no Python: export its code as mlp.py"
    if not error:
        return ""
    hint = ALONE if error.startswith(NEEDS_OTHERS) else ""
    if any(line.startswith(b"<<<<<<<") for line in lines):
        hint = "a conflict of git is left in it"
    elif error.startswith("SyntaxError") and any(line.startswith((b"%", b"!")) for line in lines):
        hint = "a line that begins with % or ! is IPython's, no Python"
    elif error.startswith("SyntaxError") and any(line.startswith((b"```", b">>>")) for line in lines):
        hint = "a line that begins with ``` or >>> is of a document, no Python"
    elif b"\0" in text:
        hint = "it is no text in UTF-8"
    hint = hint or next((said for start, said in OTHERS.items() if error.startswith(start)), "")
    return f"cannot be loaded: {error}" + (f": {hint}" if hint else "")
