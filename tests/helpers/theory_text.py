"""Formulas as the document prints them in plain text and in Typst, read back into LaTeX."""

from __future__ import annotations

import re

from pure_mlp.theory.formula import SYMBOLS

LATEX = {symbol: f"\\{name} " for name, symbol in SYMBOLS.items() if len(symbol) == 1 and not symbol.isspace()}
POWERS = {"²": "^{2}", "³": "^{3}", "ᵀ": r"^{\top}", "'": "'"}
WORDS = re.compile(r"(?<!\\)\b[A-Za-z]{2,}\w*\b(?=\()|(?<!\\)\b(log|exp|max|tanh|erf|diag|softmax)\b")
SYMBOL = r"[^\W\d_](?:[_^](?:\([^()]*\)|\w+))*"
DERIVATIVE = re.compile(rf"(?:\(∂({SYMBOL})\)|∂({SYMBOL}))/(?:\(∂({SYMBOL})\)|∂({SYMBOL}))")


def from_text(text: str) -> str:
    """LaTeX of a formula in plain text; a script in parentheses is a group, `^(1)` with one digit keeps them."""
    text = DERIVATIVE.sub(lambda found: rf"\frac{{∂ {found[1] or found[2]}}}{{∂ {found[3] or found[4]}}}", text)
    cases = r"\\begin{cases} \1 & \\text{where } \2 > 0 \\\\ \3 & \\text{else} \\end{cases}"
    text = re.sub(r"\{ (.+) where (.+) > 0; (.+) else \}", cases, text)
    text = re.sub(r"\[([^\[\]]*)\]", lambda found: _matrix(found[1]), text)
    text = re.sub(r"_([A-Za-z]{2,})", r"_{\1}", text)
    text = re.sub(r"√(\w)", r"\\sqrt{\1}", text)
    for mark in ("_", "^", "√"):
        text = _grouped(text, mark)
    text = WORDS.sub(lambda found: rf"\operatorname{{{found[0]}}}", text)
    text = re.sub(r"‖(.+?)‖", r"\\left\\lVert \1 \\right\\rVert ", text)
    return "".join(POWERS.get(c, r"\hat{y}" if c == "ŷ" else LATEX.get(c, c)) for c in text)


def _matrix(body: str) -> str:
    depth, out = 0, ""
    for c in body:
        depth += (c == "(") - (c == ")")
        out += c if depth else {",": " & ", ";": r" \\ "}.get(c, c)
    return rf"\left(\begin{{matrix}}{out}\end{{matrix}}\right)"


def _grouped(text: str, mark: str) -> str:
    out = ""
    while (start := text.find(f"{mark}(")) >= 0:
        depth, end = 1, start + 2
        while depth:
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        body = text[start + 2 : end - 1]
        inner = f"({body})" if mark == "^" and re.fullmatch(r"\d", body) else _grouped(body, mark)
        out += text[:start] + (rf"\sqrt{{{inner}}}" if mark == "√" else f"{mark}{{{inner}}}")
        text = text[end:]
    return out + text
