"""What a name stands for: the functions that the command line, the theory and the tests choose by word."""
