"""The schedules: one row each."""

from __future__ import annotations

from torch.optim import lr_scheduler

from pure_mlp.optim.schedules import constant, cosine, step_decay, warmup
from pure_mlp.registry.rows import ScheduleRow

__all__ = ["SCHEDULE_ROWS"]

_ROWS = (
    ScheduleRow("constant", constant, lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    ScheduleRow("step_decay", lambda rate: step_decay(rate, 2, 0.3), lambda o: lr_scheduler.StepLR(o, 2, 0.3)),
    ScheduleRow("cosine", lambda rate: cosine(rate, 20, 0.01), lambda o: lr_scheduler.CosineAnnealingLR(o, 20, 0.01)),
    ScheduleRow("warmup", lambda rate: warmup(constant(rate), 3), lambda o: lr_scheduler.LinearLR(o, 1 / 3, total_iters=2)),
)
SCHEDULE_ROWS: dict[str, ScheduleRow] = {row.name: row for row in _ROWS}
"""By name; `register` adds to it."""
