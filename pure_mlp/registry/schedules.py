"""The schedules: one row each."""

from __future__ import annotations

from torch.optim import lr_scheduler

from pure_mlp.optim.schedules import constant, cosine, step_decay, warmup
from pure_mlp.registry.rows import ScheduleRow

__all__ = ["SCHEDULE_ROWS"]

_ROWS = (
    ScheduleRow("constant", constant(0.05), lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    ScheduleRow("step_decay", step_decay(0.05, 7, 0.3), lambda o: lr_scheduler.StepLR(o, 7, 0.3)),
    ScheduleRow("cosine", cosine(0.05, 20, 0.01), lambda o: lr_scheduler.CosineAnnealingLR(o, 20, 0.01)),
    ScheduleRow("warmup", warmup(constant(0.05), 8), lambda o: lr_scheduler.LinearLR(o, 1 / 8, total_iters=7)),
)
SCHEDULE_ROWS: dict[str, ScheduleRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""
