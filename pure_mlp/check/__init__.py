"""The laws that a layer has to obey, for whoever writes one."""

from pure_mlp.check.laws import laws as laws
from pure_mlp.check.report import Report as Report

__all__ = ["Report", "laws"]
