"""The same program in C, for nets so small that calls are what costs, and for products faster than the BLAS in torch.

Every value has an array (arrays). Elementwise operations share loops (elements, loops). Products are functions with their
sizes inside (products and the files in C). Then there are sums and softmax (reductions). What is done to a stack of nets is
done to one net after another (stacks). Printed in order (printer) they are one file (source), compiled once and kept on disk
(compiler), and called for one step or for many (program).
"""
