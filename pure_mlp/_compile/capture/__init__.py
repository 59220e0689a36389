"""A step seen as a graph."""
