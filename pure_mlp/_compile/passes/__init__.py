"""Graphs into better graphs, in the order of the pipeline."""
