"""The one table of tensor operations: a row says how an operation is rewritten, called and written in C.

An operation of torch without a row is planned all the same, but has no C. If torch's own tags say that it is
elementwise it writes into given memory as those with a row do; else its result is a new tensor at each step.
"""

from __future__ import annotations

from functools import cache

import attrs
import torch

from pure_mlp._compile.graph import Node
from pure_mlp._compile.passes import rules, unfuse
from pure_mlp._compile.passes.builder import Rule
from pure_mlp._compile.schema import is_view, name_of, overload


@attrs.frozen
class Operation:
    """What is known of the operations of one name, whatever their overload.

    rule: how `simplify` rewrites it. fast: `torch.name` takes the arguments of the overload, and `out=`.
    method: so does `Tensor.name_`, in place. c: C for one element, where {0}, {1}, {2} are operands, {alpha}
    and {value} keywords, {f} is f for float, {t} the C type. integers: the C is right for integers too.
    elementwise: though torch has no tag that says so. raises: it looks at values, and may raise, as an operation
    without a row may unless it is elementwise. reduction: the place of an argument, and unless it is 0 the operation
    resizes what it writes to.
    """

    rule: Rule | None = None
    fast: bool = False
    method: bool = False
    c: str = ""
    integers: bool = False
    elementwise: bool = False
    raises: bool = False
    reduction: int | None = None


_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_FUNCTIONS = ("exp", "expm1", "log", "log1p", "sqrt", "erf", "erfc", "sin", "cos", "floor")
_MAXIMUM = "{0} > {1} || {0} != {0} ? {0} : {1}"
_BCE = "({1} - 1) * (log1p{f}(-{0}) < -100 ? -100 : log1p{f}(-{0})) - {1} * (log{f}({0}) < -100 ? -100 : log{f}({0}))"

OPERATIONS: dict[str, Operation] = {
    "add": Operation(rules.add, fast=True, method=True, c="{0} + {alpha} * {1}", integers=True),
    "sub": Operation(rules.add, fast=True, method=True, c="{0} - {alpha} * {1}", integers=True),
    "rsub": Operation(rules.reversed_sub, c="{1} - {alpha} * {0}", integers=True),
    "mul": Operation(rules.product, fast=True, method=True, c="{0} * {1}", integers=True),
    "div": Operation(rules.quotient, fast=True, method=True, c="{0} / {1}"),
    "neg": Operation(rules.negative, method=True, c="-{0}", integers=True),
    "mm": Operation(rules.product, fast=True),
    "bmm": Operation(rules.product, fast=True),
    "addmm": Operation(unfuse.addmm, fast=True),
    "_addmm_activation": Operation(unfuse.addmm),
    "addmv": Operation(fast=True, method=True),
    "baddbmm": Operation(fast=True, method=True),
    "sum": Operation(rules.total),
    "mean": Operation(rules.total),
    "pow": Operation(rules.square, method=True, c="pow{f}({0}, {1})"),
    "square": Operation(rules.square, method=True, c="{0} * {0}"),
    "addcmul": Operation(fast=True, method=True, c="{0} + {value} * {1} * {2}"),
    "addcdiv": Operation(unfuse.addcdiv, fast=True, method=True, c="{0} + {value} * {1} / {2}"),
    "lerp": Operation(
        fast=True,
        method=True,
        elementwise=True,
        c="fabs{f}({2}) < ({t})0.5 ? {0} + {2} * ({1} - {0}) : {1} - ({1} - {0}) * (1 - {2})",
    ),
    "relu": Operation(method=True, c="{0} < 0 ? 0 : {0}"),
    "threshold_backward": Operation(rules.threshold, elementwise=True, c="{1} <= {2} ? 0 : {0}"),
    "leaky_relu": Operation(c="{0} > 0 ? {0} : {0} * {1}"),
    "sigmoid": Operation(fast=True, method=True, c="1 / (1 + exp{f}(-{0}))"),
    "sigmoid_backward": Operation(c="{0} * (1 - {1}) * {1}"),
    "tanh": Operation(fast=True, method=True, c="tanh{f}({0})"),
    "tanh_backward": Operation(c="{0} * (1 - {1} * {1})"),
    "silu": Operation(c="{0} / (1 + exp{f}(-{0}))"),
    "log_sigmoid": Operation(elementwise=True, c="({0} < 0 ? {0} : 0) - log1p{f}(exp{f}(-fabs{f}({0})))"),
    "softplus": Operation(c="{0} * {1} > {2} ? {0} : log1p{f}(exp{f}({0} * {1})) / {1}"),
    "gelu": Operation(c="({t})0.5 * {0} * (1 + erf{f}({0} * ({t})0.70710678118654752440))"),
    "gelu_tanh": Operation(
        c="({t})0.5 * {0} * (1 + tanh{f}(({t})0.79788456080286535588 * ({0} + ({t})0.044715 * {0} * {0} * {0})))"
    ),
    **{name: Operation(method=True, c=name + "{f}({0})") for name in _FUNCTIONS},
    **{name: Operation(fast=True, method=True, c=name + "{f}({0})") for name in ("exp", "log", "sqrt", "log1p", "erf", "erfc")},
    "abs": Operation(fast=True, method=True, c="fabs{f}({0})"),
    "reciprocal": Operation(method=True, c="1 / {0}"),
    "rsqrt": Operation(method=True, c="1 / sqrt{f}({0})"),
    "maximum": Operation(fast=True, c=_MAXIMUM, integers=True),
    "minimum": Operation(fast=True, c=_MAXIMUM.replace(">", "<"), integers=True),
    "clamp": Operation(method=True, c="{0} < {1} ? {1} : {0} > {2} ? {2} : {0}"),
    "clamp_min": Operation(method=True, c="{0} < {1} ? {1} : {0}"),
    "clamp_max": Operation(method=True, c="{0} > {1} ? {1} : {0}"),
    "where": Operation(c="{0} ? {1} : {2}", integers=True),
    **{name: Operation(rules.comparison, c="{0} " + sign + " {1}") for name, sign in _COMPARISONS.items()},
    "bitwise_and": Operation(rules.comparison, c="{0} & {1}", integers=True),
    "bitwise_xor": Operation(c="{0} ^ {1}", integers=True),
    "bitwise_right_shift": Operation(rules.comparison, c="{0} >> {1}", integers=True),
    "clone": Operation(elementwise=True, c="{0}", integers=True),
    "_to_copy": Operation(elementwise=True, c="{0}", integers=True),
    "lin": Operation(elementwise=True),
    "scale": Operation(elementwise=True),
    "mse_loss": Operation(unfuse.squared_error, reduction=2),
    "mse_loss_backward": Operation(unfuse.squared_error_backward),
    "binary_cross_entropy": Operation(c=_BCE, raises=True, reduction=3),
    **{name: Operation(raises=True) for name in ("index", "index_select", "gather", "scatter", "scatter_add", "index_add", "take")},
    **{name: Operation(raises=True) for name in ("index_put", "embedding", "nll_loss_forward", "index_fill", "index_copy")},
    **{name: Operation(raises=True) for name in ("bernoulli", "multinomial", "cholesky", "bucketize", "repeat_interleave")},
    **{name: Operation(raises=True) for name in ("floor_divide", "remainder", "fmod")},
    "getitem": Operation(unfuse.first_output),
    **{name: Operation() for name in ("_softmax", "_log_softmax", "amax", "stack", "cat", "mv", "rand", "randn", "normal")},
}
_PLAIN = Operation()
_SILENT = {"all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "flip", "max", "min", "prod", "roll", "sort"}
_SILENT |= {"std", "topk", "tril", "triu", "var", "var_mean", "repeat", "linalg_vector_norm", "constant_pad_nd", "_unsafe_view"}
_SILENT |= {"log_sigmoid_forward", "native_layer_norm", "logsumexp", "std_mean", "smooth_l1_loss", "huber_loss"}
"""Operations without a row that never raise because of values."""


def operation(op: str) -> Operation:
    """The row of an operation; an empty row if it has none."""
    return OPERATIONS.get(name_of(op), _PLAIN)


def writes(node: Node) -> bool:
    """Whether torch's operation can write into given memory, and does not resize it."""
    at = operation(node.op).reduction
    plain = at is None or node.args[at : at + 1] == (0,)
    return plain and (name_of(node.op) in OPERATIONS or is_elementwise(node.op))


def may_raise(op: str) -> bool:
    """Whether the operation looks at values, and may raise because of them: any that is not known to be silent."""
    name = name_of(op)
    if overload(op) is None or is_view(op) or name in _SILENT:
        return False
    return OPERATIONS[name].raises or op.endswith("_mode") if name in OPERATIONS else not is_elementwise(op)


def is_comparison(op: str) -> bool:
    """Whether the operation compares two operands."""
    return name_of(op) in _COMPARISONS


@cache
def is_elementwise(op: str) -> bool:
    """Whether each element of the result depends on that element of the operands alone."""
    func = overload(op)
    return operation(op).elementwise or (func is not None and torch.Tag.pointwise in func.tags)


def overwritable(node: Node) -> list[Node]:
    """The operands whose memory the result may take: of its shape, strides and dtype, read element by element
    or added to.
    """
    adds = node.op in ("aten.addmm.default", "aten.baddbmm.default")
    operands = node.operands if is_elementwise(node.op) else node.operands[:1] if adds else ()
    return [a for a in dict.fromkeys(operands) if a.spec == node.spec and a.spec is not None]
