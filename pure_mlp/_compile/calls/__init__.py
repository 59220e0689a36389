"""Programs that call torch and BLAS from Python."""
