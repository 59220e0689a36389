"""Models that outlive the process: one file that holds tensors and what they mean, written whole or not at all."""
