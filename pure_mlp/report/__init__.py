"""Pages about training: what is measured, how it is drawn, one self-contained file."""
