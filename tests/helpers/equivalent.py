"""Mutants that are the same function after all, and why: by the name of the rule, the statement that differs."""

from __future__ import annotations

GUARD = dict.fromkeys(
    (
        "if True:",
        "if dy.dim() != 2 and x.dim() != 2:",
        "if dy.dim() != 2:",
        "if x.dim() != 2:",
        "if dy.dim() == 2 or x.dim() != 2:",
        "if dy.dim() != 2 or x.dim() == 2:",
        "if dy.dim() != 3 or x.dim() != 2:",
        "if dy.dim() != 2 or x.dim() != 3:",
        "if x.dim() != 2 or x.dim() != 2:",
        "if dy.dim() != 2 or dy.dim() != 2:",
    ),
    "a shortcut: reshaping a matrix changes nothing, and the product refuses a matrix beside anything else",
)
LIKE_Y_HAT = "y has the shape of y_hat, or was refused"
SAME: dict[str, dict[str, str]] = {
    "weight_grads of linear": GUARD,
    "weight_grads of linear_bottom": GUARD,
    "squared_error of mse": {
        "return _mse_loss(a, b, 1)": "the mean of one number is that number (whose memory is that of all elements)",
    },
    "mse": {
        "c = scale('mse', y, reduction)": LIKE_Y_HAT,
        **dict.fromkeys(
            (
                "if False:",
                "if y == 'mean':",
                "if y_hat == 'mean':",
            ),
            "the same mean in more passes",
        ),
    },
    "bce": dict.fromkeys(
        (
            "c, count = (scale('bce', y, reduction), divisor('bce', y_hat, reduction))",
            "c, count = (scale('bce', y_hat, reduction), divisor('bce', y, reduction))",
            "dy_hat = (y_hat - y) / ((1 - y_hat) * y_hat).clamp(min=_least(y)) / count",
        ),
        LIKE_Y_HAT,
    ),
    "bce_with_logits": {
        "c = scale('bce_with_logits', y, reduction)": LIKE_Y_HAT,
        "wrong = torch.where(z >= 0, 1 - y, -y)": "at z = 0 both are multiplied by 0",
    },
    "cross_entropy": {
        "kept = y != ignore_index if indices else torch.ones_like(y[..., 0], dtype=torch.bool)": LIKE_Y_HAT,
        **dict.fromkeys(
            (
                "t = (1 - label_smoothing) * q + label_smoothing / z.shape[-1]",
                "t = (1 - label_smoothing) * q + label_smoothing / z.shape[-1] if reduction else q",
                "t = (1 - label_smoothing) * q + label_smoothing / z.shape[-1] if ignore_index else q",
            ),
            "a shortcut: a smoothing of 0 changes nothing",
        ),
    },
    "reduce of bce_with_logits": dict.fromkeys(
        (
            "if False:",
            "if elements == 'mean':",
            "if factor == 'mean':",
            "return (wide(elements).sum() * factor).to(elements.dtype)",
            "return elements.sum() if reduction == 1 else (wide(elements).sum() * factor).to(elements.dtype)",
            "return elements.sum() if factor == 2 else (wide(elements).sum() * factor).to(elements.dtype)",
        ),
        "shortcuts: the sum times the factor is all of them but none",
    ),
    "mse_backward of mse": {
        **dict.fromkeys(("if not _plain(a, a):", "if not _plain(b, b):"), "the kernel takes a batch of one of the two"),
        "if True:": "slower, and the same",
        "return 2 / max(b.numel(), 1) * (a - b)": LIKE_Y_HAT,
        "out: Tensor = _mse_loss_backward(ONES[torch.float64], a, b, 1)": "slower, and the same: a 0-dim tensor promotes nothing",
        "out: Tensor = _mse_loss_backward(ONES.get(b.dtype, ONES[torch.float64]), a, b, 1)": "a and b have one dtype",
    },
}
