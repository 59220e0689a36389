"""What can be said of a wrong result that no mistake of the library explains: where it is wrong, how, and what is right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor

from pure_mlp.homework.grade.cases import NetCase
from pure_mlp.homework.grade.compare import figure, ratio, relative_error, same

BESIDE = {
    "y": ("", "", ""),
    "dJdW2": ("dJdb2", "dJ/dz3 is right, as dJdb2 shows: look at its product with z2, equation (9)", ""),
    "dJdb2": ("dJdW2", "dJ/dz3 is right, as dJdW2 shows: look at the sum over the batch, equation (12)", ""),
    "dJdW1": ("dJdb1", "dJ/dz1 is right, as dJdb1 shows: look at its product with x, equation (14)", "dJdb2"),
    "dJdb1": ("dJdW1", "dJ/dz1 is right, as dJdW1 shows: look at the sum over the batch, equation (16)", "dJdb2"),
}
"""A gradient that has the same cotangent, what its being right shows, and one that shows dJ/dz3."""

APPLIED_AT = {which: f"look at {which}, table 1.2(b)" for which in "fg"}
SLOPE_AT = {"f": "look at f' and at f, equations (14), (17), (20)", "g": "look at g' and at g, equations (9), (17), (21)"}


EITHER = {
    "relu": "look at ReLU, (z)^+ = max(0, z), section 1.2",
    "sigmoid": "look at sigmoid, 1 / (1 + exp(-z)), section 1.3",
    "identity": "look at identity, z itself, section 1.2",
}

SMALL = 0.02
"""A relative error below which no term is missing."""

NEARLY = f"is nearly right, off by less than {100 * SMALL:g} % in most cases, as a difference quotient would be"
NEARLY_Y = NEARLY.partition(", as")[0] + ": is anything clamped, rounded, or an epsilon added?"


def where(cases: Sequence[NetCase], bad: Collection[int]) -> str:
    """What the cases at `bad` have in common and few others have: an activation, a batch of more than one, a width.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> where(net_cases(), [i for i, case in enumerate(net_cases()) if case.g == "sigmoid"]), where(net_cases(), [0, 17])
    ('where g is sigmoid', '')
    """
    facts = {f"where {which} is {name}": (which, name) for which in "fg" for name in ("relu", "sigmoid", "identity")}
    marks = {text: {i for i, c in enumerate(cases) if getattr(c, which) == name} for text, (which, name) in facts.items()}
    for which in "fg":
        of_it = [text for text in facts if f" {which} " in text]
        marks |= {text.replace(" is ", " is not "): {*range(len(cases))} - marks[text] for text in of_it}
    for name in ("relu", "sigmoid", "identity"):
        marks[f"where f or g is {name}"] = {i for i, c in enumerate(cases) if name in (c.f, c.g)}
    marks["where f and g differ"] = {i for i, c in enumerate(cases) if c.f != c.g}
    marks["where the batch is larger than 1"] = {i for i, c in enumerate(cases) if len(c.tensors["x"]) > 1}
    marks["where the batch is one example"] = {i for i, c in enumerate(cases) if len(c.tensors["x"]) == 1}
    marks["where there are several outputs"] = {i for i, c in enumerate(cases) if c.widths[2] > 1}
    marks["where all widths are equal"] = {i for i, c in enumerate(cases) if len({*c.widths}) == 1}
    marks["where units are at the kink of ReLU"] = {i for i, c in enumerate(cases) if c.kink}
    fitting = [(len(those), text) for text, those in marks.items() if {*bad} <= those and 2 * len(bad) > len(those)]
    least = min((size for size, _ in fitting), default=len(cases))
    return next((text for size, text in fitting if size == least < len(cases)), "")


def described(
    name: str, cases: Sequence[NetCase], found: Sequence[Tensor | None], expected: Sequence[Tensor], right: Collection[str]
) -> str:
    """A sentence about `name` (y, dJdW1, ..) from what was found and expected a case each; `right` holds the names that are right.

    >>> from pure_mlp.homework.grade.cases import net_cases
    >>> cases = net_cases()[:2]
    >>> described("dJdW1", cases, [7 * c.tensors["W1"] for c in cases], [c.tensors["W1"] for c in cases], ["dJdb1"])
    'dJdW1 is 7 times what it should be: dJ/dz1 is right, as dJdb1 shows: look at its product with x, equation (14).'
    """
    pairs = [(i, a, b) for i, (a, b) in enumerate(zip(found, expected)) if a is not None]
    bad = [i for i, a, b in pairs if not same(a, b)]
    label = "forward" if name == "y" else name
    manner = how([(cases[i].label, _sizes(cases[i]), a, b) for i, a, b in pairs if i in bad])
    if manner == NEARLY:
        return f"{label} {manner}." if label == name else f"{label} {NEARLY_Y}"
    place = where([cases[i] for i, _, _ in pairs], [[i for i, _, _ in pairs].index(i) for i in bad])
    asked = [i for i, _, b in pairs if i in bad or bool(b.any())]  # 0 is right whatever it is multiplied by
    some = f", and only {place}" if place else "" if len(bad) == len(asked) else f", in {len(bad)} of {len(asked)} cases"
    at = APPLIED_AT if name == "y" else SLOPE_AT
    hints = [_beside(name, right)] + [at[which] for which in "fg" if f"where {which} is" in place]
    hints += [text for activation, text in EITHER.items() if place == f"where f or g is {activation}" and name == "y"]
    hint = "; ".join(filter(None, hints))
    return f"{label} {manner}{some}" + (f": {hint}." if hint else ".")


def _beside(name: str, right: Collection[str]) -> str:
    same_cotangent, shown, above = BESIDE[name]
    if same_cotangent in right:
        return shown
    if above and above in right:
        return "dJ/dz3 is right, as dJdb2 shows: look at (W2)^T and f' between the two, equation (14)"
    return "look at dJ/dz3 = g'(z3) dJ/dy_hat first, equations (6), (25)" if above else ""


def _sizes(case: NetCase) -> dict[str, int]:
    batch, (n, h, k) = len(case.tensors["x"]), case.widths
    return {
        "the batch size": batch,
        "the number of outputs": k,
        "batch x outputs": batch * k,
        "the number of hidden units": h,
        "the number of inputs": n,
    }


def how(bad: Sequence[tuple[str, Mapping[str, int], Tensor, Tensor]]) -> str:
    """In which way results are wrong: label and sizes of each case, what was found, what is right.

    >>> import torch
    >>> how([("a case", {"the batch size": 5}, torch.full((2,), 0.2), torch.ones(2))] * 2)
    'is 0.2 times what it should be'
    """
    label, sizes, a, b = next((p for p in bad if p[2].shape != p[3].shape), bad[0])
    if a.shape != b.shape:
        return f"has the shape {tuple(a.shape)}, expected {tuple(b.shape)}{_shape_hint(a, b, sizes['the batch size'])}"
    if not any(bool(a.any()) for _, _, a, _ in bad):
        return "is 0"
    finite = [case for case in bad if bool(case[2].isfinite().all()) or not bool(case[3].isfinite().all())]
    if len(finite) < len(bad):
        return f"{how(finite)}, and is nan or inf in places" if finite else "is nan or inf in places"
    if ratio := _ratio(bad):
        return f"is {ratio}"
    if sorted(relative_error(a, b) for _, _, a, b in bad)[len(bad) // 2] < SMALL:
        return NEARLY
    first = int((~((a - b).abs() <= 1e-4 * b.abs().max())).flatten().float().argmax())
    place = _place(first, a.shape)
    element = f"element {place} is" if place else "it is"
    ours, theirs = float(a[place]), float(b[place])
    shown = figure if figure(ours) != figure(theirs) else "{:.7g}".format
    return f"is wrong, as with {label}: {element} {shown(ours)}, expected {shown(theirs)}"


def _place(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Where the element of this number stands, row by row."""
    place: list[int] = []
    for size in reversed(shape):
        place.insert(0, index % size)
        index //= size
    return tuple(place)


def _ratio(bad: Sequence[tuple[str, Mapping[str, int], Tensor, Tensor]]) -> str:
    """One factor for all cases, or one that is a size of the case."""
    factors = []
    for _, sizes, a, b in bad:
        factor = ratio(a, b)
        if not factor:
            return ""
        factors.append((sizes, factor))
    first = factors[0][1]
    if all(abs(factor / first - 1) < 1e-3 for _, factor in factors):
        return "the negative of what it should be" if abs(first + 1) < 1e-3 else f"{figure(first)} times what it should be"
    for text, size in factors[0][0].items():
        by, over = first / size, first * size
        if all(abs(factor / sizes[text] / by - 1) < 1e-3 for sizes, factor in factors):
            return f"{_times(by)}{text} times what it should be"
        if all(abs(factor * sizes[text] / over - 1) < 1e-3 for sizes, factor in factors):
            return f"{_times(over)}what it should be, divided by {text}"
    numbers = all(b.numel() == 1 for _, _, _, b in bad)  # any two are proportional
    return "" if numbers else "proportional to what it should be, by a factor that changes from case to case"


def _times(factor: float) -> str:
    return "" if abs(factor - 1) < 1e-3 else f"{figure(factor)} times "


def _shape_hint(a: Tensor, b: Tensor, batch: int) -> str:
    """Why a gradient may have this shape."""
    if not b.shape and a.shape:
        return " (it is not averaged over all elements)"
    if a.dim() == 2 and b.dim() == 1:
        if a.shape[1] == b.shape[0] and a.shape[0] == batch:
            return " (it is not summed over the batch)"
        if a.numel() == b.numel():
            return " (a column or a row where a vector is expected)"
        return ""
    if a.dim() < b.dim() == 2 and a.numel() < b.numel() and [*a.shape] in ([], [b.shape[1]]):
        return " (it is summed or averaged over what each has its own)"
    if [*a.shape] == [size for size in b.shape if size != 1] and a.dim() < b.dim():
        return " (dimensions of size 1 are squeezed out)"
    return " (it is transposed)" if a.dim() == 2 == b.dim() and tuple(a.shape[::-1]) == tuple(b.shape) else ""
