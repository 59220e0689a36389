"""Layers from layers: each combinator takes layers and returns a layer."""
