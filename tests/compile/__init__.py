"""Tests of the engines by their public face alone: whatever runs a step, the values are those of the plain loop."""
