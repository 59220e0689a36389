"""The same pure step as one flat program without allocations: trace, simplify, rewrite, schedule, place, print."""
