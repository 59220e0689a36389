"""One loss a file, label first: `loss(y, y_hat) -> (J, dJ/dy_hat)`."""
