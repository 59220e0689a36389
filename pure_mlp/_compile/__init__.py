"""The same pure step as one flat program without allocations.

`plan` runs the step once and writes down its operations (trace, foreach), in a graph of values (graph); lets numeric factors sink
and computes counts on the host (simplify, rules, scaled, host); fuses what nobody looks at (rewrite); joins the updates of all
leaves (lanes, pack); puts the operations in order (schedule) and their results into memory (memory, outs); and prints the program
(emit, write): calls of torch (calls), and products (products, vectors) by the fastest library in torch's wheel (gemms), past torch
where that is possible (subroutine, blas, avx512, onednn). `fold` makes a pure function of all that.
"""
