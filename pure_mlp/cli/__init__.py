"""The command line: each command is a few lines over one room of the library. Only here are the extras of [cli] imported, lazily."""
