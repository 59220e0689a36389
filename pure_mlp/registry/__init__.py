"""One row a layer, loss, optimizer, schedule and init, read by the tests, `check`, the command line, the theory and the manual."""
