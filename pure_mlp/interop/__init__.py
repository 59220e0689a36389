"""To and from torch.nn, scikit-learn, ONNX, numpy and jax."""
