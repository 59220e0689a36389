"""What a file does, observed: run as a package of its own, without the rest of pure_mlp, in an empty folder.

It knows no right answers, and imports torch and the standard library only.
"""
