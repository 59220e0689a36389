"""Which process runs whom: a runtime is a module with `load(task)`, `save(path, params)` and `PEERS`, by name."""

RUNTIMES = {
    "torch_peers": (
        *("eager", "eager_fused", "lean", "func"),
        *("pure", "plan", "fold", "native", "native_fold"),
        *("bare", "gemms", "onednn"),
    ),
    "compile_peers": ("compile",),
    "jax_peers": ("jax_jit", "lax_scan"),
    "numpy_peers": ("numpy", "numpy_packed"),
}
NAMES = tuple(name for names in RUNTIMES.values() for name in names)
