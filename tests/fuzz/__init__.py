"""Random steps on every engine against the plain loop: `python -m tests.fuzz SECONDS`."""
