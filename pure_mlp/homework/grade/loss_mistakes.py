"""The library of plausible mistakes in the losses: what each is called, and what to say, with the handout's equation."""

from __future__ import annotations

from math import log

LOSS = {
    "sum": "The mean is missing: it is divided by the number of elements, batch x features.",
    "per batch": "The mean is over the batch only: it is divided by all elements, batch x features.",
    "per features": "The mean is over the features only: it is divided by all elements, batch x features.",
    "double mean": "The mean is taken twice: it is divided by the number of elements once.",
    "half": "There is one half too much: l = |y_hat - y|^2 has no factor, 1.2, and its gradient 2, equation (5).",
    "no factor 2": "The factor 2 of (5) is missing: dl/dy_hat = 2 (y_hat - y).",
    "norm of squares": "It is the norm of the squares, the root of a sum of fourth powers: l = |y_hat - y|^2, 1.2, its mean.",
    "norm": "It is the norm |y_hat - y|, with a root: l = |y_hat - y|^2, 1.2, then the mean.",
    "root of the mean": "It is the root of the mean (RMSE): l = |y_hat - y|^2, 1.2, without a root.",
    "absolute": "It takes absolute values for squares: l = |y_hat - y|^2, 1.2, and dl/dy_hat = 2 (y_hat - y), equation (5).",
    "not squared": "The difference is not squared: l = |y_hat - y|^2, 1.2.",
    "squared sum": "It squares the sum and not each difference: l = |y_hat - y|^2, 1.2, is a sum of squares.",
    "of the squares": "It is the squared error itself: its derivative is 2 (y_hat - y), equation (5).",
    "sign": (
        "The sign is wrong: dl/dy_hat grows with y_hat, y_hat - y in (5) and (24); the label comes first, is "
        "it swapped with the prediction?"
    ),
    "swap": "Label and prediction are swapped: the label comes first, loss(y, y_hat), and log is of y_hat, 1.3(b).",
    "handout": (
        "The loss has y_hat in the place of y, as in the question 1.3(b): its solution -[y log y_hat + (1 - "
        "y) log(1 - y_hat)] is right."
    ),
    "one term": "One term is missing: -[y log y_hat + (1 - y) log(1 - y_hat)], 1.3(b), and its derivative (24).",
    "inner sign": (
        "The sign between the two terms is wrong: -[y log y_hat + (1 - y) log(1 - y_hat)], 1.3(b), and its derivative "
        "-y / y_hat + (1 - y) / (1 - y_hat), (24)."
    ),
    "hard labels": "A label other than 1 counts as 0, as by y == 1 or y.long(): labels may lie between, and count as they are.",
    "labels rounded": "The labels are rounded: they may lie between 0 and 1, and count as they are.",
    "no label": "The label is missing: dl/dy_hat = 2 (y_hat - y), equation (5).",
    "1 + y_hat": "The second logarithm is of 1 + y_hat: it is log(1 - y_hat), 1.3(b), which is log1p(-y_hat).",
    "log10": "The logarithm is to the base 10: log in 1.3(b) is the natural one, torch.log.",
    "log2": "The logarithm is to the base 2: log in 1.3(b) is the natural one, torch.log.",
    "not clamped": "BCE is not clamped: at y_hat of 0 or 1 torch bounds each log at -100, and the denominator of (24) at 1e-12.",
    "from logits": (
        "This is the gradient for logits, equation (26): for y_hat it has the denominator y_hat (1 - y_hat), equation (24)."
    ),
    "sigmoid inside": "sigmoid is applied to y_hat: it is a probability already, the output of g, 1.3.",
    "times the slope": "It is multiplied by y_hat (1 - y_hat): equation (24) divides by it.",
    "log of the gradient": "The denominator of (24) is y_hat (1 - y_hat): here one factor of it is missing.",
}

WAYS = {
    "clamped": "y_hat clamped to [eps, 1 - eps]",
    "added": "added under each logarithm or to the denominator",
    "shifted": "added to y_hat itself",
}
"""How an epsilon comes in."""

REDUCTIONS = ("sum", "per batch", "per features", "double mean")
GROUPS: dict[tuple[str, str], tuple[str, ...]] = {
    ("mse", "J"): (
        *(*REDUCTIONS, "half", "sign", "norm of squares", "norm", "root of the mean", "absolute"),
        *("not squared", "squared sum", "hard labels", "labels rounded"),
    ),
    ("mse", "dJdy_hat"): (
        *(*REDUCTIONS, "no factor 2", "sign", "root of the mean", "absolute", "of the squares"),
        *("hard labels", "labels rounded", "no label"),
    ),
    ("bce", "J"): (
        *(*REDUCTIONS, "sign", "swap", "handout", "one term", "inner sign", "log10", "log2"),
        *("hard labels", "labels rounded", "1 + y_hat", "sigmoid inside", "not clamped"),
    ),
    ("bce", "dJdy_hat"): (
        *(*REDUCTIONS, "sign", "swap", "one term", "inner sign", "log10", "log2", "from logits"),
        *("hard labels", "labels rounded", "log of the gradient", "sigmoid inside", "times the slope", "not clamped"),
    ),
}

NEAREST_TO_1 = 6e-8
"""Below it 1 - eps is 1 in float32."""


def is_guard(name: str) -> bool:
    """Whether a mistake shows at y_hat of 0 or 1 alone, where it is small enough.

    >>> is_guard("not clamped"), is_guard("epsilon added 1e-07"), is_guard("sum")
    (True, True, False)
    """
    return name == "not clamped" or name.startswith("epsilon")


def loss_sentence(name: str, where: str) -> str:
    """What to tell the student about a mistake in a loss's quantity.

    >>> loss_sentence("sum", "mse_loss, J")
    'mse_loss, J: The mean is missing: it is divided by the number of elements, batch x features.'
    """
    if name == "sign" and where.endswith(", J"):
        return f"{where}: The sign is wrong: a loss is never negative, 1.2 and the solution of 1.3(b)."
    if not name.startswith("epsilon"):
        return f"{where}: {LOSS[name]}"
    _, way, size = name.split()
    least = log(float(size))
    if way == "added" and where.endswith(", J") and abs(least - round(least)) < 1e-3:
        return f"{where}: Each logarithm is bounded at {least:.0f}: torch bounds it at -100."
    bound = f", or each log bounded at {least:.3g}" if way == "clamped" and where.endswith(", J") else ""
    text = f"{where}: BCE is kept finite by an epsilon of {size} ({WAYS[way]}{bound}): "
    text += "torch clamps each log at -100 and the denominator of (24) at 1e-12, and leaves y_hat as it is."
    if float(size) < NEAREST_TO_1:
        text += f" In float32 1 - {size} is 1: " + (
            "at the upper end, y_hat = 1, it is nothing." if way != "added" else "it works on 1 - y_hat only."
        )
    return text
