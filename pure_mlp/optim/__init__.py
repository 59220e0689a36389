"""Optimizers: pure `(init, update)` pairs over trees, and what is chained with them."""
