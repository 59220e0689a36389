"""The library of plausible mistakes: what each is called, and what to say about it, with the handout's equation."""

from __future__ import annotations

NET = {
    "f slope missing": (
        "The slope of f is missing: dJ/dz1 has the factor dz2/dz1 = f'(z1), equations (14) and (16), (17) "
        "for ReLU, (20) for sigmoid."
    ),
    "g slope missing": (
        "The slope of g is missing: dJ/dz3 = dy_hat/dz3 dJ/dy_hat has the factor g'(z3), equations (9) and (12), (21) for sigmoid."
    ),
    "g slope missing below": (
        "The slope of g is missing on the way to layer 1: W2^T multiplies dy_hat/dz3 dJ/dy_hat, equation (14), not dJ/dy_hat alone."
    ),
    "f slope from output": (
        "The slope of f is taken at the wrong side: f'(z1) is sigma(z1) (1 - sigma(z1)) = z2 (1 - z2), "
        "equation (20); here sigma is applied to z2 again."
    ),
    "g slope from output": (
        "The slope of g is taken at the wrong side: g'(z3) = y_hat (1 - y_hat), equation (21); here sigma is "
        "applied to y_hat again."
    ),
    "f slope from input": ("The slope of f is taken at the wrong side: it is z2 (1 - z2), equation (20), not z1 (1 - z1)."),
    "g slope from input": ("The slope of g is taken at the wrong side: it is y_hat (1 - y_hat), equation (21), not z3 (1 - z3)."),
    "slope missing": (
        "Both slopes are missing: dJ/dz = da/dz dJ/da has the factor f'(z1), equation (14), and g'(z3), equation (9); a slope is "
        "1 only for identity."
    ),
    "slope from output": (
        "Sigmoid: its slope is taken at the wrong side: it is a (1 - a) for a = sigma(z), equations (20) and (21); here sigma is "
        "applied to a again."
    ),
    "slope from input": (
        "Sigmoid: its slope is taken at the wrong side: it is a (1 - a) for a = sigma(z), equations (20) and (21), not z (1 - z)."
    ),
    "relu slope 1": "ReLU: its slope is 0 where z < 0, equation (17); here it is 1 everywhere (max(0, z) >= 0 always holds).",
    "g slope of f": "The slope at z3 is that of f: g'(z3) stands there, equation (9).",
    "f slope of g": "The slope at z1 is that of g: f'(z1) stands there, equation (14).",
    "g slope of f at z": "The slope at z3 is f'(z3): g'(z3) stands there, equation (9).",
    "f slope of g at z": "The slope at z1 is g'(z1): f'(z1) stands there, equation (14).",
    "slopes swapped at z": "The slopes are swapped, g'(z1) and f'(z3): g' belongs to z3 and f' to z1, equation (14).",
    "slopes swapped": "The slopes are swapped: g' belongs to z3 and f' to z1, equation (14).",
    "f slope 1 at 0": "ReLU as f: its slope at z1 = 0 is 0, equation (17) (1 where z > 0, not where z >= 0).",
    "g slope 1 at 0": "ReLU as g: its slope at z3 = 0 is 0, equation (17) (1 where z > 0, not where z >= 0).",
    "slope 1 at 0": "ReLU: its slope at 0 is 0, equation (17) (1 where z > 0, not where z >= 0).",
    "b1 of the handout": (
        "dJ/db1 has a trailing factor dz2/dz1, as in the handout's table of 1.2(c): the table is wrong, equation (16) is right."
    ),
    "b1 without f slope": "dJ/db1 lacks the slope of f: it is the sum of dJ/dz1 over the batch, equation (16), not of dJ/dz2.",
    "b2 without g slope": "dJ/db2 lacks the slope of g: it is the sum of dJ/dz3 over the batch, equation (12), not of dJ/dy_hat.",
    "W1 transposed": "dJ/dW1 is transposed: it is (dJ/dz1) x^T, equation (14), of the shape (out, in) of W1.",
    "W2 transposed": "dJ/dW2 is transposed: it is (dJ/dz3) z2^T, equation (9), of the shape (out, in) of W2.",
    "W2 not transposed": "On the way back W2 is not transposed: dJ/dz2 = (W2)^T dJ/dz3, equation (14).",
    "W2 from z1": "dJ/dW2 takes z1 where it needs z2 = f(z1): equation (9).",
    "mean in backward": (
        "The gradients are divided by the batch size: the mean is the loss's, backward sums over the batch, equations (9) to (16)."
    ),
    "mean of biases": ("The gradients of the biases are means over the batch: they are sums, equations (12) and (16)."),
    "sign in backward": "All gradients have the wrong sign: equations (9) to (16) have none.",
    "overwriting": (
        "backward overwrites the gradients: step 4 of 1.2(a) says compute and ACCUMULATE, grads += (and clear sets them to zero)."
    ),
    "stale cache": ("backward uses the cache of an earlier forward: each forward has to store its own x, z1, z2, z3 (1.2(b))."),
    "parameters copied": (
        "The parameters are copied when the net is made: forward has to read them from the dict each time "
        "(step 5 of 1.2(a) changes them)."
    ),
    "no b1": "forward leaves b1 out: z1 = W1 x + b1, table 1.2(b).",
    "no b2": "forward leaves b2 out: z3 = W2 z2 + b2, table 1.2(b).",
    "f not applied": "forward does not apply f: z2 = f(z1), table 1.2(b).",
    "g not applied": "forward does not apply g: y_hat = g(z3), table 1.2(b).",
}

FORWARD = ("parameters copied", "no b1", "no b2", "f not applied", "g not applied")
"""Those that `forward` shows by what it returns."""

BACKWARD = tuple(name for name in NET if name not in FORWARD)

LOSS = {
    "sum": "The mean is missing: {it} is divided by the number of elements, batch x features.",
    "per batch": "The mean is over the batch only: {it} is divided by all elements, batch x features.",
    "per features": "The mean is over the features only: {it} is divided by all elements, batch x features.",
    "double mean": "The mean is taken twice: {it} is divided by the number of elements once.",
    "half": "There is one half too much: l = |y_hat - y|^2 and dl/dy_hat = 2 (y_hat - y), equation (5).",
    "sign": (
        "The sign is wrong: dl/dy_hat grows with y_hat, y_hat - y in (5) and (24); the label comes first, is "
        "it swapped with the prediction?"
    ),
    "swap": ("Label and prediction are swapped: the label comes first, loss(y, y_hat), and log is of y_hat, 1.3(b)."),
    "handout": (
        "The loss has y_hat in the place of y, as in the question 1.3(b): its solution -[y log y_hat + (1 - "
        "y) log(1 - y_hat)] is right."
    ),
    "one term": ("One term is missing: -[y log y_hat + (1 - y) log(1 - y_hat)], 1.3(b), and its derivative (24)."),
    "not clamped": ("BCE is not clamped: at y_hat of 0 or 1 torch bounds each log at -100, and the denominator of (24) at 1e-12."),
    "from logits": (
        "This is the gradient for logits, equation (26): for y_hat it has the denominator y_hat (1 - y_hat), equation (24)."
    ),
    "epsilon": (
        "BCE is kept finite by an epsilon ({how}): torch clamps each log at -100 and the denominator of (24) at "
        "1e-12, and leaves y_hat as it is."
    ),
}

EPSILONS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
"""Epsilons that people add to y_hat, or clamp it by."""

REDUCTIONS = ("sum", "per batch", "per features", "double mean")
MSE_VALUE = (*REDUCTIONS, "half", "sign")
MSE_GRADIENT = (*REDUCTIONS, "half", "sign")
_SOFT = tuple(f"epsilon {way} {e}" for e in EPSILONS for way in ("added", "clamped"))
BCE_VALUE = (*REDUCTIONS, "sign", "swap", "handout", "one term", "not clamped", *_SOFT)
BCE_GRADIENT = (*REDUCTIONS, "sign", "swap", "one term", "from logits", "not clamped", *_SOFT)
GROUPS = {("mse", "J"): MSE_VALUE, ("mse", "dJdy_hat"): MSE_GRADIENT, ("bce", "J"): BCE_VALUE, ("bce", "dJdy_hat"): BCE_GRADIENT}


def sentence(name: str, quantity: str) -> str:
    """What to tell the student about a mistake in a loss's `quantity`.

    >>> sentence("sum", "J")
    'J: The mean is missing: it is divided by the number of elements, batch x features.'
    """
    key, _, how = name.partition(" ") if name.startswith("epsilon") else (name, "", "")
    return f"{quantity}: {LOSS[key].format(it='it', how=how)}"
