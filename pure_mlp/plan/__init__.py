"""The same pure step as one flat program without allocations.

`plan` runs the step once and writes down its operations (trace, foreach), in a graph of values (graph); lets numeric factors sink
and computes counts on the host (simplify, rules, scaled, host); fuses what nobody looks at (rewrite); joins the updates of all
leaves (lanes, pack); puts the operations in order (schedule) and their results into memory (memory, outs); prints the program and
compiles it (emit, write), with the matrix products that are the faster ones here (gemms, onednn). `fold` makes a pure function of
all that.
"""
