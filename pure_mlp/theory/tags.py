"""The numbers that the handout gives to its equations, by what they say and for which net."""

from __future__ import annotations

from pure_mlp.theory.problem import Problem

GENERAL = {
    "product": "1",
    "chain": "2",
    "diagonal": "3",
    "y": "4",
    "entry": "7",
    "W2": "8",
    "grad W2": "9",
    "b2": "11",
    "grad b2": "12",
    "W1": "13",
    "grad W1": "14",
    "grad b1": "16",
}
OF_A_NET = {
    ("relu", "identity", "squared_norm"): {"dl": "5", "dz3": "6", "f": "17", "g": "18", "loss": "19"},
    ("sigmoid", "sigmoid", "squared_norm"): {"f": "20", "g": "21"},
    ("sigmoid", "sigmoid", "bce"): {"g": "22", "f": "23, 27", "loss": "24", "dz3": "25", "fused": "26"},
}
EMPTY = ("10", "15")
"""Two numbers in the handout stand beside nothing."""


def tag(p: Problem, what: str) -> str:
    """The handout's number of an equation, "" where it has none.

    >>> from pure_mlp.theory.problem import problem
    >>> tag(problem("relu", "identity", "squared_norm", 0), "dl")
    '5'
    """
    return {**GENERAL, **OF_A_NET.get((p.f, p.g, p.loss), {})}.get(what, "")
