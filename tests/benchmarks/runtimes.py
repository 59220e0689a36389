"""Which process runs whom: a runtime is a module with `load(task)`, `save(path, params)` and `PEERS`, by name."""

RUNTIMES = {
    "torch_peers": (
        *("eager", "eager_fused", "lean", "func"),
        *("pure", "plan", "fold", "native", "native_fold"),
        *("bare", "gemms", "onednn", "native_gemms"),
        *("stacked_plan", "stacked_native", "separate"),
    ),
    "compile_peers": ("compile",),
    "jax_peers": ("jax_jit", "lax_scan", "jax_gemms", "jax_vmap"),
    "numpy_peers": ("numpy", "numpy_packed", "numpy_gemms"),
    "fma": ("fma",),
}
APART = {"stacked_plan", "stacked_native", "separate", "jax_vmap", "native_gemms", "numpy_gemms", "jax_gemms", "fma"}
"""Who has a command of its own, for ensembles or the peak."""
NAMES = tuple(name for names in RUNTIMES.values() for name in names if name not in APART)
