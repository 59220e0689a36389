"""What the compilers of torch 2.6 cannot do yet."""

from __future__ import annotations

import pytest
import torch

traces_records = pytest.mark.skipif(
    torch.__version__.startswith("2.6."), reason="dynamo and make_fx of torch 2.6 do not see into records and lists of one"
)
