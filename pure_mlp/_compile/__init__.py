"""The compiler: a pure step as one flat program, which proves itself against the step before it is trusted.

    plan.py       the face: a step with its programs and its carry; which of them makes the next step
    pipeline.py   the whole way from a step to a program, in one function
    check.py      whether a program does what the step does
    graph.py      values as nodes;  operations.py, numbers.py   what is known of each operation
    capture/      the step run once, every operation written down
    passes/       numbers sink, updates go into products, leaves are packed, nodes ordered and placed
    calls/        the program as Python: calls of torch and of the BLAS in its wheel
    c/            the program as C

Three ways lead down from Python, and no others: torch's dispatcher, the documented subroutines of BLAS with checked
arguments (`calls/blas.py`), and C that this room prints and compiles (`c/`).
"""
