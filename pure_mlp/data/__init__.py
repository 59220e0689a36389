"""Data sets: three that are shipped, readers of MNIST's idx files and of .npz, splitting and standardisation."""
