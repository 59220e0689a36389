"""The library of plausible mistakes in forward and backward: what each is called, and what to say, with the handout's equation."""

from __future__ import annotations

SLOPES = {
    "missing": "is missing: dJ/d{z} = d{a}/d{z} dJ/d{a} has the factor {d}, equation {eq}; it is 1 for identity only.",
    "from output": "is taken at the wrong side: sigmoid's is {a} (1 - {a}), equation {sigma}; here sigma is applied to {a} again.",
    "from input": "is taken at the wrong side: sigmoid's is {a} (1 - {a}), equation {sigma}, not {z} (1 - {z}).",
    "mixed": "is taken at both sides: sigmoid's is {a} (1 - {a}), equation {sigma}, not {a} (1 - {z}).",
    "overflows": (
        "overflows for large negative {z}: exp(-z) / (1 + exp(-z))^2 is inf / inf there; {a} (1 - {a}), equation {sigma}, is not."
    ),
    "overflows above": (
        "overflows for large {z}: exp(z) / (1 + exp(z))^2 is inf / inf there; {a} (1 - {a}), equation {sigma}, is not."
    ),
    "0 for sigmoid": "is 0 for sigmoid: it is {a} (1 - {a}), equation {sigma}; is it {a} * 1 - {a}, without parentheses?",
    "negative": "has the wrong sign for sigmoid: it is {a} (1 - {a}), equation {sigma}, not {a} ({a} - 1).",
    **{
        kind: "is wrong for sigmoid: it is {a} (1 - {a}), equation {sigma}, not " + text + "."
        for kind, text in {
            "of tanh": "1 - {a}^2, which is tanh's",
            "of tanh at z": "1 - tanh({z})^2, which is tanh's",
            "a alone": "{a} alone",
            "1 - a alone": "1 - {a} alone",
            "a squared": "{a}^2",
            "a (1 + a)": "{a} (1 + {a})",
            "exponential": "exp(-{z})",
        }.items()
    },
    "twice": "is applied twice: dJ/d{z} has the factor {d} once, equation {eq}.",
    "1 for sigmoid": "is 1 for sigmoid: it is {a} (1 - {a}), equation {sigma}; is its name compared with 'sigmoid'?",
    "1 for relu": "is 1 everywhere for ReLU: it is 0 where {z} < 0, equation (17) (max(0, z) >= 0 always holds).",
    "inverted": "is inverted for ReLU: it is 1 where {z} > 0 and 0 elsewhere, equation (17).",
    "below 0": "is that of the other side for ReLU: it is 1 where {z} > 0, equation (17), not where {z} < 0.",
    "of sigmoid": "is sigmoid's for ReLU: it is 1 where {z} > 0 and 0 elsewhere, equation (17), not sigma({z}) (1 - sigma({z})).",
    "a (1 - a) for relu": "is {a} (1 - {a}), which is sigmoid's, for ReLU: it is 1 where {z} > 0 and 0 elsewhere, equation (17).",
    "of cotangent": "is a mask of the wrong tensor for ReLU: it asks whether {z} > 0, equation (17), not whether dJ/d{a} > 0.",
    "leaky": "is 0.01 for ReLU where {z} < 0: it is 0 there, equation (17).",
    "value": "is ReLU itself: it is 1 where {z} > 0 and 0 elsewhere, equation (17), not max(0, {z}).",
    "sign": "is the sign for ReLU: it is 0 where {z} < 0, equation (17), not -1.",
    "0 for identity": "is 0 for identity: it is 1 everywhere, equation (18).",
    "z for identity": "is {z} for identity: it is 1 everywhere, equation (18).",
    "1/2 at 0": "is 1/2 for ReLU at {z} = 0: it is 0 there, equation (17), as in torch.",
    "0/0 at 0": "is 0 / 0 for ReLU at {z} = 0, as ReLU({z}) / {z} is: it is 0 there, equation (17).",
    "1 at 0": "is 1 for ReLU at {z} = 0: it is 0 there, equation (17) (1 where z > 0, not where z >= 0).",
}
"""What can be wrong with f', with g' or with both."""

OF = {
    "f": {"subject": "The slope of f", "z": "z1", "a": "z2", "d": "f'(z1)", "eq": "(14)", "sigma": "(20)"},
    "g": {"subject": "The slope of g", "z": "z3", "a": "y_hat", "d": "g'(z3)", "eq": "(9)", "sigma": "(21)"},
    "": {"subject": "Every slope", "z": "z", "a": "a", "d": "f'(z1) or g'(z3)", "eq": "(14) or (9)", "sigma": "(20), (21)"},
}

UPPER = {
    **{f"g slope {kind}": "{subject} ".format(**OF["g"]) + text.format(**OF["g"]) for kind, text in SLOPES.items()},
    "g slope of f": "The slope at z3 is that of f: g'(z3) stands there, equation (9).",
    "g slope of f at z": "The slope at z3 is f'(z3): g'(z3) stands there, equation (9).",
    "b2 without g slope": "dJ/db2 lacks the slope of g: it is the sum of dJ/dz3 over the batch, equation (12), not of dJ/dy_hat.",
    "W2 without g slope": "dJ/dW2 lacks the slope of g: it is (dJ/dz3) z2^T, equation (9), not (dJ/dy_hat) z2^T.",
    "mean of b2": "dJ/db2 is a mean over the batch: it is a sum, equation (12).",
    "mean of W2": "dJ/dW2 is a mean over the batch: it is a sum, equation (9).",
    "W2 transposed": "dJ/dW2 is transposed: it is (dJ/dz3) z2^T, equation (9), of the shape (out, in) of W2.",
    "W2 from z1": "dJ/dW2 takes z1 where it needs z2 = f(z1): equation (9).",
    "b2 over all": "dJ/db2 is summed over the outputs too: it is a sum over the batch alone, .sum(0), equation (12).",
    "b2 over units": "dJ/db2 is summed over the outputs and not over the batch: .sum(0), equation (12).",
    "W2 from x": "dJ/dW2 takes x where it needs z2, the input of Linear_2: equation (9).",
    "W2 from y_hat": "dJ/dW2 takes y_hat where it needs z2, the input of Linear_2: equation (9).",
    "W2 as columns": (
        "dJ/dW2 is dJ/dz3 z2^T as if the examples were columns: in a batch each is a row, and (9) becomes (dJ/dz3)^T z2."
    ),
    "W2 of sums": "dJ/dW2 multiplies two sums over the batch: it is the sum of the products (dJ/dz3) z2^T of each example, (9).",
}
"""Those that dJ/dW2 or dJ/db2 shows."""

LOWER = {
    **{f"f slope {kind}": "{subject} ".format(**OF["f"]) + text.format(**OF["f"]) for kind, text in SLOPES.items()},
    "f slope of g": "The slope at z1 is that of g: f'(z1) stands there, equation (14).",
    "f slope of g at z": "The slope at z1 is g'(z1): f'(z1) stands there, equation (14).",
    "g slope missing below": (
        "The slope of g is missing on the way to layer 1: W2^T multiplies dy_hat/dz3 dJ/dy_hat, equation (14), not dJ/dy_hat alone."
    ),
    "g slope twice below": (
        "The slope of g is applied once more on the way to layer 1: W2^T multiplies dJ/dz3, equation (14), which has g'(z3) in it."
    ),
    "W2 copied": (
        "On the way back W2 is the one of when the net was made: backward has to read it from the dict, as forward does "
        "(step 5 of 1.2(a) changes it)."
    ),
    "W2 not transposed": "On the way back W2 is not transposed: dJ/dz2 = (W2)^T dJ/dz3, equation (14).",
    "W1 in place of W2": "On the way back W1 stands in the place of W2: dJ/dz2 = (W2)^T dJ/dz3, equation (14).",
    "b1 of the handout": (
        "dJ/db1 has a trailing factor dz2/dz1, as in the handout's table of 1.2(c): the table is wrong, equation (16) is right."
    ),
    "b1 without f slope": "dJ/db1 lacks the slope of f: it is the sum of dJ/dz1 over the batch, equation (16), not of dJ/dz2.",
    "W1 without f slope": "dJ/dW1 lacks the slope of f: it is (dJ/dz1) x^T, equation (14), not (dJ/dz2) x^T.",
    "mean of b1": "dJ/db1 is a mean over the batch: it is a sum, equation (16).",
    "mean of W1": "dJ/dW1 is a mean over the batch: it is a sum, equation (14).",
    "b1 over all": "dJ/db1 is summed over the hidden units too: it is a sum over the batch alone, .sum(0), equation (16).",
    "b1 over units": "dJ/db1 is summed over the hidden units and not over the batch: .sum(0), equation (16).",
    "W1 transposed": "dJ/dW1 is transposed: it is (dJ/dz1) x^T, equation (14), of the shape (out, in) of W1.",
    "W1 from z1": "dJ/dW1 takes z1 where it needs x, the input of Linear_1: equation (14).",
    "W1 from z2": "dJ/dW1 takes z2 where it needs x, the input of Linear_1: equation (14).",
    "W1 as columns": (
        "dJ/dW1 is dJ/dz1 x^T as if the examples were columns: in a batch each is a row, and (14) becomes (dJ/dz1)^T x."
    ),
    "W1 of sums": "dJ/dW1 multiplies two sums over the batch: it is the sum of the products (dJ/dz1) x^T of each example, (14).",
}
"""Those that only dJ/dW1 or dJ/db1 shows."""

EVERYWHERE = {
    "mean in backward": (
        "The gradients are divided by the batch size: the mean is the loss's, backward sums over the batch, equations (9) to (16)."
    ),
    "features in backward": "The gradients are divided by the number of features: the mean is the loss's.",
    "numel in backward": (
        "The gradients are divided by batch x features: the mean is the loss's, backward sums over the batch, (9) to (16)."
    ),
    "sign in backward": "All gradients have the wrong sign: equations (9) to (16) have none.",
    "last example": "Only the last example of the batch counts: the gradients are sums over the batch; is it = in a loop, for +=?",
    "first example": "Only the first example of the batch counts: the gradients are sums over the batch, equations (9) to (16).",
    "last example left out": (
        "The last example of the batch is left out: the gradients are sums over the batch; does a loop end at len(x) - 1?"
    ),
    "first example left out": (
        "The first example of the batch is left out: the gradients are sums over the batch; does a loop begin at 1?"
    ),
    "ones for dJ": "backward starts from ones: it starts from its argument dJ/dy_hat, equations (6), (25).",
    "batch summed first": (
        "dJ/dy_hat is summed over the batch before it meets the examples: each has its own z1, z2, z3; "
        "sum the gradients at the end."
    ),
    "batch averaged first": (
        "dJ/dy_hat is averaged over the batch before it meets the examples: each has its own z1, z2, z3; "
        "sum the gradients at the end."
    ),
    "overwriting": (
        "backward overwrites the gradients: step 4 of 1.2(a) says compute and ACCUMULATE, grads += (and clear sets them to zero)."
    ),
    "stale cache": "backward uses the cache of an earlier forward: each forward has to store its own x, z1, z2, z3 (1.2(b)).",
}
"""Those of all four gradients."""

FORWARD = {
    "parameters copied": (
        "The parameters are copied when the net is made: forward has to read them from the dict each time "
        "(step 5 of 1.2(a) changes them)."
    ),
    "no b1": "forward leaves b1 out: z1 = W1 x + b1, table 1.2(b).",
    "no b2": "forward leaves b2 out: z3 = W2 z2 + b2, table 1.2(b).",
    "b1 subtracted": "forward subtracts b1: z1 = W1 x + b1, table 1.2(b).",
    "b2 subtracted": "forward subtracts b2: z3 = W2 z2 + b2, table 1.2(b).",
    "f not applied": "forward does not apply f: z2 = f(z1), table 1.2(b).",
    "g not applied": "forward does not apply g: y_hat = g(z3), table 1.2(b).",
    "f twice": "forward applies f twice: z2 = f(z1), table 1.2(b).",
    "g twice": "forward applies g twice: y_hat = g(z3), table 1.2(b).",
    "sigmoid on top": "forward applies sigmoid to g(z3) besides: y_hat = g(z3), table 1.2(b), whatever the loss.",
    "softmax on top": "forward applies softmax to g(z3) besides: y_hat = g(z3), table 1.2(b), whatever the loss.",
    "rounded": "forward rounds y_hat: it returns g(z3) as it is, table 1.2(b).",
    "thresholded": "forward returns whether y_hat > 0.5: it returns g(z3) as it is, table 1.2(b).",
    "last row missing": "forward leaves y_hat of the last example at 0: does a loop end at len(x) - 1?",
    "g as f": "forward applies g where f belongs: z2 = f(z1), table 1.2(b).",
    "f as g": "forward applies f where g belongs: y_hat = g(z3), table 1.2(b).",
    "W1 as it is": "forward takes x W1 for x W1^T: z1 = W1 x + b1 of each example, table 1.2(b), and an example is a row of x.",
    "W2 as it is": "forward takes z2 W2 for z2 W2^T: z3 = W2 z2 + b2 of each example, table 1.2(b), and an example is a row of z2.",
    "W1 from the left": (
        "forward takes W1 x for x W1^T: z1 = W1 x + b1 of each example, table 1.2(b), and an example is a row of x, no column."
    ),
    "W2 from the left": (
        "forward takes W2 z2 for z2 W2^T: z3 = W2 z2 + b2 of each example, table 1.2(b), and an example is a row of z2, no column."
    ),
    "sigmoid for identity": "identity is sigmoid in forward: is that left for every other name? It is z itself, section 1.2.",
    "relu for identity": "identity is ReLU in forward: is that left for every other name? It is z itself, section 1.2.",
    "exp(z) / (1 + exp(z))": (
        "sigmoid is exp(z) / (1 + exp(z)) in forward, which overflows for large z: 1 / (1 + exp(-z)), section 1.3, does not."
    ),
    "sigmoid not applied": "sigmoid does nothing in forward: is its name compared with 'sigmoid'? See section 1.3.",
    "relu not applied": "ReLU does nothing in forward: is its name compared with 'relu'? It is max(0, z), section 1.2.",
    "softplus": "ReLU is softplus in forward: (z)^+ is max(0, z), section 1.2, not log(1 + exp(z)).",
    "absolute value": "ReLU is |z| in forward: (z)^+ is 0 where z < 0, section 1.2.",
    "gelu": "ReLU is GELU in forward: (z)^+ is max(0, z), section 1.2.",
    "elu": "ReLU is ELU in forward: (z)^+ is max(0, z), section 1.2, not exp(z) - 1 where z < 0.",
    "min(0, z)": "ReLU is min(0, z) in forward: (z)^+ is max(0, z), section 1.2, clamp(min=0).",
    "1 / 1 + exp(-z)": "sigmoid is 1 / 1 + exp(-z) in forward: it is 1 / (1 + exp(-z)), section 1.3, with parentheses.",
    "log sigmoid": "sigmoid is its logarithm in forward: it is 1 / (1 + exp(-z)), section 1.3.",
    "sigmoid of -z": "sigmoid is 1 / (1 + exp(z)) in forward: it is 1 / (1 + exp(-z)), section 1.3.",
    "softmax": "sigmoid is softmax in forward: section 1.3 has the logistic sigmoid, 1 / (1 + exp(-z)) of each element alone.",
    "tanh": "sigmoid is tanh in forward: section 1.3 has 1 / (1 + exp(-z)).",
    "leaky relu": "ReLU is leaky in forward: (z)^+ is 0 where z < 0, section 1.2, not 0.01 z.",
}
"""Those that `forward` shows by what it returns."""

MERGED = {
    **{f"slope {kind}": (f"f slope {kind}", f"g slope {kind}") for kind in SLOPES},
    "slopes swapped": ("f slope of g", "g slope of f"),
    "slopes swapped at z": ("f slope of g at z", "g slope of f at z"),
    "mean of biases": ("mean of b1", "mean of b2"),
    "mean of weights": ("mean of W1", "mean of W2"),
    "activations not applied": ("f not applied", "g not applied"),
    "activations swapped": ("g as f", "f as g"),
    "activations twice": ("f twice", "g twice"),
    "weights as columns": ("W1 as columns", "W2 as columns"),
    "weights of sums": ("W1 of sums", "W2 of sums"),
    "weights as they are": ("W1 as it is", "W2 as it is"),
    "weights from the left": ("W1 from the left", "W2 from the left"),
    "biases over all": ("b1 over all", "b2 over all"),
    "biases over units": ("b1 over units", "b2 over units"),
}
"""Two that are one mistake, made in one place of the file."""

BOTH = {
    **{f"slope {kind}": "{subject} ".format(**OF[""]) + text.format(**OF[""]) for kind, text in SLOPES.items()},
    "slopes swapped": "The slopes are swapped: g' belongs to z3 and f' to z1, equation (14).",
    "slopes swapped at z": "The slopes are swapped, g'(z1) and f'(z3): g' belongs to z3 and f' to z1, equation (14).",
    "mean of biases": "The gradients of the biases are means over the batch: they are sums, equations (12) and (16).",
    "mean of weights": "The gradients of the weights are means over the batch: they are sums, equations (9) and (14).",
    "weights as they are": "forward takes x W for x W^T: an example is a row, so that W x + b, table 1.2(b), becomes x W^T + b.",
    "weights from the left": (
        "forward takes W x for x W^T: W x + b, table 1.2(b), is of one example as a column; in a batch each is a row, x W^T + b."
    ),
    "biases over all": (
        "The gradients of the biases are summed over the units too: they are sums over the batch alone, .sum(0), (12) and (16)."
    ),
    "biases over units": "The gradients of the biases are summed over the units and not over the batch: .sum(0), (12) and (16).",
    "weights as columns": (
        "The gradients of the weights are d x^T as if the examples were columns: each is a row, and (9), (14) become d^T x."
    ),
    "weights of sums": (
        "The gradients of the weights multiply two sums over the batch: they are sums of the products of each example, (9), (14)."
    ),
    "activations not applied": (
        "forward applies neither f nor g: z2 = f(z1), y_hat = g(z3), table 1.2(b). Are their names compared as they are given, "
        "'relu', 'sigmoid' and 'identity'?"
    ),
    "activations twice": "forward applies each activation twice: z2 = f(z1), y_hat = g(z3), table 1.2(b).",
    "activations swapped": "forward applies g in the middle and f at the end: z2 = f(z1), y_hat = g(z3), table 1.2(b).",
}

NET = FORWARD | UPPER | LOWER | EVERYWHERE | BOTH

SOFT = {"overwriting", "stale cache", *(f"{which}slope {kind} at 0" for which in ("f ", "g ", "") for kind in ("1", "1/2", "0/0"))}
"""Those that no script meets which makes one pass, or clears before the next, from random numbers."""


MISFITS = {"W1 as it is", "W2 as it is", "weights as they are", "W1 from the left", "W2 from the left", "weights from the left"}
MISFITS |= {"W1 as columns", "W2 as columns", "weights as columns"}
MISFITS |= {"b1 over units", "b2 over units", "biases over units", "W2 from x"}
MISFITS |= {"W1 transposed", "W2 transposed", "W2 not transposed", "W1 in place of W2", "W2 from y_hat", "W1 from z1", "W1 from z2"}
"""Those whose shapes fit in square nets only: elsewhere torch raises, and that is no other mistake."""


def net_sentence(name: str) -> str:
    """What to say of a mistake; `clamped 1.0` is the one with a number.

    >>> net_sentence("clamped 5")
    'The gradients are clamped to [-5, 5]: equations (9) to (16) have no bound.'
    """
    if name in NET:
        return NET[name]
    how, number = name.split()
    if how == "times":
        return f"Every gradient is {number} times what it should be. Equations (9) to (16) have no such factor."
    return f"The gradients are clamped to [-{number}, {number}]: equations (9) to (16) have no bound."


def merged(names: frozenset[str]) -> list[str]:
    """The names, where two that are one mistake stand together as that one; in the order of the library.

    >>> merged(frozenset({"g slope missing", "f slope missing", "overwriting"}))
    ['overwriting', 'slope missing']
    """
    for one, halves in MERGED.items():
        if names >= {*halves}:
            names = names - {*halves} | {one}
    return [name for name in NET if name in names] + sorted(name for name in names if name.startswith(("clamped ", "times ")))
