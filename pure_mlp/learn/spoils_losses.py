"""The ways to spoil the losses of the correct file in `spoils`."""

# ruff: noqa: E501 - a mistake a line, so that the table can be read

from __future__ import annotations

Spoil = tuple[tuple[str, str], ...]
"""Texts of the file, and what stands in their place."""

MSE_J, MSE_D, BCE_J, BCE_D = (
    ".sum() / y.numel()\n    dJdy_hat = 2",
    "(y_hat - y) / y_hat.numel()",
    ".sum() / y.numel()\n    u",
    "dJdy_hat / y_hat.numel()",
)
LOGS, S_LINE = "a.log().clamp(min=-100), (1 - a).log().clamp(min=-100)", "s = ((1 - v) * v).clamp(min=1e-12)"
LOSS_SPOILS: dict[tuple[str, str, str], Spoil] = {
    ("mse", "J", "sum"): ((MSE_J, MSE_J.replace(" / y.numel()", "")),),
    ("mse", "J", "per batch"): ((MSE_J, MSE_J.replace("y.numel()", "len(y)")),),
    ("mse", "J", "per features"): ((MSE_J, MSE_J.replace("y.numel()", "y.shape[1]")),),
    ("mse", "J", "double mean"): ((MSE_J, MSE_J.replace("y.numel()", "y.numel() ** 2")),),
    ("mse", "J", "half"): (("J = ((y_hat - y) ** 2)", "J = (0.5 * (y_hat - y) ** 2)"),),
    ("mse", "J", "sign"): (("return J, dJdy_hat  # mse", "return -J, dJdy_hat  # mse"),),
    ("mse", "dJdy_hat", "sum"): ((MSE_D, "(y_hat - y)"),),
    ("mse", "dJdy_hat", "per batch"): ((MSE_D, "(y_hat - y) / len(y)"),),
    ("mse", "dJdy_hat", "per features"): ((MSE_D, "(y_hat - y) / y.shape[1]"),),
    ("mse", "dJdy_hat", "double mean"): ((MSE_D, "(y_hat - y) / y.numel() ** 2"),),
    ("mse", "dJdy_hat", "no factor 2"): (("dJdy_hat = 2 *", "dJdy_hat ="),),
    ("mse", "dJdy_hat", "sign"): (("J, dJdy_hat  # mse", "J, -dJdy_hat  # mse"),),
    ("bce", "J", "sum"): ((BCE_J, BCE_J.replace(" / y.numel()", "")),),
    ("bce", "J", "per batch"): ((BCE_J, BCE_J.replace("y.numel()", "len(y)")),),
    ("bce", "J", "per features"): ((BCE_J, BCE_J.replace("y.numel()", "y.shape[1]")),),
    ("bce", "J", "double mean"): ((BCE_J, BCE_J.replace("y.numel()", "y.numel() ** 2")),),
    ("bce", "J", "sign"): (("return J, dJdy_hat  # bce", "return -J, dJdy_hat  # bce"),),
    ("bce", "J", "swap"): (("t, a = y, y_hat", "t, a = y_hat, y"),),
    ("bce", "J", "handout"): (("t, a = y, y_hat", "t, a = y_hat, y_hat"),),
    ("bce", "J", "one term"): ((" + (1 - t) * q", ""),),
    ("bce", "J", "not clamped"): ((LOGS, "a.log(), (1 - a).log()"),),
    ("bce", "J", "epsilon added 1e-7"): ((LOGS, "(a + 1e-7).log(), (1 - a + 1e-7).log()"),),
    ("bce", "J", "epsilon clamped 1e-7"): ((LOGS, "a.clamp(1e-7, 1 - 1e-7).log(), (1 - a.clamp(1e-7, 1 - 1e-7)).log()"),),
    ("bce", "dJdy_hat", "sum"): ((BCE_D, BCE_D.replace(" / y_hat.numel()", "")),),
    ("bce", "dJdy_hat", "per batch"): ((BCE_D, BCE_D.replace("y_hat.numel()", "len(y)")),),
    ("bce", "dJdy_hat", "per features"): ((BCE_D, BCE_D.replace("y_hat.numel()", "y.shape[1]")),),
    ("bce", "dJdy_hat", "double mean"): ((BCE_D, BCE_D.replace("y_hat.numel()", "y.numel() ** 2")),),
    ("bce", "dJdy_hat", "sign"): (("J, dJdy_hat  # bce", "J, -dJdy_hat  # bce"),),
    ("bce", "dJdy_hat", "swap"): (("u, v = y, y_hat", "u, v = y_hat, y"),),
    ("bce", "dJdy_hat", "one term"): (("(v - u) / s", "-u / v.clamp(min=1e-12)"),),
    ("bce", "dJdy_hat", "from logits"): ((S_LINE, "s = 1"),),
    ("bce", "dJdy_hat", "not clamped"): ((S_LINE, "s = (1 - v) * v"),),
    ("bce", "dJdy_hat", "epsilon added 1e-7"): ((S_LINE, "s = (1 - v) * v + 1e-7"),),
    ("bce", "dJdy_hat", "epsilon clamped 1e-7"): ((S_LINE, "v = v.clamp(1e-7, 1 - 1e-7)\n    s = v * (1 - v)"),),
    ("mse", "J", "norm of squares"): (("J = ((y_hat - y) ** 2).sum() / y.numel()\n", "J = ((y_hat - y) ** 2).norm()\n"),),
    ("mse", "J", "norm"): (("J = ((y_hat - y) ** 2).sum() / y.numel()\n", "J = (y_hat - y).norm()\n"),),
    ("mse", "J", "root of the mean"): (("J = ((y_hat - y) ** 2).sum() / y.numel()\n", "J = (((y_hat - y) ** 2).sum() / y.numel()).sqrt()\n"),),
    ("mse", "J", "absolute"): (("J = ((y_hat - y) ** 2)", "J = (y_hat - y).abs()"),),
    ("mse", "J", "not squared"): (("J = ((y_hat - y) ** 2)", "J = (y_hat - y)"),),
    ("mse", "J", "squared sum"): (("J = ((y_hat - y) ** 2).sum() /", "J = (y_hat - y).sum() ** 2 /"),),
    ("mse", "dJdy_hat", "root of the mean"): (("2 * (y_hat - y)", "(y_hat - y) / ((y_hat - y) ** 2).mean().sqrt()"),),
    ("mse", "dJdy_hat", "absolute"): (("2 * (y_hat - y)", "(y_hat - y).sign()"),),
    ("mse", "dJdy_hat", "of the squares"): (("2 * (y_hat - y)", "(y_hat - y) ** 2"),),
    ("bce", "J", "inner sign"): ((" + (1 - t) * q", " - (1 - t) * q"),),
    ("bce", "J", "log10"): ((LOGS, "a.log().clamp(min=-100) / 2.302585092994046, (1 - a).log().clamp(min=-100) / 2.302585092994046"),),
    ("bce", "J", "log2"): ((LOGS, "a.log().clamp(min=-100) / 0.6931471805599453, (1 - a).log().clamp(min=-100) / 0.6931471805599453"),),
    ("bce", "J", "sigmoid inside"): (("t, a = y, y_hat", "t, a = y, torch.sigmoid(y_hat)"),),
    ("bce", "dJdy_hat", "sigmoid inside"): (("u, v = y, y_hat", "u, v = y, torch.sigmoid(y_hat)"),),
    ("bce", "dJdy_hat", "times the slope"): (("(v - u) / s", "(v - u) * v * (1 - v)"),),
    ("bce", "dJdy_hat", "inner sign"): (("(v - u) / s", "-u / v.clamp(min=1e-12) - (1 - u) / (1 - v).clamp(min=1e-12)"),),
    ("bce", "dJdy_hat", "log10"): ((BCE_D, BCE_D.replace("dJdy_hat /", "dJdy_hat / 2.302585092994046 /")),),
    ("bce", "dJdy_hat", "log2"): ((BCE_D, BCE_D.replace("dJdy_hat /", "dJdy_hat / 0.6931471805599453 /")),),
    ("bce", "dJdy_hat", "log of the gradient"): ((S_LINE, "s = v.clamp(min=1e-12)"),),
}  # fmt: skip
