"""What a training step costs, as ratios to eager autograd in the same run: `python -m tests.benchmarks`."""
