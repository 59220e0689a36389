"""The command line: each command is a few lines over one room. Only here are the extras of [cli] imported, lazily."""
