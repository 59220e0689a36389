"""The program as C: for small nets, whose time goes into calls, and for products faster than those of torch's BLAS.

Every value has an array (arrays). Elementwise operations share loops (elements, loops). A matrix product is a
function with constant sizes (products and the files in C). Sums and softmax are in reductions. A stack of nets is
computed one net after another (stacks). The lines in order (printer) make one file (source), which is compiled once,
kept on disk (compiler), and called for one step or for many (program).
"""
