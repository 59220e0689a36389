"""One layer a file; each is a constant `Layer`, or a function of hyperparameters that returns one."""
