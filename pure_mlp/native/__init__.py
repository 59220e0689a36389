"""The same program in C, for nets so small that calls are what costs."""
