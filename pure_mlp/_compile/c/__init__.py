"""The same program in C, for nets so small that calls are what costs.

Every value has an array (arrays). Elementwise operations share loops (elements, loops). Products of small matrices are functions
with their sizes inside, kept in registers (products, block.c, gemm.c); large ones are calls of the BLAS in torch (blas.c). Then
there are sums and softmax (reductions). Printed one after another (printer) they are one file (source), compiled once and kept on
disk (compiler), and called for one step or for many (program).
"""
