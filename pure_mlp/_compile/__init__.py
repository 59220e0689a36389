"""The compiler: a pure step as one flat program, which proves itself against the step before it is trusted.

    plan.py       the face: a step with its programs and its carry; which of them makes the next step
    pipeline.py   the whole way from a step to a program, in one function
    check.py      whether a program does what the step does
    modes.py      the settings of the thread, under which programs are kept
    graph.py      the step as a graph;  operations.py, numbers.py   the tables of operations
    capture/      the step run once, every operation written down
    passes/       move factors outward, fuse updates into products, pack leaves, order nodes, assign memory
    calls/        the program as Python: calls of torch and of the BLAS in its wheel
    c/            the program as C

Three ways lead down from Python, and no others: torch's dispatcher, the documented subroutines of BLAS with checked
arguments (`calls/blas.py`), and C that this room prints and compiles (`c/`).
"""
