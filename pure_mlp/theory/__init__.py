"""The theory of the homework, computed from the library's own functions and checked against them."""
