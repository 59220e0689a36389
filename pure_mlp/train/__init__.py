"""Training as a fold: the step, its fold over batches, epochs of it."""
