"""The grader: what a file does (probe), what it should do (model), and which mistake makes the difference (diagnose)."""
