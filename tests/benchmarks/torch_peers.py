"""The runtime torch: autograd in its forms, this library, the bare matrix products."""

from __future__ import annotations

from . import autograd, floors, native_products, ours, stacked
from .tensors import load as load
from .tensors import save as save

PEERS = {
    build.__name__: build
    for build in (
        *(autograd.eager, autograd.eager_fused, autograd.lean, autograd.func),
        *(ours.pure, ours.plan, ours.fold, ours.native, ours.native_fold),
        *(floors.bare, floors.gemms, floors.onednn, native_products.native_gemms),
        *(stacked.stacked_plan, stacked.stacked_native, stacked.separate),
    )
}
